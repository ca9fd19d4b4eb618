"""Loss landscapes: closed forms, `evaluate`, the invariance they are made for, interruptions."""

import json

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from keras_classics.analysis.inside import landscapes
from keras_classics.analysis.inside.batch_statistics import BatchStatistics
from support import run_on

LINE = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
NOISE = np.random.default_rng(3)
PICTURES = NOISE.normal(size=(22, 6, 5, 2)).astype("float32")
LABELS = NOISE.integers(0, 3, 22)


def network(seed=0, *, epochs=0):
    """With all that could spoil a landscape: penalties, dropout, a normalisation, a rest."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((6, 5, 2))
    x = layers.Conv2D(4, 3, kernel_regularizer=keras.regularizers.L2(0.1))(image)
    x = layers.BatchNormalization(momentum=0.5)(x)
    x = layers.Dropout(0.5)(layers.ReLU(activity_regularizer="l1")(x))
    model = keras.Model(image, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.fit(PICTURES, LABELS, epochs=epochs or 1, verbose=0)
    return model


def measured(model, directions, **options):
    options = {"along": LINE, "batch_size": 8, **options}
    return kc.analysis.loss_landscape(model, PICTURES, LABELS, directions, **options)


def test_in_the_middle_it_is_what_evaluate_says_and_the_model_stays():
    model = network()
    before = model.get_weights()
    plane = [kc.analysis.random_direction(model, seed=seed) for seed in (1, 2)]
    found = measured(model, plane)
    assert found.losses.shape == (5, 5)
    evaluated = model.evaluate(PICTURES, LABELS, batch_size=8, verbose=0)
    assert found.centre == pytest.approx(evaluated, rel=1e-6)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    # Any other point is what the loop of set_weights and evaluate finds.
    steps = zip(before, plane[0].steps, plane[1].steps, strict=True)
    model.set_weights([own + 0.5 * first - second for own, first, second in steps])
    evaluated = model.evaluate(PICTURES, LABELS, batch_size=8, verbose=0)
    assert found.losses[3, 0] == pytest.approx(evaluated, rel=1e-5)


def test_every_filter_of_a_direction_is_as_long_as_the_models():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = layers.Conv2DTranspose(5, 3, name="transposed")(image)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(x)
    x = layers.SeparableConv2D(4, 3, name="separable")(x)
    x = layers.Dense(2, name="dense")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, x)
    names = [(each.path.split("/")[-2], each.name) for each in model.weights]
    steps = dict(zip(names, kc.analysis.random_direction(model).steps, strict=True))
    own = dict(zip(names, model.get_weights(), strict=True))
    # In Keras the filters of a transposed convolution are on its third axis, those of a depthwise
    # one on both of the last.
    for name, axes in [
        (("transposed", "kernel"), (0, 1, 3)),
        (("depthwise", "kernel"), (0, 1)),
        (("separable", "depthwise_kernel"), (0, 1)),
        (("separable", "pointwise_kernel"), (0, 1, 2)),
        (("dense", "kernel"), (0,)),
    ]:
        lengths = [np.sqrt(np.square(x[name]).sum(axis=axes)) for x in (steps, own)]
        np.testing.assert_allclose(*lengths, rtol=1e-5, err_msg=str(name))
    assert not any(steps[name, "bias"].any() for name in ("transposed", "dense"))


def test_of_ids_and_of_stacks_each_has_its_filters_and_biases_of_any_shape_stay():
    keras.utils.set_random_seed(0)
    ids = keras.Input((4,), dtype="int32")
    x = layers.GRU(3, bias_initializer="ones")(layers.Embedding(5, 6)(ids))
    x = layers.Reshape((1, 1, 3))(x)
    stack = kc.layers.StackedConv2D(2, kernel_initializer="normal", bias_initializer="ones")
    model = keras.Model(ids, stack(x))
    steps = kc.analysis.random_direction(model).steps
    # A row of an embedding is a token; in a stack each layer has filters of its own.
    for values, axes in ((0, 1), (-2, (1, 2, 3))):
        lengths = [
            np.sqrt(np.square(each[values]).sum(axis=axes)) for each in (steps, model.get_weights())
        ]
        np.testing.assert_allclose(*lengths, rtol=1e-5)
    biases = [n for n, each in enumerate(model.weights) if each.name == "bias"]
    moving = kc.analysis.random_direction(model, vectors=True).steps
    assert [model.weights[n].shape for n in biases] == [(2, 9), (2, 3)]
    for number in biases:
        assert not steps[number].any() and (moving[number] == 1).all()


def test_by_layer_by_nothing_and_with_vectors():
    model = network()
    own = model.get_weights()
    by_layer = kc.analysis.random_direction(model, normalization="layer").steps
    assert np.linalg.norm(by_layer[0]) == pytest.approx(np.linalg.norm(own[0]), rel=1e-5)
    plain = kc.analysis.random_direction(model, normalization=None).steps
    np.testing.assert_array_equal(
        plain[0].ravel(), np.random.default_rng(0).standard_normal(72).astype("float32")
    )
    moving = kc.analysis.random_direction(model, vectors=True).steps
    names = [each.name for each in model.weights]
    for name, step, values in zip(names, moving, own, strict=True):
        if name in ("gamma", "beta", "bias"):
            np.testing.assert_array_equal(step, values)
        if name.startswith("moving"):
            assert not step.any()


def test_a_seed_is_a_direction():
    model = network()
    one, again, other = (kc.analysis.random_direction(model, seed=seed) for seed in (3, 3, 4))
    for first, second, third in zip(one.steps, again.steps, other.steps, strict=True):
        np.testing.assert_array_equal(first, second)
        assert not first.any() or not np.allclose(first, third)


def test_a_frozen_layer_moves_as_any_other():
    model = network()
    trained = kc.analysis.random_direction(model).steps
    model.trainable = False
    for step, frozen in zip(trained, kc.analysis.random_direction(model).steps, strict=True):
        np.testing.assert_array_equal(frozen, step)


@pytest.mark.parametrize("normalization", ["filter", None])
def test_a_network_that_computes_the_same_has_the_same_landscape(normalization):
    """The weights of one layer tenfold, those of the next a tenth: that is what it is made for."""
    keras.utils.set_random_seed(1)
    vector = keras.Input((4,))
    hidden = layers.Dense(6, "relu", bias_initializer="normal")
    outputs = layers.Dense(2)
    model = keras.Model(vector, outputs(hidden(vector)))
    model.compile(loss="mse")
    x, y = NOISE.normal(size=(30, 4)), NOISE.normal(size=(30, 2))

    def landscape():
        direction = kc.analysis.random_direction(model, normalization=normalization, seed=5)
        return kc.analysis.loss_landscape(model, x, y, direction, along=LINE).losses

    first = landscape()
    hidden.set_weights([10 * each for each in hidden.get_weights()])
    kernel, bias = outputs.get_weights()
    outputs.set_weights([kernel / 10, bias])
    alike = np.allclose(landscape(), first, rtol=1e-4)
    assert alike == (normalization == "filter")


def test_of_a_linear_network_it_is_a_paraboloid():
    vector = keras.Input((3,))
    model = keras.Model(vector, layers.Dense(2, use_bias=False)(vector))
    model.compile(loss="mse")
    x, y = NOISE.normal(size=(10, 3)), NOISE.normal(size=(10, 2))
    plane = [kc.analysis.random_direction(model, seed=seed) for seed in (1, 2)]
    found = kc.analysis.loss_landscape(model, x, y, plane, along=LINE, across=[0, 2.0])
    (kernel,), (first,), (second,) = model.get_weights(), plane[0].steps, plane[1].steps
    expected = [
        [np.square(x @ (kernel + a * first + b * second) - y).mean() for b in (0, 2)] for a in LINE
    ]
    np.testing.assert_allclose(found.losses, expected, rtol=1e-5)
    rise = max(expected[1][0], expected[3][0]) - expected[2][0]
    assert found.sharpness(0.5) == pytest.approx(100 * rise / (1 + expected[2][0]), rel=1e-4)


def test_between_two_networks_statistics_go_with_the_weights_and_variances_stay_positive():
    one, other = network(0, epochs=2), network(1, epochs=2)
    way = kc.analysis.direction_to(one, other)
    found = measured(one, way, along=[-30.0, 0, 1, 30], statistics="interpolated")
    for at, model in ((1, one), (2, other)):
        evaluated = model.evaluate(PICTURES, LABELS, batch_size=8, verbose=0)
        assert found.losses[at] == pytest.approx(evaluated, rel=1e-4)
    assert np.isfinite(found.losses).all()
    fixed = measured(one, way, along=[1.0])
    assert fixed.losses[0] != pytest.approx(found.losses[2], rel=1e-3)


def test_re_estimated_statistics_are_those_of_the_data():
    model = network()
    own = dict(zip([x.name for x in model.weights], model.get_weights(), strict=True))
    found = measured(model, kc.analysis.random_direction(model), statistics="re-estimated")
    normalization = model.layers[2]
    before = keras.Model(model.inputs, model.layers[1].output).predict(PICTURES, verbose=0)
    statistics = [before.mean(axis=(0, 1, 2)), before.var(axis=(0, 1, 2))]
    normalization.set_weights([own["gamma"], own["beta"], *statistics])
    evaluated = model.evaluate(PICTURES, LABELS, batch_size=8, verbose=0)
    assert found.centre == pytest.approx(evaluated, rel=1e-4)


def test_a_variance_is_not_below_nothing():
    """Which a mean of squares less the square of the mean may be, by rounding."""
    image = keras.Input((2,))
    model = keras.Model(image, layers.BatchNormalization()(image))
    statistics = BatchStatistics(model)
    values = [each.value for each in model.weights]
    moments = [(ops.convert_to_tensor([1e3, 1.0]), ops.convert_to_tensor([1e6 - 1, 5.0]))]
    found = statistics.replaced(values, moments)
    variance = [each.name for each in model.weights].index("moving_variance")
    np.testing.assert_array_equal(found[variance], [0, 4])


def wrapped():
    """Two normalisations after each other, one of them within another layer."""
    keras.utils.set_random_seed(4)
    frames = keras.Input((3, 4))
    within = keras.Sequential([layers.BatchNormalization(momentum=0.0), layers.Dense(5, "relu")])
    x = layers.TimeDistributed(within)(frames)
    x = layers.BatchNormalization(momentum=0.0)(3 * x)
    model = keras.Model(frames, layers.Dense(3, "softmax")(layers.Flatten()(x)))
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


def test_each_statistic_is_that_behind_those_before_it_in_whatever_layer():
    """As Keras has them after a pass of training without a past, of one batch."""
    model = wrapped()
    frames = NOISE.normal(2, 3, size=(22, 1, 4)).repeat(3, axis=1).astype("float32")
    before = model.get_weights()
    found = kc.analysis.loss_landscape(
        model, frames, LABELS, kc.analysis.random_direction(model), along=[0.0],
        statistics="re-estimated",
    )  # fmt: skip
    for own, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, old)
    model(frames, training=True)
    expected = model.evaluate(frames, LABELS, verbose=0)
    assert found.centre == pytest.approx(expected, rel=1e-3)
    model.set_weights(before)
    assert found.centre != pytest.approx(model.evaluate(frames, LABELS, verbose=0), rel=1e-2)


def test_an_interruption_leaves_the_model_and_what_was_measured(tmp_path, monkeypatch):
    model, path = network(), tmp_path / "line.npz"
    direction = kc.analysis.random_direction(model)
    before = model.get_weights()
    whole = measured(model, direction)
    counts = []

    def stopped(results, description, total, limit=2):
        counts.append(total)
        for number, result in enumerate(results):
            if number == limit:
                raise KeyboardInterrupt
            yield result

    monkeypatch.setattr(landscapes, "tracked", stopped)
    with pytest.raises(KeyboardInterrupt):
        measured(model, direction, path=path)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    monkeypatch.setattr(landscapes, "tracked", lambda *x: stopped(*x, limit=9))
    np.testing.assert_array_equal(measured(model, direction, path=path).losses, whole.losses)
    # The third call has nothing left to do.
    measured(model, direction, path=path)
    assert counts == [5, 3]
    # What is no number in the file is measured again.
    kept = dict(np.load(path))
    kept["losses"][1] = np.nan
    np.savez(path, **kept)
    np.testing.assert_array_equal(measured(model, direction, path=path).losses, whole.losses)
    assert counts == [5, 3, 1]
    with pytest.raises(kc.InputError, match="other weights.*Delete it"):
        measured(model, kc.analysis.random_direction(model, seed=9), path=path)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=0))
    with pytest.raises(kc.InputError, match="another loss.*Delete it"):
        measured(model, direction, path=path)
    with pytest.raises(kc.InputError, match="another loss.*Delete it"):
        measured(model, direction, path=path, measure=lambda labels, outputs: outputs[:, 0])
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(kc.InputError, match="cannot be read.*Delete it"):
        measured(model, direction, path=path)


def test_points_are_written_now_and_then_and_know_how_statistics_were_estimated(
    tmp_path, monkeypatch
):
    model, path = network(), tmp_path / "line.npz"
    direction = kc.analysis.random_direction(model)
    written = []
    write = landscapes.write_whole
    monkeypatch.setattr(landscapes, "SECONDS_BETWEEN_WRITES", -1.0)
    monkeypatch.setattr(
        landscapes, "write_whole", lambda *given: written.append(1) or write(*given)
    )
    measured(model, direction, path=path, statistics="re-estimated")
    assert len(written) == 5 + 1
    with pytest.raises(kc.InputError, match="Delete it"):
        measured(model, direction, path=path, statistics="re-estimated", batch_size=11)
    fixed = tmp_path / "fixed.npz"
    one, other = (
        measured(model, direction, path=fixed, batch_size=size).losses for size in (8, 11)
    )
    np.testing.assert_array_equal(one, other)


def test_what_is_measured_may_be_another_thing():
    model = network()
    found = measured(
        model,
        kc.analysis.random_direction(model),
        measure=keras.metrics.sparse_categorical_accuracy,
    )
    answers = model.predict(PICTURES, verbose=0).argmax(-1)
    assert found.centre == pytest.approx((answers == LABELS).mean())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statistics": "moved"}, "statistics='moved'.*re-estimated"),
        ({"statistics": "interpolated"}, "direction that has none.*statistics='fixed'"),
        ({"along": []}, "along=.*finite distances"),
        ({"across": [0, 1]}, "across was given for one direction"),
        ({"path": "line.txt"}, r"line.txt.*line.npz"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_what_is_refused(change, message):
    model = network()
    with pytest.raises(kc.InputError, match=message):
        measured(model, kc.analysis.random_direction(model), **change)


def test_models_and_data_that_do_not_fit_are_refused():
    model = network()
    direction = kc.analysis.random_direction(model)
    with pytest.raises(kc.InputError, match="21 and 22 examples"):
        kc.analysis.loss_landscape(model, PICTURES, LABELS[:21], direction)
    bare = keras.Sequential([keras.Input((6, 5, 2)), layers.Flatten(), layers.Dense(3)])
    with pytest.raises(kc.InputError, match="of the shapes of its weights"):
        measured(bare, direction)
    with pytest.raises(kc.InputError, match="has no loss.*Compile it"):
        measured(bare, kc.analysis.random_direction(bare))
    with pytest.raises(kc.InputError, match="do not fit"):
        kc.analysis.direction_to(bare, model)
    line = measured(model, direction, along=[0.5, 1.0])
    with pytest.raises(kc.InputError, match="own weights among them"):
        line.sharpness()
    with pytest.raises(kc.InputError, match="no other points.*radius=0.5"):
        measured(model, direction).sharpness(0.1)


def losses_on_the_backend():
    """On weights that are the same everywhere."""
    model = network()
    other = [0.1 * np.cos(np.arange(x.size).reshape(x.shape)) + 0.2 for x in model.get_weights()]
    model.set_weights(other)
    way = kc.analysis.direction_to(model, [np.sqrt(np.abs(each)) for each in other])
    return [
        measured(model, way, statistics=mode).losses.tolist()
        for mode in ("fixed", "interpolated", "re-estimated")
    ]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_measure_the_same(backend):
    code = (
        "import json; from analysis.inside.test_landscapes import losses_on_the_backend; "
        "print(json.dumps(losses_on_the_backend()))"
    )
    found = json.loads(run_on(backend, code).splitlines()[-1])
    np.testing.assert_allclose(found, losses_on_the_backend(), rtol=1e-4)
