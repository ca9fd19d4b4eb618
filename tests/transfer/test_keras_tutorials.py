"""Keras's own tutorials, on a folder made here, changed only as `coming_from.md` says.

The code is that of keras.io/api/applications and of the guides to transfer learning and to image
classification; what differs stands beside its original. Networks are narrow and pictures small.
"""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc

SIDE = 64
CLASSES = ("cat", "dog", "owl")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of pictures by class, each of its own colour."""
    root = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    for place, name in enumerate(CLASSES):
        (root / name).mkdir()
        for number in range(8):
            noise = draw.integers(0, 90, (SIDE + 6, SIDE, 3))
            noise[..., place] += 150
            keras.utils.save_img(root / name / f"{number}.png", noise.astype("uint8"), scale=False)
    return root


@pytest.fixture
def x(folder):
    """One picture as the tutorials read it."""
    img = keras.utils.load_img(folder / "cat" / "0.png", target_size=(SIDE, SIDE))
    return np.expand_dims(keras.utils.img_to_array(img), axis=0)


def kernels(model):
    return {weight.path: np.array(weight) for weight in model.weights}


def test_extract_features_with_vgg16(x):
    # VGG16(weights="imagenet", include_top=False)
    model = kc.models.VGG16(weights=None, include_top=False, width=0.1)
    # preprocess_input(x)
    features = model.predict(kc.weights.preprocess(x, "VGG16"), verbose=0)
    assert features.shape == (1, SIDE // 32, SIDE // 32, 51)
    theirs = keras.applications.vgg16.preprocess_input(x.copy())
    np.testing.assert_allclose(kc.weights.preprocess(x, "VGG16"), theirs, atol=1e-4)


def test_features_from_an_arbitrary_intermediate_layer_with_vgg19(x):
    base_model = kc.models.VGG19(weights=None, width=0.1, input_shape=(SIDE, SIDE, 3))
    # base_model.get_layer("block4_pool")
    model = keras.Model(inputs=base_model.input, outputs=base_model.get_layer("stage4_out").output)
    block4_pool_features = model.predict(kc.weights.preprocess(x, "VGG19"), verbose=0)
    assert block4_pool_features.shape == (1, SIDE // 16, SIDE // 16, 51)


@pytest.mark.slow
def test_fine_tune_on_a_new_set_of_classes(folder):
    # InceptionV3(weights="imagenet", include_top=False)
    base_model = kc.models.InceptionV4(
        weights=None, include_top=False, width=0.05, repeats=(1, 1, 1)
    )
    out = base_model.output
    out = layers.GlobalAveragePooling2D()(out)
    out = layers.Dense(32, activation="relu")(out)
    predictions = layers.Dense(len(CLASSES), activation="softmax")(out)
    model = keras.Model(inputs=base_model.input, outputs=predictions)
    for layer in base_model.layers:
        layer.trainable = False
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy")
    pictures = keras.utils.image_dataset_from_directory(
        folder, image_size=(80, 80), batch_size=8, verbose=False
    )
    # preprocess_input: the weights are our own, so what they were trained on is ours to say.
    pictures = pictures.map(lambda x, y: (x / 127.5 - 1.0, y))
    before = kernels(base_model)
    model.fit(pictures, verbose=0)
    assert all(np.array_equal(before[path], now) for path, now in kernels(base_model).items())
    # for layer in model.layers[:249]: layer.trainable = False
    # for layer in model.layers[249:]: layer.trainable = True
    kc.transfer.freeze(model, until="stage2_out")
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9),
        loss="sparse_categorical_crossentropy",
    )
    model.fit(pictures, verbose=0)
    moved = {path for path, now in kernels(base_model).items() if (before[path] != now).any()}
    assert moved and all("stage3" in path or "head" in path for path in moved)


@pytest.mark.parametrize("before", [None, layers.Rescaling(1 / 255), layers.ZeroPadding2D(4)])
def test_build_over_a_custom_input_tensor(x, before):
    # This could also be the output of a different Keras layer or model.
    input_tensor = keras.Input(shape=(SIDE, SIDE, 3))
    tensor = input_tensor if before is None else before(input_tensor)
    model = kc.models.ResNet18(
        input_tensor=tensor, weights=None, include_top=True, classes=5, width=0.1
    )
    assert model.inputs[0] is input_tensor
    assert model.predict(x, verbose=0).shape == (1, 5)


@pytest.mark.slow
def test_custom_classes_and_a_folder_of_pictures(folder):
    # image_dataset_from_directory(...) of the guide, in its two halves.
    train, validation = keras.utils.image_dataset_from_directory(
        folder, validation_split=0.25, subset="both", seed=1337, image_size=(SIDE, SIDE),
        batch_size=6, verbose=False,
    )  # fmt: skip
    assert tuple(train.class_names) == CLASSES
    # keras.applications.ResNet50(weights=None, classes=3, ...)
    network = kc.models.ResNet18(
        weights=None, classes=len(CLASSES), input_shape=(SIDE, SIDE, 3), width=0.25
    )
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Rescaling(1.0 / 255), network])
    model.compile(
        optimizer=keras.optimizers.Adam(3e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(train, epochs=4, validation_data=validation, verbose=0)
    assert min(history.history["loss"]) < history.history["loss"][0]
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}


@pytest.mark.slow
def test_transfer_learning_with_a_nested_backbone(folder):
    base_model = kc.models.ResNet18(
        weights=None, input_shape=(SIDE, SIDE, 3), include_top=False, width=0.1
    )
    base_model.trainable = False
    inputs = keras.Input(shape=(SIDE, SIDE, 3))
    scaled = layers.Rescaling(scale=1 / 127.5, offset=-1)(inputs)
    out = base_model(scaled, training=False)
    out = layers.GlobalAveragePooling2D()(out)
    out = layers.Dropout(0.2)(out)
    model = keras.Model(inputs, layers.Dense(len(CLASSES))(out))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(), loss=loss)
    pictures = keras.utils.image_dataset_from_directory(
        folder, image_size=(SIDE, SIDE), batch_size=8, verbose=False
    )
    before = kernels(base_model)
    model.fit(pictures, verbose=0)
    assert all(np.array_equal(before[path], now) for path, now in kernels(base_model).items())
    base_model.trainable = True
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss=loss)
    model.fit(pictures, verbose=0)
    after = kernels(base_model)
    assert any((before[path] != now).any() for path, now in after.items())
    # The tools of transfer take such a model as it is.
    renewed = kc.transfer.replace_head(model, 7, classifier_activation=None)
    assert renewed.output_shape == (None, 7)
    # A model within another is one step there; the maps within it are its own.
    black = np.zeros((1, SIDE, SIDE, 3), "float32")
    for whole, level, side in ((model, "P5", 2), (base_model, "P3", 8)):
        assert kc.transfer.features(whole, [level])(black)[level].shape[1:3] == (side, side)


def test_two_families_stand_on_one_input(x):
    image = keras.Input((SIDE, SIDE, 3))
    first = kc.models.VGG16(
        weights=None, input_tensor=image, include_top=False, pooling="avg", width=0.1
    )
    second = kc.models.ResNet18(
        weights=None, input_tensor=image, include_top=False, pooling="avg", width=0.1
    )
    joined = layers.Concatenate()([first.output, second.output])
    model = keras.Model(image, layers.Dense(2, activation="softmax")(joined))
    expected = np.concatenate([first(x), second(x)], axis=1)
    found = keras.Model(image, joined)(x)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert len({layer.name for layer in model.layers}) == len(model.layers)
