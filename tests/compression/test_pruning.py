"""Pruning: what is smallest goes, stays gone, and can be taken out."""

import keras
import numpy as np
import pytest
from keras import layers
from keras.initializers import Constant as constant

import keras_classics as kc
from keras_classics.core.errors import InputError

DRAW = np.random.default_rng(0)
IMAGES, LABELS = DRAW.normal(size=(64, 8, 8, 3)).astype("float32"), DRAW.integers(0, 4, 64)


def network():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(8, 3, padding="same", name="first")(x)
    y = layers.ReLU()(layers.BatchNormalization(name="norm")(y))
    z = layers.Conv2D(12, 3, padding="same", name="inner", activation="relu")(y)
    z = layers.Conv2D(8, 3, padding="same", name="last")(layers.MaxPooling2D(2)(z))
    z = layers.add([z, layers.AveragePooling2D(2)(y)])
    z = layers.Concatenate()([z, layers.Conv2D(5, 1, name="beside")(z)])
    z = layers.BatchNormalization(name="both")(z)
    z = layers.Dense(10, activation="tanh", name="hidden")(layers.Flatten()(z))
    model = keras.Model(x, layers.Dense(4, activation="softmax", name="out")(z))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            for weight in layer.weights:
                weight.assign(np.random.default_rng(1).uniform(0.5, 1.5, weight.shape))
    return model


def compiled(model, **options):
    model.compile(keras.optimizers.Adam(0.01, **options), "sparse_categorical_crossentropy")
    return model


def zeros(model):
    found = kc.compression.nonzeros(model)
    return {path: size - left for path, (size, left) in found.items() if "kernel" in path}


@pytest.mark.parametrize("by", ["global", "layer"])
def test_the_smallest_go(by):
    model = network()
    before = {each.path: each.numpy() for each in model.weights}
    masks = kc.compression.prune(model, 0.7, by=by, keep=["out"])
    kernels = [each for each in model.weights if "kernel" in each.path and "out" not in each.path]
    assert masks.sparsity == pytest.approx(0.7, abs=0.01)
    limits = []
    for each in kernels:
        now, then = each.numpy(), before[each.path]
        gone = now == 0
        np.testing.assert_array_equal(now[~gone], then[~gone])
        limits.append((np.abs(then[gone]).max(), np.abs(then[~gone]).min()))
        if by == "layer":
            assert gone.mean() == pytest.approx(0.7, abs=0.01)
    if by == "global":
        assert max(most for most, _ in limits) <= min(least for _, least in limits)
    assert model.get_layer("out").kernel.numpy().all()


def test_the_schedule_is_the_papers():
    found = [
        kc.compression.cubic_sparsity(step, 0.8, begin=10, end=30, initial=0.2)
        for step in (0, 10, 20, 30, 99)
    ]
    assert found == pytest.approx([0.2, 0.2, 0.8 - 0.6 / 8, 0.8, 0.8])


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_what_was_pruned_stays_zero_in_training(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = compiled(network())
    finally:
        keras.config.set_dtype_policy(before)
    masks = kc.compression.prune(model, 0.5)
    gone, trained = zeros(model), model.get_layer("hidden").kernel.numpy()
    model.fit(IMAGES, LABELS, epochs=3, verbose=0, callbacks=[kc.callbacks.HoldWeights(masks)])
    assert zeros(model) == gone
    assert not np.array_equal(model.get_layer("hidden").kernel.numpy(), trained)


def test_an_averaging_optimizer_brings_back_nothing():
    keeping = kc.callbacks.Pruning(0.5, begin=0, end=2, every=1)
    model = compiled(network(), use_ema=True)
    model.fit(IMAGES, LABELS, batch_size=16, verbose=0, callbacks=[keeping])
    assert kc.compression.Masks.of(model).sparsity == pytest.approx(0.5, abs=0.01)
    masks = kc.compression.prune(model, 0.7)
    held = kc.callbacks.HoldWeights(masks)
    compiled(model, use_ema=True).fit(IMAGES, LABELS, verbose=0, callbacks=[held])
    assert kc.compression.Masks.of(model).sparsity == pytest.approx(0.7, abs=0.01)


def test_a_schedule_that_is_over_is_refused_and_the_remedy_works():
    model = compiled(network())
    model.fit(IMAGES, LABELS, batch_size=8, verbose=0)
    with pytest.raises(InputError, match="has made 8 steps.*0% zeros.*begin=8, end=12"):
        model.fit(IMAGES, LABELS, verbose=0, callbacks=[kc.callbacks.Pruning(0.8, begin=0, end=4)])
    pruning = kc.callbacks.Pruning(0.8, begin=8, end=12, every=1)
    model.fit(IMAGES, LABELS, batch_size=16, verbose=0, callbacks=[pruning])
    assert kc.compression.Masks.of(model).sparsity == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(("sparsity", "gone"), [(0.29, 29), (0.57, 57), (0.005, 0)])
def test_as_many_go_as_the_share_says(sparsity, gone):
    model = keras.Sequential([keras.Input((10,)), layers.Dense(10, name="d")])
    kc.compression.prune(model, sparsity)
    assert (model.get_layer("d").kernel.numpy() == 0).sum() == gone


def stream(step):
    while True:
        yield IMAGES[step % 4 * 16 :][:16], LABELS[step % 4 * 16 :][:16]
        step += 1


def test_pruning_follows_the_schedule_and_goes_on_where_it_was(tmp_path):
    def trained(folder, *epochs):
        keras.utils.set_random_seed(0)
        model = compiled(network())
        for last in epochs:
            pruning = kc.callbacks.Pruning(0.8, begin=2, end=10, every=3, by="layer")
            history = kc.training.fit(
                model, stream, steps_per_epoch=4, epochs=last, folder=tmp_path / folder,
                callbacks=[pruning], verbose=0, save_seconds=0,
            )  # fmt: skip
        return model, history

    model, history = trained("whole", 4)
    shares = [kc.compression.cubic_sparsity(step, 0.8, begin=2, end=10) for step in (2, 8, 10, 10)]
    assert history["sparsity"].tolist() == pytest.approx(shares, abs=0.01)
    again, _ = trained("parts", 2, 4)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_rewinding_gives_early_weights_to_what_is_left():
    model = network()
    early = [DRAW.normal(size=each.shape) for each in model.weights]
    masks = kc.compression.prune(model, 0.5)
    masks.rewind(model, early)
    for each, then in zip(model.weights, early, strict=True):
        kept = each.numpy() != 0 if "kernel" in each.path else np.ones(each.shape, bool)
        np.testing.assert_allclose(each.numpy()[kept], then[kept], rtol=1e-6)
    assert kc.compression.Masks.of(model).sparsity == pytest.approx(0.5, abs=0.01)
    with pytest.raises(InputError, match="1 weights were given to rewind"):
        masks.rewind(model, early[:1])


def test_filters_that_are_zero_are_taken_out_with_equal_outputs():
    model = network()
    masks = kc.compression.prune_filters(model, 0.5)
    compiled(model).fit(IMAGES, LABELS, verbose=0, callbacks=[kc.callbacks.HoldWeights(masks)])
    small = kc.compression.strip(model)
    one, other = (each.predict(IMAGES, verbose=0) for each in (small, model))
    np.testing.assert_allclose(one, other, atol=1e-6)
    sizes = {
        name: small.get_layer(name).kernel.shape[-1]
        for name in ("first", "inner", "last", "beside", "hidden", "out")
    }
    # What is added up, and the classes, stay.
    assert sizes == {"first": 8, "inner": 6, "last": 8, "beside": 3, "hidden": 5, "out": 4}
    assert small.count_params() < 0.6 * model.count_params()


def test_filters_behind_normalisations_without_gains_and_depthwise_layers_are_taken_out():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(8, 3, name="a"),
         layers.BatchNormalization(scale=False, name="norm"), layers.ReLU(),
         layers.Conv2D(6, 1, name="b"), layers.DepthwiseConv2D(3, name="c"),
         layers.GlobalAveragePooling2D(), layers.Dense(2), layers.Lambda(lambda x: x + 1)]
    )  # fmt: skip
    model.get_layer("norm").moving_mean.assign(np.full(8, 0.3))
    kc.compression.prune_filters(model, 0.5)
    for weight in model.get_layer("b").weights:
        weight.assign(weight * np.array([1, 0, 1, 1, 0, 1]))
    small = kc.compression.strip(model)
    one, other = (each.predict(IMAGES, verbose=0) for each in (small, model))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert [small.get_layer(name).kernel.shape[2:] for name in "abc"] == [(3, 4), (4, 4), (4, 1)]


@pytest.mark.parametrize("last", [[], [layers.ReLU()], [layers.ReLU(threshold=0.1)]])
def test_filters_that_a_flattened_output_shows_are_left(last):
    model = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(8, 3), layers.Flatten(), *last])
    with pytest.raises(InputError, match="no filters that can be taken out"):
        kc.compression.prune_filters(model, 0.5)


@pytest.mark.parametrize("activation", ["sparsemax", "softmax", lambda x: x / (abs(x) + 1)])
def test_activations_that_look_at_others_keep_their_zeros(activation):
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(6, activation, name="a"), layers.Dense(2)]
    )
    model.layers[0].kernel.assign(DRAW.normal(size=(5, 6)) * np.array([0, 1, 1, 1, 1, 1]))
    small = kc.compression.strip(model)
    x = DRAW.normal(size=(4, 5)).astype("float32")
    np.testing.assert_allclose(small.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    assert small.get_layer("a").units == (6 if isinstance(activation, str) else 5)


def test_a_residual_network_loses_the_inner_filters_of_its_blocks():
    model = kc.models.ResNet20CIFAR(weights=None, width=0.5, classes=4)
    kc.compression.prune_filters(model, 0.5)
    small = kc.compression.strip(model)
    x = DRAW.normal(size=(2, 32, 32, 3)).astype("float32")
    one, other = (each.predict(x, verbose=0) for each in (small, model))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert small.count_params() < 0.6 * model.count_params()


def test_single_weights_that_are_zero_take_nothing_out():
    model = network()
    kc.compression.prune(model, 0.5)
    assert kc.compression.strip(model).count_params() == model.count_params()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kc.compression.prune(network(), 1.0), "sparsity=1.0.*from 0 to below 1"),
        (lambda: kc.compression.prune(network(), 0.5, by="row"), "by='row'"),
        (lambda: kc.compression.prune(network(), 0.5, keep=["frist"]), "keep='frist'.*'first'"),
        (lambda: kc.compression.prune(
            keras.Sequential([keras.Input((3,)), layers.Dense(2, name="a")]), 0.5, keep=["a"]),
         "no weights of two axes"),
        (lambda: kc.compression.prune_filters(
            keras.Sequential([keras.Input((3,)), layers.Dense(2)]), 0.5), "no filters"),
        (lambda: kc.compression.prune_filters(
            keras.Sequential([keras.Input((8, 8, 3)),
                              layers.Conv2D(2, 3, kernel_initializer=constant(np.nan)),
                              layers.Flatten(), layers.Dense(2)]), 0.5), "are not all finite"),
        (lambda: kc.callbacks.Pruning(0.5, begin=5, end=5), "end=5.*from 6 on"),
        (lambda: kc.compression.prune(keras.Sequential([layers.Dense(2)]), 0.5), "no weights yet"),
        (lambda: kc.compression.prune(
            keras.Sequential([keras.Input((3,)), layers.Dense(2, kernel_initializer=constant(np.nan))]),
            0.5), "are not all finite"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_biases_and_gains_of_two_axes_are_no_kernels():
    x = keras.Input((6, 4))
    y = layers.LayerNormalization(axis=[1, 2])(layers.PReLU()(x))
    model = keras.Model(x, layers.Dense(2)(layers.GRU(3, name="recurrent")(y)))
    # A fresh bias is zero, and no weight that was pruned.
    assert kc.compression.Masks.of(model).sparsity == 0
    masks = kc.compression.prune(model, 0.5, by="layer")
    assert sorted(each.name for each in masks.variables) == ["kernel", "kernel", "recurrent_kernel"]
    shared = kc.compression.share_weights(model, 2)
    assert all("kernel" in each.name for each in shared.variables)


def test_layers_are_kept_by_their_names_wherever_they_are():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="within")])
    x = keras.Input((4,))
    y = layers.Dense(4, name="beside")(inner(layers.Dense(4, name="kernel")(x)))
    model = keras.Model(x, y)
    masks = kc.compression.prune(model, 0.5, keep=["kernel", "within"])
    assert [each.path for each in masks.variables] == ["beside/kernel"]


def test_the_filters_of_the_smallest_sums_go():
    kernel = DRAW.choice([-1, 1], (3, 3, 2, 8)) * np.array([5, 1, 8, 2, 7, 3, 6, 4]) / 8
    convolution = layers.Conv2D(8, 3)
    model = keras.Sequential(
        [keras.Input((5, 5, 2)), convolution, layers.Flatten(), layers.Dense(2)]
    )
    convolution.set_weights([kernel, np.ones(8)])
    kc.compression.prune_filters(model, 0.5)
    left = np.abs(convolution.kernel.numpy()).sum((0, 1, 2)) > 0
    assert left.tolist() == [True, False, True, False, True, False, True, False]


def test_what_zeros_do_not_tell_is_left_in():
    # Each of these would lose a channel that still says something, or all of them.
    x = keras.Input((6, 6, 4))
    grouped = layers.Conv2D(8, 3, groups=2, padding="same", name="grouped")(x)
    twice = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(grouped)
    plain = layers.Conv2D(16, 3, padding="same", use_bias=False, name="plain")(twice)
    norm = layers.BatchNormalization(scale=False, center=False, name="norm")(plain)
    nothing = layers.Conv2D(4, 3, padding="same", name="nothing")(norm)
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    again = shared(shared(layers.Conv2D(4, 1, name="reader")(nothing)))
    wide = layers.add([again, layers.Conv2D(1, 1, name="narrow")(again)])
    model = keras.Model(x, layers.Dense(3)(layers.Flatten()(wide)))
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            kernel = DRAW.normal(size=layer.kernel.shape)
            kernel[..., 0] = 0
            layer.kernel.assign(kernel)
    model.get_layer("nothing").kernel.assign(np.zeros((3, 3, 16, 4)))
    model.get_layer("norm").moving_mean.assign(DRAW.normal(size=16))
    small = kc.compression.strip(model)
    images = DRAW.normal(size=(2, 6, 6, 4)).astype("float32")
    one, other = (each.predict(images, verbose=0) for each in (small, model))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert small.get_layer("plain").filters == 16 and small.get_layer("nothing").filters >= 1


def test_quantised_layers_are_refused():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(8, name="a"), layers.Dense(2)])
    model.quantize("int8")
    for call in (kc.compression.strip, lambda m: kc.compression.prune_filters(m, 0.5)):
        with pytest.raises(InputError, match="'a' was given after quantize"):
            call(model)
