"""Kernel perceptrons are perceptrons in features; kernel components those of scikit-learn."""

import re

import numpy as np
import pytest
from keras.ops import convert_to_numpy

import keras_classics as kc
from support import check_round_trip

RNG = np.random.default_rng(0)
XOR = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1.0]]), np.array([0, 1, 1, 0])


def squares(x):
    """The features of the kernel `(1 + x . x')^2`, written down."""
    first, second = x.T
    root = np.sqrt(2)
    columns = [np.ones(len(x)), root * first, root * second, root * first * second]
    return np.stack([*columns, first**2, second**2], axis=1)


def mistakes_in(features, sides, epochs):
    """Rosenblatt's rule without a bias: its weights, and each mistake as it comes."""
    weights, made = np.zeros(features.shape[1]), []
    for _ in range(epochs):
        for row, side in enumerate(sides):
            if side * features[row] @ weights <= 0:
                weights = weights + side * features[row]
                made.append(row)
    return weights, made


def test_it_is_the_perceptron_in_the_explicit_features_mistake_by_mistake():
    x = RNG.normal(size=(60, 2))
    labels = (np.sum(x**2, axis=1) > 1.5).astype(int)
    for epochs in (1, 3):
        model = kc.models.kernel_perceptron(x, kernel="polynomial")
        history = kc.models.fit_kernel_perceptron(model, labels, max_epochs=epochs)
        weights, made = mistakes_in(squares(x), 2 * labels - 1, epochs)
        assert history.corrections.tolist() == [len(made)]
        # The representer theorem: an example's coefficient counts its mistakes.
        coefficients = convert_to_numpy(model.get_layer("expansion").coefficients)[:, 0]
        counted = np.bincount(made, minlength=60) * (2 * labels - 1)
        np.testing.assert_array_equal(coefficients, counted)
        new = RNG.normal(size=(20, 2))
        np.testing.assert_allclose(
            convert_to_numpy(model(new))[:, 0], squares(new) @ weights, rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize(("kernel", "settings"), [("polynomial", {}), ("gaussian", {"width": 0.7})])
def test_what_no_plane_separates_is_learned_within_the_bound(kernel, settings, tmp_path):
    model = kc.models.kernel_perceptron(XOR[0], kernel=kernel, **settings)
    history = kc.models.fit_kernel_perceptron(model, XOR[1])
    assert history.converged
    np.testing.assert_array_equal(convert_to_numpy(model(XOR[0]))[:, 0] > 0, XOR[1])
    (bound,) = kc.models.mistake_bounds(model, XOR[1])
    assert history.corrections[0] <= bound < np.inf
    check_round_trip(model, XOR[0].astype("float32"), tmp_path)
    kc.analysis.draw_mistake_bounds(
        tmp_path / "bound.png", {kernel: [(history.corrections[0], bound)]}
    )
    assert (tmp_path / "bound.png").stat().st_size > 1000
    # The numbers of an axis tell where a point lies, of few mistakes and of many.
    for bound, scale in ((9, "linear"), (9e4, "log")):
        drawn = tmp_path / f"{scale}.svg"
        kc.analysis.draw_mistake_bounds(drawn, {kernel: [(4, bound)]})
        numbers = re.findall(r"<!-- ([\d.,]+) -->", drawn.read_text())
        assert len(set(numbers)) >= 3, numbers


def test_the_bound_is_novikoffs_in_the_explicit_features():
    x = np.array([[0.2, 0.1], [2, 1.5], [-0.3, 0.4], [-1, 2.5], [0.1, -0.5], [1.5, -2]])
    labels = np.array([0, 1, 0, 1, 0, 1])
    model = kc.models.kernel_perceptron(x, kernel="polynomial")
    assert kc.models.fit_kernel_perceptron(model, labels).converged
    features, sides = squares(x), 2 * labels - 1
    weights = convert_to_numpy(model.get_layer("expansion").coefficients)[:, 0] @ features
    margin = (sides * (features @ weights)).min() / np.linalg.norm(weights)
    longest = np.linalg.norm(features, axis=1).max()
    np.testing.assert_allclose(kc.models.mistake_bounds(model, labels), (longest / margin) ** 2)


def test_components_are_signed_by_their_largest_coefficient():
    x = RNG.normal(size=(30, 4))
    layer = kc.models.kernel_pca(x, 3, width=2.0).get_layer("expansion")
    gram = layer.gram(x, x)
    centred = gram - gram.mean(0) - gram.mean(1, keepdims=True) + gram.mean()
    vectors = np.linalg.eigh(centred)[1][:, :-4:-1]
    found = convert_to_numpy(layer.coefficients)
    for ours, theirs in zip(found.T, vectors.T, strict=True):
        own = ours / np.linalg.norm(ours)
        largest = np.abs(theirs).argmax()
        np.testing.assert_allclose(own, theirs * np.sign(theirs[largest]), atol=1e-3)
        assert own[largest] > 0


def test_what_a_plane_cannot_do_has_no_bound(tmp_path):
    model = kc.models.kernel_perceptron(XOR[0], kernel="linear")
    history = kc.models.fit_kernel_perceptron(model, XOR[1], max_epochs=20)
    bounds = kc.models.mistake_bounds(model, XOR[1])
    assert not history.converged and bounds == [np.inf]
    with pytest.raises(kc.InputError, match="Train to convergence"):
        kc.analysis.draw_mistake_bounds(tmp_path / "x.png", {"linear": [(3, bounds[0])]})


def test_one_unit_a_class():
    corners = np.array([[0, 4], [4, -3], [-4, -3]], "float32")
    labels = np.arange(30) % 3
    x = corners[labels] + RNG.uniform(-1, 1, size=(30, 2))
    model = kc.models.kernel_perceptron(x, units=3, width=2.0)
    history = kc.models.fit_kernel_perceptron(model, labels)
    assert history.converged and (convert_to_numpy(model(x)).argmax(1) == labels).all()
    assert (history.corrections <= kc.models.mistake_bounds(model, labels)).all()


@pytest.mark.parametrize(
    ("kernel", "settings", "theirs"),
    [
        ("linear", {}, {"kernel": "linear"}),
        ("polynomial", {"degree": 3, "offset": 0.5}, {"kernel": "poly", "gamma": 1, "coef0": 0.5}),
        ("gaussian", {"width": 2.0}, {"kernel": "rbf", "gamma": 1 / 8}),
    ],
)
def test_components_are_those_of_scikit_learn(kernel, settings, theirs):
    decomposition = pytest.importorskip("sklearn.decomposition")
    x, new = RNG.normal(size=(40, 5)), RNG.normal(size=(7, 5))
    model = kc.models.kernel_pca(x, 3, kernel=kernel, **settings)
    peer = decomposition.KernelPCA(3, **theirs).fit(x)
    expected, found = peer.transform(new), convert_to_numpy(model(new))
    # A component's sign is free.
    expected = expected * np.sign(np.sum(expected * found, axis=0))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-3 * np.abs(expected).max())


def test_components_and_tables_that_are_not_there_are_refused():
    x = RNG.normal(size=(6, 2))
    with pytest.raises(kc.InputError, match="Pass components=2 or fewer"):
        kc.models.kernel_pca(x, 3, kernel="linear")
    kc.models.kernel_pca(x, 2, kernel="linear")
    with pytest.raises(kc.InputError, match="reshape"):
        kc.models.kernel_perceptron(np.zeros((2, 4, 4)))
    with pytest.raises(kc.InputError, match="of finite numbers"):
        kc.models.kernel_pca(np.full((3, 2), np.nan), 1)
    with pytest.raises(kc.InputError, match="Pass examples that differ"):
        kc.models.kernel_pca(np.ones((3, 2)), 1)
    with pytest.raises(kc.InputError, match="Build one: kc.models.kernel_perceptron"):
        kc.models.mistake_bounds(kc.models.hopfield([[1, -1]]), np.array([0]))
    centred = kc.models.kernel_pca(x, 1, width=3.0)
    for call in (kc.models.fit_kernel_perceptron, kc.models.mistake_bounds):
        with pytest.raises(kc.InputError, match="or a bias beside them"):
            call(centred, np.arange(6) % 2)
    with pytest.raises(kc.InputError, match="not one-hot"):
        kc.models.fit_kernel_perceptron(kc.models.kernel_perceptron(x), np.eye(6, 2))


def test_far_from_the_origin_the_answers_are_those_that_were_learned():
    years = np.arange(2000.0, 2012)[:, None]
    labels = np.arange(12) // 2 % 2
    model = kc.models.kernel_perceptron(years, width=0.3)
    assert kc.models.fit_kernel_perceptron(model, labels).converged
    np.testing.assert_array_equal(convert_to_numpy(model(years))[:, 0] > 0, labels)
    x = RNG.normal(size=(12, 3))
    near, far = (kc.models.kernel_pca(x + each, 2, width=1.0) for each in (0, 4096))
    np.testing.assert_allclose(far.predict(x + 4096), near.predict(x), atol=2e-3)


@pytest.mark.parametrize("kernel", ["linear", "polynomial"])
def test_what_single_precision_cannot_tell_apart_is_refused(kernel):
    x = RNG.normal(size=(12, 3))
    with pytest.raises(kc.InputError, match="x.mean") as told:
        kc.models.kernel_pca(x + 1e4, 2, kernel=kernel)
    assert "up to 1e+04" in str(told.value)
    moved = (x + 1e4 - (x + 1e4).mean(0)) / (x + 1e4).std(0)
    kc.models.kernel_pca(moved, 2, kernel=kernel)


def test_sums_that_are_no_numbers_are_not_learned():
    x = RNG.normal(size=(12, 3))
    labels = (x[:, 0] > 0).astype(int)
    for settings in ({"degree": 8}, {"degree": 3}):
        model = kc.models.kernel_perceptron(x * 1e30, kernel="polynomial", **settings)
        with pytest.raises(kc.InputError, match="x.mean"):
            kc.models.fit_kernel_perceptron(model, labels)
    for far in (1e100, 1e300):
        with pytest.raises(kc.InputError, match="x.mean"):
            kc.models.kernel_pca(x * far, 2, kernel="polynomial", degree=5)
    with pytest.raises(kc.InputError, match="x.mean"):
        kc.models.kernel_perceptron(x * 1e300, kernel="linear")


def test_what_a_kernel_is_not_told_is_refused():
    for kernel, wrong in (("gaussian", "gamma"), ("linear", "degree"), ("polynomial", "width")):
        with pytest.raises(kc.InputError, match=f"'{wrong}' was given to 'the {kernel} kernel'"):
            kc.models.kernel_perceptron(XOR[0], kernel=kernel, **{wrong: 3})
    with pytest.raises(kc.InputError, match="rows of different lengths"):
        kc.models.kernel_perceptron([[0, 1], [1]])


def test_associations_are_of_the_seed_and_of_so_many_of_each_kind():
    wide = np.zeros((1, 4000), "float32")

    def kernel(**given):
        units = kc.layers.AssociationUnits(200, **given)
        units(wide)
        return convert_to_numpy(units.kernel)

    # Of so many inputs hardly one is drawn twice.
    for given, added, taken in (({}, 5, 5), ({"excitatory": 3, "inhibitory": 1}, 3, 1)):
        drawn = kernel(**given)
        assert np.median(np.maximum(drawn, 0).sum(0)) == added
        assert np.median(np.maximum(-drawn, 0).sum(0)) == taken
    np.testing.assert_array_equal(kernel(seed=2), kernel(seed=2))
    assert (kernel(seed=2) != kernel(seed=3)).any()


def test_random_associations_let_a_perceptron_do_what_it_cannot_alone():
    units = kc.layers.AssociationUnits(60, excitatory=1, inhibitory=1, threshold=1.0, seed=1)
    hidden = convert_to_numpy(units(XOR[0]))
    assert set(np.unique(hidden)) <= {0, 1} and not units.trainable_weights
    kernel = convert_to_numpy(units.kernel)
    np.testing.assert_array_equal(hidden, XOR[0] @ kernel >= 1)
    # Each adds at one input and takes off at one, which may be the same.
    assert set(map(tuple, kernel.T)) <= {(0, 0), (1, -1), (-1, 1)}
    model = kc.models.Perceptron(input_shape=(60,), classes=1)
    assert kc.models.fit_perceptron(model, hidden, XOR[1]).converged
