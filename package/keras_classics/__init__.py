"""Every network of the classic deep-learning courses, as plain Keras 3 models.

    import keras_classics as kc

    kc.list_models("resnet*")
    model = kc.create_model("resnet_50", classes=10, input_shape=(64, 64, 3))

Importing registers all layers and models with Keras, so that saved files load by themselves.
"""

from keras_classics import (
    analysis,
    callbacks,
    cli,
    compression,
    data,
    decoding,
    distribution,
    export,
    initializers,
    layers,
    models,
    training,
    transfer,
    weights,
)
from keras_classics.core.catalogue import ModelCard, card, create_model, list_models, register
from keras_classics.core.errors import InputError
from keras_classics.core.model_files import load_model, save_model
from keras_classics.core.version import __version__ as __version__

__all__ = [
    "InputError",
    "ModelCard",
    "analysis",
    "callbacks",
    "card",
    "cli",
    "compression",
    "create_model",
    "data",
    "decoding",
    "distribution",
    "export",
    "initializers",
    "layers",
    "list_models",
    "load_model",
    "models",
    "register",
    "save_model",
    "training",
    "transfer",
    "weights",
]
