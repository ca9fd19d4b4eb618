"""Every network of the classic deep-learning courses, as plain Keras 3 models.

    import keras_classics as kc

    kc.list_models("resnet*")
    model = kc.create_model("resnet_50", classes=10, input_shape=(64, 64, 3))

Importing registers all layers and models with Keras, so that saved files load by themselves.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from keras_classics import data, decoding, initializers, layers, models, training
from keras_classics.core.card import ModelCard
from keras_classics.core.catalogue import card, create_model, list_models, register
from keras_classics.core.errors import InputError
from keras_classics.core.model_files import load_model, load_weights, save_model
from keras_classics.core.version import __version__ as __version__

if TYPE_CHECKING:
    from keras_classics import (
        analysis,
        callbacks,
        cli,
        compression,
        distribution,
        export,
        jobs,
        transfer,
        weights,
    )

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
    "jobs",
    "layers",
    "list_models",
    "load_model",
    "load_weights",
    "models",
    "register",
    "save_model",
    "training",
    "transfer",
    "weights",
]

# Rooms with nothing to register, imported when they are first asked for.
_LATER = {
    "analysis",
    "callbacks",
    "cli",
    "compression",
    "distribution",
    "export",
    "jobs",
    "transfer",
    "weights",
}


def __getattr__(name: str) -> ModuleType:
    if name in _LATER:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
