"""A classifier that slides says at every place what the classifier says of the window there."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.core.keras_internals import maker
from keras_classics.models.dense.local_calls import takes_any_size


def unpadded(*head):
    keras.utils.set_random_seed(3)
    body = [
        keras.Input((14, 12, 2)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(5, 3, bias_initializer="glorot_uniform"),
    ]  # fmt: skip
    return keras.Sequential([*body, *head])


HEADS = {
    "dense": [
        layers.Flatten(), layers.Dropout(0.5), layers.Dense(7, "relu"), layers.BatchNormalization(),
        layers.Dense(3, "softmax", use_bias=False),
    ],
    "average": [layers.GlobalAveragePooling2D(), layers.Dense(3), layers.Activation("sigmoid")],
    "maximum": [layers.GlobalMaxPooling2D(), layers.Dense(3)],
}  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
def test_each_answer_is_the_classifiers_for_its_window(head):
    model = unpadded(*HEADS[head])
    picture = np.random.default_rng(0).normal(size=(1, 21, 16, 2)).astype("float32")
    found = np.asarray(kc.models.convolutional_form(model)(picture))
    # The pool takes steps of two: rows 0, 2, 4, 6 and columns 0, 2, 4.
    assert found.shape == (1, 4, 3, 3)
    for row, column in np.ndindex(4, 3):
        window = picture[:, 2 * row : 2 * row + 14, 2 * column : 2 * column + 12]
        np.testing.assert_allclose(found[:, row, column], model(window), atol=1e-5)


def test_vgg_says_of_a_picture_of_its_own_size_what_it_said_as_a_classifier():
    keras.utils.set_random_seed(0)
    model = kc.models.VGG16(width=0.05, dense_units=8, classes=5, input_shape=(64, 96, 3))
    pictures = np.random.default_rng(0).normal(size=(2, 64, 96, 3)).astype("float32")
    form = kc.models.convolutional_form(model)
    assert [form.get_layer(f"head_dense{n}").kernel_size for n in (1, 2)] == [(2, 3), (1, 1)]
    np.testing.assert_allclose(form(pictures)[:, 0, 0], model(pictures), atol=1e-4)
    assert form(np.zeros((1, 100, 130, 3))).shape == (1, 2, 2, 5)
    same = kc.models.convolutional_form(model, padding="same")
    assert same(np.zeros((1, 100, 130, 3))).shape == (1, 3, 4, 5)


def own_tanh(x):
    return 1.7 * keras.ops.tanh(x)


def over_rows(x):
    return x - keras.ops.mean(x, axis=1, keepdims=True)


@keras.saving.register_keras_serializable("test_convolutional_form")
class OwnLayer(layers.Layer):
    def call(self, x):
        return 2 * x


def forms_agree(model, size=(15, 16)):
    """Whether each answer is that for its window, with windows at every pixel."""
    height, width, channels = model.inputs[0].shape[1:]
    picture = np.random.default_rng(0).normal(size=(1, *size, channels)).astype("float32")
    found = np.asarray(kc.models.convolutional_form(model)(picture, training=False))
    assert found.shape[1:3] == (size[0] - height + 1, size[1] - width + 1)
    for row, column in np.ndindex(*found.shape[1:3]):
        window = picture[:, row : row + height, column : column + width]
        np.testing.assert_allclose(found[:, row, column], model(window, training=False), atol=1e-4)


def on_maps(*kinds):
    return [layers.Conv2D(4, 3), *kinds, layers.Flatten(), layers.Dense(3)]


ACTIVATIONS = (
    "celu", "hard_shrink", "hard_tanh", "log_sigmoid", "log_softmax", "soft_shrink", "sparse_plus",
    "sparse_sigmoid", "sparsemax", "squareplus", "tanh_shrink",
)  # fmt: skip
LOCAL = {
    "pointwise layers": lambda: on_maps(
        layers.PReLU(shared_axes=[1, 2], alpha_initializer="ones"), layers.UnitNormalization(),
        layers.LayerNormalization(), layers.BatchNormalization(axis=3), layers.Softmax(axis=3),
        layers.SpatialDropout2D(0.5), layers.GaussianNoise(1.0), layers.Rescaling(2.0, [1, 2, 3, 4]),
        layers.Dense(5), layers.Normalization(axis=None, mean=1.0, variance=2.0),
    ),
    "kernels and pools": lambda: on_maps(
        layers.DepthwiseConv2D(2), layers.SeparableConv2D(5, 2), layers.Conv2D(3, 2, dilation_rate=2),
        layers.MaxPooling2D(2, 1), kc.layers.LocalResponseNormalization(), kc.layers.Maxout(3),
    ),
    "own function on a map": lambda: on_maps(layers.Activation(own_tanh)),
    "softmax by a function": lambda: on_maps(layers.Activation(lambda x: keras.ops.softmax(x))),
    "own function on a flat map": lambda: [layers.Flatten(), layers.Activation(own_tanh), layers.Dense(3)],
    "own function of a dense layer": lambda: [layers.Flatten(), layers.Dense(3, own_tanh)],
    "softmaxes of vectors": lambda: [
        layers.Flatten(), layers.Dense(4, "sparsemax"), layers.Activation("log_softmax"),
        layers.LayerNormalization(), layers.BatchNormalization(axis=1), layers.Dense(3, "softmax"),
    ],
    "pictures at random in training": lambda: [layers.RandomFlip(), *on_maps(layers.RandomZoom(0.5))],
    "several inputs": lambda: on_maps(lambda x: layers.Concatenate()([x, layers.Multiply()([x, x])])),
    "activations as operations": lambda: on_maps(
        lambda x: layers.Average()([getattr(keras.ops, name)(x) for name in ACTIVATIONS])
    ),
    "operations": lambda: on_maps(lambda x: keras.ops.softmax(keras.ops.relu(x) * np.ones(4) - 1)),
}  # fmt: skip


def applied(kinds, size=(12, 12)):
    x = image = keras.Input((*size, 3))
    for kind in kinds:
        x = kind(x)
    return keras.Model(image, x)


@pytest.mark.parametrize("name", LOCAL)
def test_what_is_local_slides_to_the_answers_of_windows(name):
    keras.utils.set_random_seed(1)
    forms_agree(applied(LOCAL[name]()))


NOT_LOCAL = {
    "log_softmax of a whole map": [layers.Flatten(), layers.Activation("log_softmax")],
    "sparsemax of a whole map": [layers.Flatten(), layers.Activation("sparsemax")],
    "a function of a whole map": [layers.Flatten(), layers.Activation(lambda x: keras.ops.softmax(x))],
    "halves of a whole map": [layers.Flatten(), layers.Activation("glu")],
    "statistics of a map": [layers.GroupNormalization(2)],
    "softmax over rows": [layers.Softmax(axis=1)],
    "softmax over places": [layers.Softmax(axis=(1, 2))],
    "a mean": [lambda x: x - keras.ops.mean(x, axis=(1, 2), keepdims=True)],
    "a maximum": [lambda x: x * keras.ops.max(x, axis=(1, 2), keepdims=True)],
    "a turn": [lambda x: keras.ops.flip(x, axis=1)],
    "weights of places": [layers.PReLU()],
    "normalised as a whole": [layers.LayerNormalization(axis=(1, 2, 3))],
    "normalised along rows": [layers.LayerNormalization(axis=1)],
    "statistics of rows": [layers.BatchNormalization(axis=1)],
    "means of places": [layers.Normalization(axis=(1, 2, 3), mean=np.ones((10, 10, 4)), variance=np.ones((10, 10, 4)))],
    "constants of places": [lambda x: x + np.ones((10, 10, 4), "float32")],
    "dense layers of places": [layers.EinsumDense("bhwc,hwcd->bhwd", (10, 10, 5))],
    "kernels of places": [kc.layers.LocallyConnected2D(3, 2)],
    "borders from the other side": [kc.layers.CircularPadding2D(1)],
    "convolutions around the other side": [kc.layers.StackedConv2D(2)],
    "scales of places": [layers.Rescaling(np.full((10, 10, 4), 2.0))],
    "offsets of places": [layers.Rescaling(2.0, np.ones((10, 1, 1)))],
    "sums of places of a whole map": [layers.Flatten(), lambda x: layers.Dot(1)([x, x])],
    "a function behind a flat map": [layers.Flatten(), layers.ReLU(), layers.Activation("softmax")],
    "a function over rows": [layers.Activation(over_rows)],
    "a convolution and a function over rows": [layers.Conv2D(3, 2, activation=over_rows)],
    "a layer of one's own": [OwnLayer()],
    "a function as a layer": [layers.Lambda(lambda x: 2 * x)],
    "shapes by an operation": [lambda x: keras.ops.reshape(x, (-1, 10, 10, 4))],
    "rounded dense layers": [layers.Flatten(), kc.layers.FakeQuantDense(3)],
    "the map itself, laid flat": [layers.Flatten()],
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_LOCAL)
def test_what_is_not_known_to_be_local_is_refused_and_can_be_cut_off(name):
    keras.utils.set_random_seed(1)
    kinds = [layers.Conv2D(4, 3, name="kept"), *NOT_LOCAL[name]]
    ends = [] if "laid flat" in name else [layers.Flatten(), layers.Dense(3)]
    model = applied(kinds + (ends[1:] if layers.Flatten in map(type, kinds) else ends))
    with pytest.raises(kc.InputError, match="cannot be moved over a map") as refused:
        kc.models.convolutional_form(model)
    remedy = str(refused.value).split("before it: ")[1].rstrip(".")
    cut = eval(remedy, {"keras": keras, "model": model})
    assert kc.models.convolutional_form(cut)(np.zeros((1, 15, 16, 3))).shape[1:3] == (13, 14)


def test_no_cut_is_offered_where_nothing_would_be_left():
    inner = keras.Sequential([keras.Input((12, 12, 3)), OwnLayer(), layers.Flatten()])
    for first in ([layers.Reshape((12, 12, 3)), layers.Flatten()], [inner]):
        model = keras.Sequential([keras.Input((12, 12, 3)), *first, layers.Dense(3)])
        with pytest.raises(kc.InputError, match=r"Put another in its place\.$"):
            kc.models.convolutional_form(model)


@keras.saving.register_keras_serializable("test_convolutional_form")
class Gate(layers.Layer):
    def call(self, maps):
        return maps[0] * maps[1]


def test_what_was_squeezed_to_one_place_stays_one_in_larger_maps():
    gated = Gate()([keras.Input((4, 6, 3)), keras.Input((1, 1, 3))])
    assert takes_any_size(maker(gated))


def test_dense_layers_stay_frozen_and_keep_their_rules(tmp_path):
    rules = {
        "kernel_regularizer": keras.regularizers.OrthogonalRegularizer(0.1),
        "bias_regularizer": "l1", "kernel_constraint": keras.constraints.MaxNorm(0.1),
    }  # fmt: skip
    model = applied([layers.Flatten(), layers.Dense(3, **rules), layers.Dense(2)], (4, 5))
    model.layers[-2].bias.assign([1.0, -2.0, 3.0])
    form = kc.models.convolutional_form(model)
    path = tmp_path / "form.keras"
    form.save(path)
    for each in (form, kc.load_model(path)):
        assert [float(loss) for loss in each.losses] == pytest.approx(
            [float(loss) for loss in model.losses]
        )
        layer = each.layers[-2]
        norms = np.linalg.norm(np.reshape(layer.kernel_constraint(layer.kernel), (-1, 3)), axis=0)
        np.testing.assert_allclose(norms, 0.1, rtol=1e-3)
    model.trainable = False
    assert not kc.models.convolutional_form(model).trainable_weights


def test_what_cannot_slide_is_refused():
    shaped = unpadded(layers.Reshape((-1, 5)), layers.Flatten(), layers.Dense(2))
    with pytest.raises(kc.InputError, match="Reshape, which cannot be moved over a map"):
        kc.models.convolutional_form(shaped)
    normed = unpadded(layers.Flatten(), layers.BatchNormalization(), layers.Dense(2))
    with pytest.raises(kc.InputError, match="BatchNormalization"):
        kc.models.convolutional_form(normed)
    for along in (layers.Activation("softmax"), layers.Softmax(axis=1)):
        shared = unpadded(layers.Flatten(), along, layers.Dense(2))
        with pytest.raises(kc.InputError, match="activation|softmax"):
            kc.models.convolutional_form(shared)
    with pytest.raises(kc.InputError, match="of one picture"):
        kc.models.convolutional_form(kc.models.MLPMNIST())
    anyone = keras.Sequential(
        [keras.Input((None, None, 1)), layers.GlobalMaxPooling2D(), layers.Dense(2)]
    )
    with pytest.raises(kc.InputError, match="input_shape="):
        kc.models.convolutional_form(anyone)
