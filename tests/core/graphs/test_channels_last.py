"""Channels first: one sentence wherever it is met, and its remedy works."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc

SENTENCE = r"Allowed: models with channels last, \(batch, height, width, channels\)\. Call keras"
IMAGES = np.zeros((1, 8, 8, 3), "float32")


@pytest.fixture
def first():
    """Keras set to channels first, for a while."""
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.fixture(scope="module")
def model():
    """A model that has its channels first, built by name."""
    image = keras.Input((3, 8, 8))
    x = layers.Conv2D(4, 3, data_format="channels_first", name="conv")(image)
    x = layers.BatchNormalization(axis=1)(x)
    return keras.Model(image, layers.Dense(2, "softmax")(layers.Flatten()(x)))


@pytest.mark.parametrize("name", ["resnet_18", "lenet_5", "road_alexnet", "mlp_skip_mnist"])
def test_builders_say_it(name, first):
    with pytest.raises(kc.InputError, match=f"Keras is set to .*channels_first.*{SENTENCE}"):
        kc.create_model(name)


def test_the_remedy_works(first):
    with pytest.raises(kc.InputError, match="set_image_data_format.'channels_last'."):
        kc.models.LeNet5()
    keras.config.set_image_data_format("channels_last")
    assert kc.models.LeNet5().output_shape == (None, 10)


LAYERS = {
    "BinaryConv2D": (4, 3),
    "CeilAveragePooling2D": (2, 2),
    "CircularPadding2D": (1,),
    "ConnectionTableConv2D": ([[0]], 3),
    "ConvHighway": (),
    "DiracConv2D": (4,),
    "LocalResponseNormalization": (),
    "LocallyConnected2D": (4, 3),
    "MultiDimensionalLSTM": (4,),
    "MultiDimensionalRNN": (4,),
    "NCReLU": (),
    "PaddedMaxPooling2D": (2, 2),
    "SAFPooling": (),
    "StackedConv2D": (2,),
    "TrainableSubsampling": (),
    "ZeroInterleaving2D": (),
    "ZeroPaddedShortcut": (4,),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_maps_say_it(name, first):
    with pytest.raises(kc.InputError, match=SENTENCE):
        getattr(kc.layers, name)(*LAYERS[name])


@pytest.mark.parametrize("name", ["BinaryDense", "Highway", "Maxout", "EuclideanRBF"])
def test_layers_of_vectors_do_not_care(name, first):
    arguments = () if name == "Highway" else (2,)
    assert getattr(kc.layers, name)(*arguments)(np.ones((1, 4), "float32")).shape[0] == 1


def test_recognisers_of_lines_say_it(first):
    with pytest.raises(kc.InputError, match=SENTENCE):
        kc.models.ctc_recognizer(labels=4, input_shape=(16, None, 1))


TOOLS = {
    "cam": lambda model: kc.analysis.cam(model, IMAGES),
    "saliency": lambda model: kc.analysis.saliency(model, IMAGES),
    "feature maps": kc.analysis.FeatureMaps,
    "costs": kc.analysis.costs,
    "multiply_adds": kc.analysis.multiply_adds,
    "adapt_channels": lambda model: kc.transfer.adapt_channels(model, 1),
    "features": kc.transfer.features,
    "any_size": kc.export.any_size,
    "captioner": lambda model: kc.models.captioner(model, 9, units=4),
    "a new head": lambda model: kc.transfer.replace_head(
        keras.Model(model.inputs, model.get_layer("conv").output), 3
    ),
    "nested": lambda model: kc.analysis.cam(
        keras.Sequential([keras.Input((3, 8, 8)), model]), IMAGES
    ),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_say_it_of_a_model_that_has_them(tool, model):
    with pytest.raises(kc.InputError, match=f"'conv' has its channels first. {SENTENCE}"):
        TOOLS[tool](model)


def test_folding_leaves_what_has_its_channels_first():
    image = keras.Input((3, 8, 8))
    x = layers.Conv2D(8, 1, data_format="channels_first")(image)
    # The columns are normalised, as many as there are filters.
    model = keras.Model(image, layers.BatchNormalization(axis=-1)(x))
    assert len(kc.export.fold(model).weights) == len(model.weights) == 6
