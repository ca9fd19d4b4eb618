"""`replace_head`: a new classifier that trains on a trunk that stays."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from models.image.test_families import SMALL, pictures, small


@pytest.fixture(scope="module", autouse=True)
def forget_models():
    yield
    keras.utils.clear_session(free_memory=True)


TOPS = [name for name in SMALL if kc.card(name).classes]


@pytest.mark.parametrize("name", TOPS)
def test_every_family_gets_a_new_classifier_on_its_own_trunk(name):
    old = small(name)
    before = [np.asarray(weight) for weight in old.weights]
    new = kc.transfer.replace_head(old, 7, classifier_activation=None)
    assert new.output_shape == (None, 7)
    assert [x.name for x in new.layers] == [x.name for x in old.layers]
    made = [x for x in new.layers if x is not old.get_layer(x.name) and x.weights]
    assert 1 <= len(made) <= 2
    for layer in made:
        assert type(layer) is type(old.get_layer(layer.name))
    for weight, value in zip(old.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize("name", ["lenet_5", "squeezenet_1_1", "mlp_skip_mnist"])
def test_the_new_model_is_saved_like_any_other(name, tmp_path):
    new = kc.transfer.replace_head(small(name), 7)
    new.save(tmp_path / "new.keras")
    loaded = keras.saving.load_model(tmp_path / "new.keras")
    x = pictures(new, count=1)
    np.testing.assert_array_equal(loaded(x), new(x))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet_18", "squeezenet_1_1"])
def test_the_new_head_learns_and_a_frozen_trunk_stays(name):
    old = small(name)
    # SqueezeNet's maps end in a ReLU: of two classes both may be drawn dead, of ten never all.
    model = kc.transfer.freeze(kc.transfer.replace_head(old, 10))
    x = pictures(model)
    y = np.arange(len(x)) % 2
    x += y.reshape(-1, 1, 1, 1)
    groups = kc.transfer.layer_groups(model).items()
    trunk = [layer for name, group in groups if name != "head" for layer in group]
    before = [np.asarray(w) for layer in trunk for w in layer.weights]
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    losses = model.fit(x, y, epochs=20, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < 0.95 * losses[0]
    after = [np.asarray(w) for layer in trunk for w in layer.weights]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_auxiliary_classifiers_are_replaced_too():
    old = kc.models.GoogLeNetBN(auxiliary=True, input_shape=(96, 96, 3), width=0.1)
    new = kc.transfer.replace_head(old, 5)
    assert [tuple(x.shape) for x in new.outputs] == [(None, 5)] * 3


def test_initialisers_are_the_family_s_own():
    new = kc.transfer.replace_head(small("squeezenet_1_1"), 50)
    kernel = np.asarray(new.get_layer("head_conv").kernel)
    assert 0.009 < kernel.std() < 0.011


def test_a_model_without_top_gets_one():
    trunk = kc.models.ResNet18(include_top=False, width=0.125, input_shape=(32, 32, 3))
    model = kc.transfer.replace_head(trunk, 3, dropout=0.2)
    assert [layer.name for layer in model.layers[-3:]] == [
        "head_pool",
        "head_dropout",
        "predictions",
    ]
    pooled = kc.models.ResNet18(include_top=False, pooling="max", width=0.125)
    assert kc.transfer.replace_head(pooled, 3).output_shape == (None, 3)


def test_dropout_takes_the_place_of_the_one_before_the_classifier():
    new = kc.transfer.replace_head(small("googlenet"), 3, dropout=0.35)
    rates = [x.rate for x in new.layers if isinstance(x, keras.layers.Dropout)]
    assert rates == [0.35]
    new = kc.transfer.replace_head(small("resnet_18"), 3, dropout=0.35)
    assert new.get_layer("head_dropout").rate == 0.35


def test_bad_arguments_are_refused():
    for arguments in ({"classes": 0}, {"classes": 2.0}, {"classes": 3, "dropout": 1.0}):
        with pytest.raises(kc.InputError, match="Allowed: "):
            kc.transfer.replace_head(small("resnet_18"), **arguments)


def convolutions():
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(6, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
        ],
        name="trunk",
    )


def chain(*steps):
    image = keras.Input((8, 8, 3), name="image")
    x = convolutions()(image)
    for step in steps:
        x = step(x)
    return keras.Model(image, x)


def nested_classifier(*steps):
    return keras.Sequential([keras.Input((6,)), *steps], name="classifier")


# Of a classifier of four that is called otherwise; and what its new logits are made of.
FOREIGN = {
    "fused": lambda: chain(layers.Dense(4, "softmax", name="fc")),
    "Activation": lambda: chain(layers.Dense(4), layers.Activation("softmax")),
    "Softmax": lambda: chain(layers.Dense(4), layers.Softmax(name="probabilities")),
    "operation": lambda: chain(layers.Dense(4), ops.softmax),
    "linear behind": lambda: chain(
        layers.Dense(4, "softmax"), layers.Activation("linear", dtype="float32", name="last")
    ),
    "logits": lambda: chain(layers.Dense(4, name="fc")),
    "logits with a linear layer": lambda: chain(layers.Dense(4), layers.Activation("linear")),
    "sigmoids": lambda: chain(layers.Dense(4, "sigmoid")),
    "one sigmoid": lambda: chain(layers.Dense(1, "sigmoid")),
    "one sigmoid without an axis": lambda: chain(layers.Dense(1, "sigmoid"), layers.Reshape(())),
    "normalised": lambda: chain(
        layers.Dense(4), layers.BatchNormalization(), layers.Activation("softmax")
    ),
    "convolution": lambda: chain(
        layers.Reshape((1, 1, 6)),
        layers.Conv2D(4, 1),
        layers.Reshape((4,)),
        layers.Activation("softmax"),
    ),
    "convolution, squeezed": lambda: chain(
        layers.Reshape((1, 1, 6)),
        layers.Conv2D(4, 1),
        ops.softmax,
        lambda x: ops.reshape(x, (-1, 4)),
    ),
    "time distributed": lambda: chain(
        layers.Reshape((1, 6)), layers.TimeDistributed(layers.Dense(4, "softmax")), layers.Flatten()
    ),
    "nested": lambda: chain(nested_classifier(layers.Dropout(0.5), layers.Dense(4, "softmax"))),
    "nested and linear": lambda: chain(
        nested_classifier(layers.Dense(4)), layers.Activation("softmax")
    ),
    "mean of two": lambda: (
        trunk := convolutions(),
        image := keras.Input((8, 8, 3)),
        keras.Model(
            image,
            layers.Average()([layers.Dense(4, "softmax")(trunk(image)) for _ in range(2)]),
        ),
    )[-1],
    "Sequential": lambda: keras.Sequential([convolutions(), layers.Dense(4, "softmax")]),
    "list of one input": lambda: keras.Model(
        (model := chain(layers.Dense(4, "softmax"))).inputs, model.outputs[0]
    ),
    "dictionary": lambda: keras.Model(
        {"image": (model := chain(layers.Dense(4, "softmax"))).inputs[0]},
        {"classes": model.outputs[0]},
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_classifier_is_replaced_whatever_its_layers_are_called(name, tmp_path):
    old = FOREIGN[name]()
    before = [np.asarray(weight) for weight in old.weights]
    x = np.random.default_rng(0).normal(size=(5, 8, 8, 3)).astype("float32")
    new = kc.transfer.replace_head(old, 7)
    given = {"image": x} if name == "dictionary" else x
    answer = new.predict(given, verbose=0)
    if name == "dictionary":
        answer = answer["classes"]
    assert answer.shape == (5, 7)
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)
    # Exactly the classifier is new: nothing of it is left below, and the trunk is the old one.
    kept = {id(weight) for weight in old.weights}
    fresh = [weight for weight in new.weights if id(weight) not in kept]
    assert len([w for w in new.weights if id(w) in kept]) == 2
    heads = 2 if name == "mean of two" else 1
    extra = 4 if name == "normalised" else 0
    assert len(fresh) == 2 * heads + extra
    assert {tuple(w.shape)[-2:] for w in fresh if len(w.shape) > 1} == {(6, 7)}
    # By hand, from the trunk and the new kernel.
    if name not in ("mean of two", "normalised"):
        kernel, bias = (np.asarray(w) for w in fresh)
        z = (
            np.asarray(old.layers[0 if name == "Sequential" else 1](x)) @ kernel.reshape(6, 7)
            + bias
        )
        powers = np.exp(z)
        np.testing.assert_allclose(answer, powers / powers.sum(axis=1, keepdims=True), rtol=1e-4)
    for weight, value in zip(old.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    new.save(tmp_path / "new.keras")
    loaded = keras.saving.load_model(tmp_path / "new.keras").predict(given, verbose=0)
    np.testing.assert_allclose(
        loaded["classes"] if name == "dictionary" else loaded, answer, rtol=1e-6
    )


@pytest.mark.parametrize("name", ["fused", "Softmax", "operation", "nested", "logits"])
def test_logits_can_be_asked_for_in_any_of_them(name):
    new = kc.transfer.replace_head(FOREIGN[name](), 3, classifier_activation=None)
    assert [end.kind for end in kc.analysis.model_ends(new)] == ["logits"]


def test_dropout_before_a_nested_classifier_takes_the_place_of_its_own():
    new = kc.transfer.replace_head(FOREIGN["nested"](), 3, dropout=0.25)
    rates = [x.rate for x in new.layers if isinstance(x, layers.Dropout)]
    assert rates == [0.25] and "classifier" not in [x.name for x in new.layers]


def test_features_are_not_taken_for_a_classifier():
    for features in (layers.Dense(5, "relu"), layers.LayerNormalization(), layers.Identity()):
        new = kc.transfer.replace_head(chain(features), 3)
        assert new.layers[-1].name == "predictions" and new.layers[-2] is features
    sequence = keras.Input((4, 6))
    new = kc.transfer.replace_head(
        keras.Model(sequence, layers.LSTM(5, return_sequences=True)(sequence)), 3
    )
    assert new.output_shape == (None, 3)


def test_half_precision_features_get_a_classifier_of_float32():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, dtype="mixed_float16")(image)
    assert kc.transfer.replace_head(keras.Model(image, x), 3).output.dtype == "float32"


def test_what_cannot_be_made_anew_is_refused_and_the_remedy_works():
    model = chain(layers.Dense(4, "softmax"), lambda x: ops.clip(x, 0.01, 1))
    with pytest.raises(kc.InputError, match="of type Clip.*Pass keras.Model"):
        kc.transfer.replace_head(model, 3)
    features = model.get_layer("trunk").outputs[0]
    assert kc.transfer.replace_head(keras.Model(model.get_layer("trunk").inputs, features), 3)
    einsum = layers.EinsumDense("bi,ij->bj", output_shape=4, activation="softmax", name="last")
    with pytest.raises(kc.InputError, match="'last', a EinsumDense"):
        kc.transfer.replace_head(chain(einsum), 3)


def test_one_classifier_read_by_two_outputs_is_made_once():
    image = keras.Input((8, 8, 3))
    p = layers.Dense(4, "softmax", name="fc")(convolutions()(image))
    model = keras.Model(image, [p, layers.Activation("linear", name="again")(p)])
    new = kc.transfer.replace_head(model, 3)
    assert [tuple(x.shape) for x in new.outputs] == [(None, 3)] * 2
    assert [layer.name for layer in new.layers].count("fc") == 1


HALF = {"Multiply": lambda p: 0.3 * p, "Rescaling": layers.Rescaling(0.7)}
# Heads whose logits cannot be had back: nothing may be put on top of their probabilities.
HEADS_UNREAD = {
    "hard sigmoid": lambda: chain(layers.Dense(1, "hard_sigmoid")),
    "sparsemax": lambda: chain(layers.Dense(3), layers.Activation("sparsemax")),
    "softmax of one": lambda: chain(layers.Dense(1), lambda x: layers.Softmax()(x)),
    "classes in two axes": lambda: chain(layers.Dense(4, "softmax"), layers.Reshape((2, 2))),
    "softmax over rows": lambda: chain(
        layers.Reshape((1, 2, 3)), layers.Conv2D(4, 1), layers.Softmax(axis=2)
    ),
    "whole numbers": lambda: chain(
        layers.Dense(4, "softmax"), lambda p: ops.cast(100 * p, "int32")
    ),
    "weighted mean": lambda: (
        trunk := chain(),
        keras.Model(
            trunk.inputs,
            layers.Add()(
                [scale(layers.Dense(4, "softmax")(trunk.outputs[0])) for scale in HALF.values()]
            ),
        ),
    )[-1],
    "sum": lambda: (
        trunk := chain(),
        keras.Model(
            trunk.inputs,
            layers.Add()([layers.Dense(4, "softmax")(trunk.outputs[0]) for _ in range(2)]),
        ),
    )[-1],
    "a scale that leaves nothing": lambda: chain(layers.Dense(4, "softmax"), lambda p: 1e-40 * p),
}


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
@pytest.mark.parametrize("name", HEADS_UNREAD)
def test_no_head_is_put_on_the_probabilities_of_another_and_the_remedy_works(name):
    model = HEADS_UNREAD[name]()
    with pytest.raises(kc.InputError, match="another head: .*Pass keras.Model"):
        kc.transfer.replace_head(model, 7)
    features = model.get_layer("trunk").outputs[0]
    remedy = keras.Model(model.get_layer("trunk").inputs, features)
    assert kc.transfer.replace_head(remedy, 7).output_shape == (None, 7)


def test_gates_are_features():
    """Probabilities that only weigh features, as of squeeze and excitation or a highway."""

    def gated(x):
        gate = layers.Dense(x.shape[-1], "sigmoid")(x)
        return layers.Add()([layers.Multiply()([x, gate]), layers.Multiply()([x, 1 - gate])])

    for steps in ((gated,), (layers.Reshape((1, 1, 6)), gated)):
        new = kc.transfer.replace_head(chain(*steps), 3)
        assert new.layers[-1].name == "predictions"


@pytest.mark.parametrize("behind", [lambda p: 100.0 * p, layers.Rescaling(2.0, -1.0)])
def test_predictions_of_a_scaled_head_are_probabilities(behind):
    new = kc.transfer.replace_head(chain(layers.Dense(4, "softmax", name="fc"), behind), 7)
    answer = new.predict(np.ones((2, 8, 8, 3), "float32"), verbose=0)
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)
    assert [end.gives_probabilities for end in kc.analysis.model_ends(new)] == [True]


def test_features_of_unknown_channels_are_refused():
    image = keras.Input((None, None, None))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(image))
    with pytest.raises(kc.InputError, match="a known number of channels"):
        kc.transfer.replace_head(model, 3)
