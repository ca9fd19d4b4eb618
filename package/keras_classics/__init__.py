"""Every network of the classic deep-learning courses, as plain Keras 3 models.

    import keras_classics as kc

    kc.list_models("resnet*")
    model = kc.create_model("resnet_50", classes=10, input_shape=(64, 64, 3))

Importing registers all layers and models with Keras, so that saved files load by themselves; where
Keras is not there yet, that is done when it comes, and nothing is imported before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_classics.core import importing
from keras_classics.core.version import __version__ as __version__

if TYPE_CHECKING:
    from keras_classics import (
        analysis,
        boxes,
        callbacks,
        cli,
        compression,
        data,
        decoding,
        distribution,
        export,
        initializers,
        jobs,
        layers,
        models,
        training,
        transfer,
        weights,
    )
    from keras_classics.core.boundary.model_files import load_model, load_weights, save_model
    from keras_classics.core.cards.card import ModelCard
    from keras_classics.core.cards.catalogue import card, create_model, list_models, register
    from keras_classics.core.errors import InputError
    from keras_classics.jobs.presets import Preset, load_preset, save_preset

__all__ = [
    "InputError",
    "ModelCard",
    "Preset",
    "__version__",
    "analysis",
    "boxes",
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
    "load_preset",
    "load_weights",
    "models",
    "register",
    "save_model",
    "save_preset",
    "training",
    "transfer",
    "weights",
]

_PLACES = {
    "InputError": "core.errors",
    "ModelCard": "core.cards.card",
    "Preset": "jobs.presets",
    "card": "core.cards.catalogue",
    "create_model": "core.cards.catalogue",
    "list_models": "core.cards.catalogue",
    "load_model": "core.boundary.model_files",
    "load_preset": "jobs.presets",
    "load_weights": "core.boundary.model_files",
    "register": "core.cards.catalogue",
    "save_model": "core.boundary.model_files",
    "save_preset": "jobs.presets",
}

__getattr__ = importing.later(__name__, {name: _PLACES.get(name, "") for name in __all__})


def _register() -> None:
    """Import the rooms whose classes, models and weights a file of Keras, or a user, may name."""
    from keras_classics import (  # noqa: F401
        compression,
        data,
        decoding,
        initializers,
        layers,
        models,
        training,
        weights,
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


importing.once_there_is_keras(__name__, _register)
