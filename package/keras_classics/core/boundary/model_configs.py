"""What a model's configuration may name, and do while it is loaded: looked at before it is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from keras_classics.core.keras_internals import custom_objects_in_scope

# Rooms of Keras whose functions are of numbers and do nothing else, and what in them is no such
# function but makes one out of a configuration.
_ROOMS = ("activations", "initializers", "losses", "metrics")
_MAKERS = {"deserialize", "get", "serialize"}


def check_configuration(config: Any) -> None:
    """Refuse functions that are not meant in a model, and operations that would run while loading.

    Keras admits every public function of its own where a model has one, such as an activation,
    whatever it does. And an operation that is called with numbers alone is run when its call is
    read, however many it makes; Keras writes none, as their result is no part of the model.

    Args:
        config: As in the `config.json` of a `.keras` file.

    Raises:
        ValueError: There is one; it is named.
    """
    allowed = _functions()
    registered = {*keras.saving.get_custom_objects(), *custom_objects_in_scope()}
    for part in _mappings(config):
        name = _named_function(part)
        if name is not None and not _is_registered(part, registered):
            place, _, last = name.rpartition(".")
            if last not in allowed.get(place, ()):
                raise ValueError(f"{name!r} in it is no function of a model")
        for node in part.get("inbound_nodes") or ():
            # In the older form, a list, every entry is the place of a tensor.
            if not node or (isinstance(node, Mapping) and not _has_tensor(node)):
                raise ValueError(
                    f"{str(part.get('class_name'))!r} in it takes no tensor of the model, and "
                    "would run while it is loaded"
                )


def _functions() -> dict[str, set[str]]:
    """Names of functions that a model may have, by the place they are in."""
    allowed = {
        f"keras.{room}": {
            name
            for name, function in vars(getattr(keras, room)).items()
            if inspect.isfunction(function) and name not in _MAKERS
        }
        for room in _ROOMS
    }
    # Where only a name is kept, Keras looks for it in all rooms.
    allowed["builtins"] = set().union(*allowed.values())
    return allowed


def _named_function(part: Mapping[str, Any]) -> str | None:
    """The place and name of a function that a part of a configuration stands for, if it does."""
    kind, module = part.get("class_name"), part.get("module")
    if kind == "function":
        return f"{module}.{part.get('config')}"
    # Keras takes a function for a class too.
    if isinstance(kind, str) and isinstance(module, str) and module.partition(".")[0] == "keras":
        found: Any = keras
        for name in f"{module}.{kind}".split(".")[1:]:
            found = getattr(found, name, None)
        unknown = found is None and not kind.rpartition(".")[2][:1].isupper()
        if unknown or (found is not None and not inspect.isclass(found)):
            return f"{module}.{kind}"
    return None


def _is_registered(part: Mapping[str, Any], registered: set[str]) -> bool:
    """Whether a function is one that this program has registered itself."""
    if part["class_name"] != "function":
        return part.get("registered_name", part["class_name"]) in registered
    name = part.get("config")
    # Releases of Keras up to 3.6 leave the package out.
    return isinstance(name, str) and (
        name in registered
        or (part.get("module") == "builtins" and any(n.endswith(f">{name}") for n in registered))
    )


def _has_tensor(node: Any) -> bool:
    return any(part.get("class_name") == "__keras_tensor__" for part in _mappings(node))


def _mappings(config: Any) -> Iterator[Mapping[str, Any]]:
    """All mappings in a configuration, however deep."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
