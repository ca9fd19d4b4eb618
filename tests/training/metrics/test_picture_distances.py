"""FID and KID: closed forms, sums by hand, and what a file keeps of them."""

import copy
import pickle

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc

DRAW = np.random.default_rng(0)
REAL, MADE = DRAW.normal(size=(40, 3)), DRAW.normal(0.4, 1.3, (30, 3))


def extractor(seed=1):
    keras.utils.set_random_seed(seed)
    picture = keras.Input((6, 6, 1))
    # A metric sees no dropout.
    x = layers.Conv2D(2, 3, activation="relu")(layers.Dropout(0.5)(picture))
    return keras.Model(picture, x)


def test_gaussians_have_the_closed_form():
    """Of diagonal covariances it is |m1 - m2|^2 + sum (s1 - s2)^2, in any axes."""
    turn, _ = np.linalg.qr(DRAW.normal(size=(4, 4)))
    means, deviations = DRAW.normal(size=(2, 4)), DRAW.uniform(0.1, 3, (2, 4))
    spreads = [turn @ np.diag(each**2) @ turn.T for each in deviations]
    expected = np.square(means[0] - means[1]).sum() + np.square(np.subtract(*deviations)).sum()
    found = kc.training.frechet_distance(means[0], spreads[0], means[1], spreads[1])
    assert found == pytest.approx(expected, rel=1e-10)
    # Where both do not share their axes, the trace is that of the eigenvalues of the product.
    other = np.cov(MADE.T)
    own = np.diag([1.0, 2.0, 0.5])
    root = np.sqrt(np.linalg.eigvals(own @ other).real).sum()
    expected = np.trace(own) + np.trace(other) - 2 * root
    zero = np.zeros(3)
    assert kc.training.frechet_distance(zero, own, zero, other) == pytest.approx(expected)


def test_values_are_those_of_torch_fidelity():
    """Of its release 0.4.0, on the same features in float64."""
    squares = np.square(np.arange(160.0)).reshape(40, 4)
    real, made = np.sin(0.37 * squares), 0.3 + 1.2 * np.cos(0.53 * squares)
    gaussian, kernel = kc.training.FrechetDistance(), kc.training.KernelDistance(None, 2000, 10)
    for metric in (gaussian, kernel):
        metric.update_state(real[:25], made)
        metric.update_state(real[25:], None)
    assert float(gaussian.result()) == pytest.approx(0.3812811152281519, rel=1e-9)
    assert kc.training.kernel_distance(real, made) == pytest.approx(0.1580112218984322, rel=1e-9)
    # Its 2,000 subsets of 10 are others.
    assert float(kernel.result()) == pytest.approx(0.1758, abs=6 * 0.4117 / 2000**0.5)
    assert kernel.deviation() == pytest.approx(0.4117, rel=0.1)


def test_a_covariance_that_is_not_symmetric_is_refused():
    zero, one = np.zeros(2), np.eye(2)
    nearly = [[1, 0.5], [0.501, 1]]
    for spreads in (([[1, 0.9], [0, 1]], one), (one, [[1, 0], [0.9, 1]]), (one, nearly)):
        with pytest.raises(kc.InputError, match="numpy.cov"):
            kc.training.frechet_distance(zero, spreads[0], zero, spreads[1])


@pytest.mark.parametrize("far", [1e4, 1e8])
def test_batches_make_the_covariance_of_all(far):
    metric = kc.training.FrechetDistance()
    # Far from zero, sums of squares would be of no use.
    for start in range(0, 40, 7):
        metric.update_state(REAL[start : start + 7] + far, MADE[start : start + 7] + far)
    expected = kc.training.frechet_distance(
        REAL.mean(0), np.cov(REAL, rowvar=False), MADE.mean(0), np.cov(MADE, rowvar=False)
    )
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_the_discrepancy_is_the_sum_by_hand():
    def kernel(a, b):
        return (a @ b / 3 + 1) ** 3

    pairs = [
        sum(kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j)
        / (len(x) * (len(x) - 1))
        for x in (REAL, MADE)
    ]
    across = sum(kernel(a, b) for a in REAL for b in MADE) / (40 * 30)
    expected = sum(pairs) - 2 * across
    assert kc.training.kernel_distance(REAL, MADE) == pytest.approx(expected, rel=1e-10)
    metric = kc.training.KernelDistance(subsets=None)
    metric.update_state(REAL[:11], MADE)
    metric.update_state(REAL[11:], None)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-10)
    for subsets in (None, 1):
        with pytest.raises(kc.InputError, match="deviation of one distance.*subsets=100"):
            kc.training.KernelDistance(subsets=subsets).deviation()
    with pytest.raises(kc.InputError, match="0 real and 0 made"):
        kc.training.KernelDistance().deviation()


def test_subsets_are_unbiased_and_vary():
    metric = kc.training.KernelDistance(subsets=400, subset_size=20)
    metric.update_state(REAL, MADE)
    whole = kc.training.kernel_distance(REAL, MADE)
    assert abs(metric.result() - whole) < 4 * metric.deviation() / 400**0.5
    assert metric.deviation() > 0


@pytest.mark.parametrize("kind", ["FrechetDistance", "KernelDistance"])
def test_one_picture_is_refused(kind):
    metric = getattr(kc.training, kind)()
    metric.update_state(REAL[:1], MADE)
    with pytest.raises(kc.InputError, match="1 real and 30 made"):
        metric.result()
    metric.reset_state()
    with pytest.raises(kc.InputError, match="0 real and 0 made"):
        metric.result()
    metric.update_state(REAL[:2], MADE)
    if kind == "KernelDistance":
        with pytest.raises(kc.InputError, match="subset_size=2 or less"):
            metric.result()
        return
    with pytest.warns(UserWarning, match="no full rank") as told:
        metric.result()
        metric.result()
    assert len(told) == 1


def test_features_that_are_not_finite_are_refused():
    for other in (MADE * np.nan, MADE * 1e200, MADE * 1e102):
        with pytest.raises(kc.InputError, match="not finite"):
            kc.training.KernelDistance().update_state(REAL, other)
    # The largest that are admitted have cubes of products.
    metric = kc.training.KernelDistance(subsets=None)
    metric.update_state(np.full((4, 3), 1e50), np.full((4, 3), -1e50))
    assert np.isfinite(metric.result())
    with pytest.raises(kc.InputError, match=r"isfinite\(features\)"):
        kc.training.frechet_distance([0.0], [[np.nan]], [0.0], [[1.0]])


@pytest.mark.parametrize("kind", ["FrechetDistance", "KernelDistance"])
def test_features_are_of_one_network(kind):
    """Of one number each and of three they would be spread over one another."""
    for first, second in ((REAL[:, :1], REAL), (REAL, REAL[:, :2])):
        metric = getattr(kc.training, kind)()
        metric.update_state(first, None)
        for sides in ((second, None), (None, second)):
            with pytest.raises(kc.InputError, match=r"features of each.*reset_state\(\)"):
                metric.update_state(*sides)
        metric.reset_state()
        metric.update_state(second, second)
    with pytest.raises(kc.InputError, match="one network"):
        kc.training.kernel_distance(REAL, MADE[:, :2])
    for none in (REAL[:, :0], MADE[:, :0]):
        with pytest.raises(kc.InputError, match="0 features of each"):
            getattr(kc.training, kind)().update_state(none, None)
    with pytest.raises(kc.InputError, match="one network"):
        kc.training.kernel_distance(REAL[:, :0], MADE[:, :0])
    pictures = DRAW.normal(size=(4, 6, 6, 1)).astype("float32")
    with pytest.raises(kc.InputError, match=rf"{kind}\(extractor\)"):
        getattr(kc.training, kind)().update_state(pictures, None)


@pytest.mark.parametrize("kind", ["FrechetDistance", "KernelDistance"])
def test_of_a_batch_that_is_refused_neither_side_is_counted(kind):
    options = {"subsets": None} if kind == "KernelDistance" else {}
    once, mended = (getattr(kc.training, kind)(**options) for _ in range(2))
    once.update_state(REAL, MADE)
    for wrong in (MADE[:, :2], MADE * np.nan, np.array(5.0)):
        with pytest.raises(kc.InputError):
            mended.update_state(REAL, wrong)
    # Nor is their number of features kept.
    with pytest.raises(kc.InputError):
        mended.update_state(REAL[:, :2], MADE)
    mended.update_state(REAL, MADE)
    mended.update_state(REAL[:0], None)
    assert mended.result() == once.result()
    with pytest.raises(kc.InputError, match=r"shape \(\) was given.*\(batch, features\)"):
        mended.update_state(np.array(5.0), None)


def test_an_extractor_has_one_output_and_its_size_of_pictures():
    pictures, own = DRAW.normal(size=(4, 6, 6, 1)).astype("float32"), extractor()
    flat = layers.Flatten()(own.output)
    two = keras.Model(own.input, {"maps": own.output, "flat": flat})
    with pytest.raises(kc.InputError, match=r"2 outputs.*model\.outputs\[0\]"):
        kc.training.FrechetDistance(two).update_state(pictures, None)
    one = keras.Model(two.input, two.outputs[0])
    kc.training.FrechetDistance(one).update_state(pictures, None)
    with pytest.raises(kc.InputError, match=r"pictures\[\.\.\., None\]"):
        kc.training.FrechetDistance(own).update_state(pictures[..., 0], None)
    kc.training.FrechetDistance(own).update_state(pictures[..., 0][..., None], None)


def test_in_a_compiled_step_it_says_so():
    picture = keras.Input((3,))
    model = keras.Model(picture, layers.Dense(3)(picture))
    model.compile("sgd", "mse", metrics=[kc.training.FrechetDistance()])
    with pytest.raises(kc.InputError, match="after predict or generate"):
        model.fit(REAL.astype("float32"), REAL.astype("float32"), verbose=0)
    metric = kc.training.FrechetDistance()
    metric.update_state(REAL, model.predict(REAL.astype("float32"), verbose=0))
    assert np.isfinite(metric.result())


@pytest.mark.parametrize(
    "metric", [kc.training.FrechetDistance(), kc.training.KernelDistance(subsets=None)]
)
@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_has_seen_what_the_metric_has(metric, again):
    metric.reset_state()
    metric.update_state(REAL[:20], MADE)
    twin = again(metric)
    assert twin.result() == metric.result()
    twin.update_state(REAL[20:], None)
    assert twin.result() != metric.result()
    metric.update_state(REAL[20:], None)
    assert twin.result() == metric.result()


@pytest.mark.parametrize(
    "kind, options",
    [
        ("FrechetDistance", {}),
        ("KernelDistance", {"subsets": 3, "subset_size": 5, "seed": 7}),
    ],
)
def test_a_metric_comes_back_from_a_file(kind, options):
    metric = getattr(kc.training, kind)(**options)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(twin) is type(metric) and twin.get_config() == metric.get_config()
    for each in (metric, twin):
        each.update_state(REAL, MADE)
    assert twin.result() == metric.result()
    assert {name: twin.get_config()[name] for name in options} == options


def test_a_metric_from_a_file_wants_the_weights_it_had():
    pictures = DRAW.normal(size=(12, 6, 6, 1)).astype("float32")
    model = extractor()
    metric = kc.training.KernelDistance(model, subsets=None)
    metric.update_state(pictures, pictures[:6] + 1)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    for each in (twin, copy.deepcopy(twin)):
        with pytest.raises(kc.InputError, match="set_weights"):
            each.update_state(pictures, pictures)
    twin.extractor.set_weights(model.get_weights())
    twin.update_state(pictures, pictures[:6] + 1)
    assert twin.result() == metric.result()
    # A copy is from no file: it takes what its extractor has become, as the metric itself does.
    again = copy.deepcopy(metric)
    again.extractor.set_weights([2 * each for each in model.get_weights()])
    again.update_state(pictures, None)
    # Maps count by the mean over their pixels.
    means = [np.asarray(model(x)).mean(axis=(1, 2)) for x in (pictures, pictures[:6] + 1)]
    assert metric.result() == pytest.approx(kc.training.kernel_distance(*means))
