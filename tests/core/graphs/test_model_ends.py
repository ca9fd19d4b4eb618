"""Ends of models: one reading for probabilities, logits and what is explained, right by hand."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from core import ends_table as table
from core.ends_table import IMAGES, KERNELS, dense, model_of, softmax
from keras_classics.core.call_kinds import activates
from keras_classics.core.graphs.model_ends import bounds_of, model_ends
from keras_classics.core.keras_internals import maker
from models.image.test_families import SMALL
from support import run_on

# Of the means, whose logits are logarithms, the gradient is another one.
MEANS = ("mean of two", "half of a sum", "pooled")
GROUPS = {
    "softmax": (table.SOFTMAXES, 4, softmax, lambda p: p),
    "sigmoid": (table.SIGMOID, 1, table.sigmoid, table.two),
    "flat sigmoid": (table.FLAT, 1, table.sigmoid, table.two),
    "sigmoids": (table.SIGMOIDS, 4, table.sigmoid, lambda p: p),
    "logits": (table.LOGITS, 4, lambda z: z, softmax),
}
CASES = [(group, name) for group, (tails, *_) in GROUPS.items() for name in tails]


def test_the_table_is_long():
    assert len(CASES) + len(table.SCALED) + len(table.UNKNOWN) >= 50


@pytest.mark.parametrize(("group", "name"), CASES)
def test_every_end_gives_its_probabilities_logits_and_gradients(group, name):
    tails, units, squash, probabilities = GROUPS[group]
    model = model_of(tails[name])
    (end,) = model_ends(model)
    assert (end.kind, end.units) == (group.split()[-1], units)
    assert end.gives_probabilities == (group != "logits")
    assert end.classes == max(units, 2)
    found, z = table.asked(model), table.logits(units)
    expected = squash(z)[..., 0] if group == "flat sigmoid" else squash(z)
    np.testing.assert_allclose(found["outputs"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["probabilities"], probabilities(squash(z)), rtol=1e-5)
    logits = found["logits"]
    if group == "softmax":
        # Logits of a softmax are known up to a constant.
        z = z - z.mean(axis=-1, keepdims=True)
        logits = logits - logits.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(logits, z, rtol=1e-4, atol=1e-5)
    slope = np.broadcast_to(KERNELS[units][:, -1] / 4, IMAGES.shape)
    if group == "softmax" and name in MEANS:
        # d log p_k = d z_k - sum_j p_j d z_j.
        mean = softmax(table.logits(units)) @ KERNELS[units].T / 4
        slope = slope - mean[:, None, None, :]
    np.testing.assert_allclose(found["gradient"], slope, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", table.SCALED)
def test_scaled_probabilities_and_logarithms_are_taken_back(name):
    tail, scaled = table.SCALED[name]
    model = model_of(tail)
    (end,) = model_ends(model)
    assert end.kind == "softmax" and not end.gives_probabilities
    found, p = table.asked(model), softmax(table.logits(4))
    np.testing.assert_allclose(found["outputs"], scaled(p), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["probabilities"], p, rtol=1e-5)
    slope = np.broadcast_to(KERNELS[4][:, -1] / 4, IMAGES.shape)
    np.testing.assert_allclose(found["gradient"], slope, rtol=1e-4)


def first_number(outputs):
    return ops.reshape(outputs, (outputs.shape[0], -1))[:, 0]


@pytest.mark.parametrize("name", table.UNKNOWN)
def test_what_cannot_be_read_is_not_guessed(name):
    tail, message = table.UNKNOWN[name]
    model = model_of(tail)
    (end,) = model_ends(model)
    assert end.kind == "unknown" and not end.gives_probabilities
    assert message in end.reason
    if len(model.output_shape) == 2:
        with pytest.raises(kc.InputError, match=f"Probabilities of classes were asked .*{message}"):
            kc.analysis.class_probabilities(model, IMAGES)
    # What is explained is the output as it is, if it has a gradient.
    if keras.backend.is_float_dtype(model.output.dtype):
        found = kc.analysis.saliency(model, IMAGES, target=first_number)
        assert found.shape == IMAGES.shape[:3]
    else:
        with pytest.raises(kc.InputError, match="The first output is int32"):
            kc.analysis.saliency(model, IMAGES, target=first_number)


def test_numbers_that_look_like_probabilities_are_not_taken_for_them():
    """Logits that happen to be positive and to add up to 1 are logits all the same."""
    image = keras.Input(IMAGES.shape[1:])
    x = layers.GlobalAveragePooling2D()(image)
    z = np.array([0.7, 0.2, 0.1], "float32")
    bias = lambda shape, dtype: ops.convert_to_tensor(z, dtype)  # noqa: E731
    model = keras.Model(
        image, layers.Dense(3, kernel_initializer="zeros", bias_initializer=bias)(x)
    )
    found = kc.analysis.class_probabilities(model, IMAGES)
    np.testing.assert_allclose(found, np.tile(softmax(z), (6, 1)), rtol=1e-6)


def test_layers_of_others_are_not_seen_into_and_the_remedy_works():
    class Own(keras.layers.Layer):
        def call(self, x):
            return x - 1

    class OwnDense(layers.Dense):
        def call(self, x):
            return super().call(x) * 2

    for own in (Own(), OwnDense(4, "softmax")):
        model = model_of(own)
        assert model_ends(model)[0].kind == "unknown"
        with pytest.raises(kc.InputError, match=r"Put keras.layers.Softmax\(\)"):
            kc.analysis.class_probabilities(model, IMAGES)
        mended = keras.Model(model.inputs, layers.Softmax()(model.outputs[0]))
        expected = softmax(model.predict(IMAGES, verbose=0))
        found = kc.analysis.class_probabilities(mended, IMAGES)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_functions_of_the_engine_are_known_too():
    import tensorflow as tf

    for function, kind in ((tf.nn.softmax, "softmax"), (tf.sigmoid, "sigmoids")):
        model = model_of(dense(4, function))
        assert model_ends(model)[0].kind == kind
    p = kc.analysis.class_probabilities(model_of(dense(4, tf.nn.log_softmax)), IMAGES)
    np.testing.assert_allclose(p, softmax(table.logits(4)), rtol=1e-5)


def test_a_sequential_model_and_a_loaded_one_end_as_the_others(tmp_path):
    model = keras.Sequential(
        [keras.Input(IMAGES.shape[1:]), layers.GlobalAveragePooling2D(), layers.Dense(4)]
    )
    z = model.predict(IMAGES, verbose=0)
    whole = keras.Sequential([model, layers.Softmax(), layers.Activation("linear")])
    image = keras.Input(IMAGES.shape[1:])
    output = ops.squeeze(ops.expand_dims(2 * ops.softmax(model(image)) - 1, 1), 1)
    written = keras.Model(image, output)
    for each in (whole, written):
        assert model_ends(each)[0].kind == "softmax"
        found = kc.analysis.class_probabilities(each, IMAGES)
        np.testing.assert_allclose(found, softmax(z), rtol=1e-5)
    written.save(tmp_path / "written.keras")
    loaded = keras.saving.load_model(tmp_path / "written.keras")
    found = kc.analysis.class_probabilities(loaded, IMAGES)
    np.testing.assert_allclose(found, softmax(z), rtol=1e-5)


def test_one_sigmoid_in_mixed_precision_is_not_squashed_twice():
    """The mixed-precision guide's own idiom: a linear activation of float32 at the end."""
    image = keras.Input((32, 32, 3))
    h = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, dtype="mixed_float16")(image))
    constant = keras.initializers.Constant(-1.0)
    p = layers.Dense(1, "sigmoid", bias_initializer=constant, kernel_initializer="zeros")(h)
    model = keras.Model(image, layers.Activation("linear", dtype="float32")(p))
    found = kc.analysis.class_probabilities(model, np.zeros((2, 32, 32, 3), "float32"))
    second = 1 / (1 + np.e)
    np.testing.assert_allclose(found, [[1 - second, second]] * 2, rtol=1e-6)


def test_a_saturated_softmax_with_a_layer_behind_still_has_maps():
    def maps(*behind):
        image = keras.Input((6, 6, 3))
        x = layers.Conv2D(4, 3, activation="relu", kernel_initializer="ones", name="c")(image)
        x = layers.GlobalAveragePooling2D()(x)
        kernel = lambda shape, dtype: 1e3 * ops.eye(*shape, dtype=dtype)  # noqa: E731
        x = layers.Dense(4, "softmax", kernel_initializer=kernel)(x)
        for layer in behind:
            x = layer(x)
        return kc.analysis.cam(keras.Model(image, x), np.ones((1, 6, 6, 3), "float32"), target=2)

    expected = maps()
    assert expected.min() > 0
    for layer in (layers.Activation("linear", dtype="float32"), layers.Rescaling(1.0)):
        np.testing.assert_array_equal(maps(layer), expected)


# Those that do not end in one dense layer.
OWN_TAILS = (
    "lenet_5", "mlp_skip_mnist", "perceptron", "squeezenet_1_1", "nin_cifar", "maxout_mnist",
    "delta_orthogonal_1250_mnist", "resnet_18",
)  # fmt: skip


@pytest.mark.parametrize("name", OWN_TAILS)
def test_the_catalogue_ends_in_softmax_or_in_logits(name):
    for activation, kind in (("softmax", "softmax"), (None, "logits"), ("sigmoid", "sigmoids")):
        model = kc.create_model(name, **SMALL[name], classifier_activation=activation)
        assert {end.kind for end in model_ends(model)} == {kind}
        assert model_ends(model)[0].units == model.output_shape[-1]


def test_outputs_end_each_in_their_own_way():
    image = keras.Input(IMAGES.shape[1:], name="image")
    x = layers.GlobalAveragePooling2D()(image)
    outputs = {"kind": dense(4, "softmax")(x), "rain": dense(1, "sigmoid")(x), "features": x}
    model = keras.Model({"image": image}, outputs)
    kinds = [end.kind for end in model_ends(model)]
    assert dict(zip(model.output_names, kinds, strict=True)) and sorted(kinds) == [
        "logits", "sigmoid", "softmax",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "last",
    [
        layers.UpSampling2D(2),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.UpSampling2D(2, interpolation="bicubic"),
        layers.Resizing(3, 3, interpolation="area"),
        layers.Resizing(9, 9),
        layers.Resizing(9, 9, interpolation="bicubic"),
        layers.Resizing(9, 9, interpolation="lanczos3"),
        layers.Resizing(9, 5, pad_to_aspect_ratio=True),
        layers.Resizing(9, 5, crop_to_aspect_ratio=True),
        layers.AveragePooling2D(2, padding="same"),
        layers.MaxPooling2D(2, padding="same"),
        layers.Cropping2D(1),
    ],
    ids=lambda layer: f"{layer.name}-{getattr(layer, 'interpolation', '')}",
)
def test_bounds_are_seen_behind_what_keeps_them_and_behind_nothing_else(last):
    """Of values of 1 to 2, as extreme as a chessboard's and another of stripes."""
    picture = keras.Input((6, 6, 1))
    said = layers.Rescaling(1.0, 1.0)(layers.Activation("sigmoid")(picture))
    model = keras.Model(picture, last(said))
    rows, columns = np.mgrid[:6, :6]
    sides = np.stack([(rows + columns) % 2, rows > 2, columns % 3 == 0, (rows // 2 + columns) % 2])
    found = model.predict(99.0 * (2 * sides[..., None] - 1.0), verbose=0)
    within = found.min() > 1 - 1e-5 and found.max() < 2 + 1e-5
    assert bounds_of(model) == ((1.0, 2.0) if within else None)


def test_a_subclassed_model_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(kc.InputError, match="has no graph of layers"):
        kc.analysis.model_ends(Own())


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_ends_are_read_alike_on_all_backends(backend, tmp_path):
    path = tmp_path / "ends.npz"
    code = (
        "import numpy as np; from core.ends_table import every_backend; "
        f"np.savez({str(path)!r}, **every_backend())"
    )
    run_on(backend, code, timeout=600)
    found, expected = np.load(path), table.every_backend()
    assert found["backend"] == backend
    for name in {*expected} - {"backend"}:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(("activation", "kind"), [("softmax", "softmax"), (None, "logits")])
def test_sequence_models_are_read_like_the_others(activation, kind):
    own = {"classes": 3, "vocabulary_size": 7, "units": 4, "output_activation": activation}
    for summary in ("last", "mean", "sum"):
        (end,) = model_ends(kc.models.sequence_classifier(summary=summary, **own))
        assert (end.kind, end.units) == (kind, 3)
    (end,) = model_ends(kc.models.tagger(**own))
    assert (end.kind, end.units) == (kind, 3)


def test_decoders_end_in_logits():
    encoder = kc.models.LeNet5Modern(include_top=False, input_shape=(32, 32, 3))
    for model in (
        kc.models.captioner(encoder, 9, 4, attention="additive"),
        kc.models.translator(9, 9, units=4),
        kc.models.language_model(9, units=4, depth=1),
    ):
        end = model_ends(model)[0]
        assert (end.kind, end.units) == ("logits", 9)


NAMES = sorted({*dir(keras.activations)} & {*dir(ops)})


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("_")])
def test_an_activation_is_one_as_a_layer_and_as_an_operation(name):
    x, given = keras.Input((4,)), (1.0, 0.0) if name == "threshold" else ()
    assert activates(layers.Activation(getattr(keras.activations, name)))
    assert activates(maker(getattr(ops, name)(x, *given)).operation)
