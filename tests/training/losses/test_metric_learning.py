"""Losses on distances by hand, and recall at k by counting."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import check_round_trip, run_on

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(9, 3)).astype("float32")
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 3])
APART = np.linalg.norm(POINTS[:, None] - POINTS, axis=-1)


def groups(anchor):
    own = [n for n in range(9) if LABELS[n] == LABELS[anchor] and n != anchor]
    return own, [n for n in range(9) if LABELS[n] != LABELS[anchor]]


def by_hand(kind, mining, margin):
    costs = []
    for anchor in range(9):
        own, others = groups(anchor)
        far = [APART[anchor, n] for n in own]
        near = [APART[anchor, n] for n in others]
        if kind == "triplet":
            if not own:
                continue
            if mining == "hard":
                costs.append(max(0, margin + max(far) - min(near)))
            elif mining == "semi_hard":
                chosen = [min((d for d in near if d > f), default=max(near)) for f in far]
                costs.append(
                    np.mean([max(0, margin + f - d) for f, d in zip(far, chosen, strict=True)])
                )
            else:
                hard = [margin + f - d for f in far for d in near if margin + f > d]
                costs.append(np.mean(hard) if hard else 0)
        else:
            squares = [d**2 for d in far] or [0]
            gaps = [max(0, margin - d) ** 2 for d in near]
            summary = max if mining == "hard" else np.mean
            costs.append(summary(squares) + summary(gaps))
    return np.mean(costs)


@pytest.mark.parametrize(
    ("kind", "mining"),
    [
        ("triplet", "hard"),
        ("triplet", "semi_hard"),
        ("triplet", "all"),
        ("contrastive", "hard"),
        ("contrastive", "all"),
    ],
)
def test_losses_by_hand(kind, mining):
    made = kc.training.TripletLoss if kind == "triplet" else kc.training.ContrastiveLoss
    loss = made(margin=0.7, mining=mining)
    expected = by_hand(kind, mining, 0.7)
    assert float(loss(LABELS, POINTS)) == pytest.approx(expected, rel=1e-4)
    # One-hot targets, and a column, say the same.
    assert float(loss(np.eye(4)[LABELS], POINTS)) == pytest.approx(expected, rel=1e-4)
    assert float(loss(LABELS[:, None], POINTS)) == pytest.approx(expected, rel=1e-4)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()


def test_large_numbers_of_classes_are_told_apart():
    # In the losses' own precision 100000001 and 100000002 are one, in bfloat16 256 and 257.
    people = 100000000 + LABELS
    for loss in (kc.training.TripletLoss(0.7), kc.training.ContrastiveLoss(0.7)):
        assert float(loss(people, POINTS)) == float(loss(LABELS, POINTS)) > 0
    coarse = kc.training.TripletLoss(0.7, dtype="bfloat16")
    assert float(coarse(LABELS + 255, POINTS)) == float(coarse(LABELS, POINTS)) > 0
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, "linear", False, "identity")]
    )
    model.compile("sgd", kc.training.TripletLoss(0.7))
    expected = by_hand("triplet", "hard", 0.7)
    assert model.evaluate(POINTS, people, batch_size=9, verbose=0) == pytest.approx(expected, 1e-4)


def test_classes_that_lie_far_apart_are_still_others():
    for factor in (50, 1e4):
        far = kc.training.TripletLoss(0.7)(LABELS, factor * POINTS)
        costs = []
        for anchor in range(8):
            own, others = groups(anchor)
            gap = APART[anchor, own].max() - APART[anchor, others].min()
            costs.append(max(0, 0.7 + factor * gap))
        assert float(far) == pytest.approx(np.mean(costs), rel=1e-3)


def test_distances_are_those_of_the_points_wherever_they_lie():
    for loss in (kc.training.TripletLoss(0.7), kc.training.ContrastiveLoss(0.7)):
        moved = loss(LABELS, POINTS + 1024)
        assert float(moved) == pytest.approx(float(loss(LABELS, POINTS)), rel=1e-3)
    line = np.array([[0.0], [1], [10], [11]])
    labels = np.array([0, 0, 1, 1])
    for each in (line, line + 1e10, line * 1e160, line * 1e-160):
        assert kc.training.recall_at_k(each, labels, (1,)) == {1: 1.0}
    with pytest.raises(kc.InputError, match="labels of shape"):
        kc.training.recall_at_k(line, labels[:, None], (1,))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_equal_points_have_a_finite_gradient(dtype):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.1), kc.training.TripletLoss(dtype=dtype))
    model.train_on_batch(np.ones((4, 2)), np.array([0, 0, 1, 1]))
    assert np.isfinite(model.get_weights()[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_same_on_other_backends(backend):
    code = (
        "import numpy as np, keras_classics as kc\n"
        f"points, labels = np.array({POINTS.tolist()}, 'float32'), np.array({LABELS.tolist()})\n"
        "for mining in ('hard', 'semi_hard', 'all'):\n"
        "    print(float(kc.training.TripletLoss(0.7, mining)(labels, points)))\n"
    )
    found = [float(line) for line in run_on(backend, code).split()]
    expected = [by_hand("triplet", mining, 0.7) for mining in ("hard", "semi_hard", "all")]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_recall_by_counting():
    points = np.array([[0.0], [1], [2.5], [3], [10], [11]])
    labels = np.array([0, 1, 0, 0, 1, 2])
    # The nearest: 1, 0, 3, 2, 5, 4. Right are the third and the fourth; the last is alone.
    recall = kc.training.recall_at_k(points, labels, (1, 2, 5))
    # Within two: 0 -> 1, 2 (right); 1 -> 0, 2 (wrong); 4 -> 5, 3 (wrong).
    assert recall == {1: 2 / 5, 2: 3 / 5, 5: 1.0}
    for ks in ((1, 2, 4, 8), (6,)):
        with pytest.raises(kc.InputError, match="more examples than neighbours"):
            kc.training.recall_at_k(points, labels, ks)
    with pytest.raises(kc.InputError, match="not finite"):
        kc.training.recall_at_k(points * np.nan, labels, (1,))


def test_recall_of_many_is_that_of_the_whole_table():
    rng = np.random.default_rng(1)
    points, labels = rng.normal(size=(1200, 2)), rng.integers(40, size=1200)
    labels[-1] = 99
    apart = np.linalg.norm(points[:, None] - points, axis=-1)
    np.fill_diagonal(apart, np.inf)
    nearest = labels[apart.argmin(axis=1)] == labels
    assert kc.training.recall_at_k(points, labels, (1,))[1] == pytest.approx(nearest[:-1].mean())


def test_any_network_becomes_an_embedder(tmp_path):
    model = kc.create_model("lenet_5_modern", classes=3)
    network = kc.transfer.embedder(model, 5)
    pictures = RNG.random((4, *network.input_shape[1:])).astype("float32")
    lengths = np.linalg.norm(check_round_trip(network, pictures, tmp_path)(pictures), axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)
    assert kc.transfer.embedder(model, 5, normalized=False).output_shape == (None, 5)
    vector = keras.Input((3,))
    twice = [keras.layers.Dense(2, "softmax", name=name)(vector) for name in "ab"]
    with pytest.raises(kc.InputError, match="without its auxiliary classifiers"):
        kc.transfer.embedder(keras.Model(vector, twice), 5)


@pytest.mark.slow
def test_classes_never_trained_on_are_told_apart_as_well():
    data = kc.data.load("scenes", train=1200, objects=(1, 1), image_size=32)
    images = np.stack([scene.image for scene in data.train]).astype("float32") / 127.5 - 1
    labels = np.array([scene.label for scene in data.train])
    unseen = np.isin(np.array(data.info.classes)[labels], ["square", "star", "crescent"])
    keras.utils.set_random_seed(0)
    network = kc.create_model("simpnet_300k_cifar", width=0.5)
    model = kc.transfer.embedder(network, 32)

    def recall():
        found = model.predict(images[unseen], batch_size=100, verbose=0)
        return kc.training.recall_at_k(found, labels[unseen])[1]

    before = recall()
    model.compile(keras.optimizers.Adam(0.002), kc.training.TripletLoss(mining="semi_hard"))
    model.fit(images[~unseen], labels[~unseen], batch_size=50, epochs=5, verbose=0)
    assert recall() >= before + 0.2


def test_classes_of_other_examples_are_refused():
    loss = kc.training.TripletLoss()
    with pytest.raises(kc.InputError, match=r"shape \(3,\) and y_pred of shape \(4, 2\)"):
        loss(np.zeros(3), np.zeros((4, 2)))
    for wrong, rows in ((np.zeros((4, 1, 1)), 4), (np.zeros(()), 4), (np.zeros(0), 0)):
        with pytest.raises(kc.InputError, match="a class or one-hot row for each embedding"):
            loss(wrong, np.zeros((rows, 2)))
    with pytest.raises(kc.InputError, match=r"the axes \(batch, size\)"):
        loss(np.zeros(3), np.zeros(3))
