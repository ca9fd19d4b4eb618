"""Which part of a model learns: its groups of layers, and freezing up to a place."""

from __future__ import annotations

import difflib
import re

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import ancestry, check_functional, has_graph
from keras_classics.core.graphs.layer_names import own_name
from keras_classics.core.graphs.trunk import HEAD, levels_of
from keras_classics.core.keras_internals import layers_within
from keras_classics.transfer.features import layer_outputs


@checked
def layer_groups(model: keras.Model) -> dict[str, list[keras.layers.Layer]]:
    """The layers in groups from input to output: stem, stages, head.

    For learning rates by depth and for gradual unfreezing.

    Args:
        model: A model whose layers have the catalogue's names, built or loaded from a file.

    Returns:
        Lists of layers by group: `"stem"` with everything before the first stage, `"stage1"`, ...,
        `"head"` with auxiliary classifiers and everything behind the last stage.

    Raises:
        InputError: No layer has such a name.

    Example:
        ```python
        model = kc.models.VGG11(classes=10, input_shape=(32, 32, 3), width=0.125)
        names = list(kc.transfer.layer_groups(model))  # ["stem", "stage1", ..., "stage5", "head"]
        for name in reversed(names[:-1]):  # the head learns, then stage5 too, ...
            kc.transfer.freeze(model, until=name)
            ...  # compile and fit
        ```
    """
    check_functional(model)
    groups: dict[str, list[keras.layers.Layer]] = {}
    current = "stem"
    for layer in model.layers:
        if found := re.match(r"stem|stage\d+|head", own_name(layer.name)):
            own = current = found[0]
        else:
            # Foreign layers, such as preprocessing, belong to what stands before them.
            own = "head" if HEAD.match(own_name(layer.name)) else current
        groups.setdefault(own, []).append(layer)
    if groups.keys() <= {"stem"}:
        raise InputError(
            f"The layers of {model.name!r} are not named by stages",
            "models of the catalogue",
            "Freeze it up to a layer's name instead.",
        )
    return {name: groups[name] for name in sorted(groups, key=_place)}


@checked
def freeze(
    model: keras.Model, until: str | int | None = None, *, batch_norm: bool = False
) -> keras.Model:
    """Keep the weights of the first layers as they are, and let all others learn.

    A frozen batch normalisation also uses, and keeps, its moving statistics. Compile the model
    afterwards: Keras reads at compilation what is to be trained.

    Args:
        model: A functional or built sequential model; its layers' `trainable` is set anew, whatever
            it was, and that of layers within nested models.
        until: The last thing frozen: a group of `layer_groups` by name or number (0 the first, -1
            the last), a level (`"P3"`), or a layer with all it depends on. Everything before the
            head by default.
            A layer within a nested model is meant by its path (`"backbone/stage3_out"`).
        batch_norm: Freeze the batch normalisations behind `until` too, those within nested models
            and other layers among them, as suits small batches.

    Returns:
        `model`.

    Raises:
        InputError: There is no such group, level or layer; near names are listed.

    Example:
        ```python
        model = kc.models.VGG11(classes=10, input_shape=(32, 32, 3), width=0.125)
        kc.transfer.freeze(model, until="stage3")  # or a level, a layer, a number
        model.compile("adam", "sparse_categorical_crossentropy")
        model.get_layer("stage3_conv2").trainable, model.get_layer("stage4_conv1").trainable
        # (False, True)
        ```
    """
    check_functional(model)
    frozen = _until(model, until)
    if batch_norm:
        norms = [x for x in layers_within(model) if isinstance(x, layers.BatchNormalization)]
        frozen += norms
    for layer in layers_within(model):
        layer.trainable = True
    for layer in frozen:
        layer.trainable = False
    return model


def _until(model: keras.Model, until: str | int | None) -> list[keras.layers.Layer]:
    if isinstance(until, str) and "/" in until:
        return _until_within(model, until)
    if not isinstance(until, str):
        return _first_groups(model, until)
    outputs = layer_outputs(model)
    # All calls of a layer that is called again.
    called = [name for name in outputs if name == until or re.sub(r"\(\d+\)$", "", name) == until]
    if called:
        tensors = [outputs[name] for name in called]
    elif point := levels_of(model).get(until):
        tensors = [point.tensor]
    elif re.fullmatch(r"stem|stage\d+|head", until) and until in layer_groups(model):
        return _first_groups(model, list(layer_groups(model)).index(until))
    else:
        raise _unknown(model, until, [*outputs, *levels_of(model)])
    before = {id(node.operation) for node in ancestry(tensors)}
    return [layer for layer in model.layers if id(layer) in before]


def _until_within(model: keras.Model, path: str) -> list[keras.layers.Layer]:
    """All that comes before a layer of a nested model, there and around it."""
    name, _, rest = path.partition("/")
    nested = next((each for each in model.layers if each.name == name and has_graph(each)), None)
    if nested is None:
        raise _unknown(model, path, [])
    around = [layer for layer in _until(model, name) if layer is not nested]
    return around + _until(nested, rest)


def _first_groups(model: keras.Model, last: int | None) -> list[keras.layers.Layer]:
    groups = layer_groups(model)
    if last is None:
        return [layer for name, group in groups.items() if name != "head" for layer in group]
    if not -len(groups) <= last < len(groups):
        raise _unknown(model, last, [])
    first = list(groups.values())[: last % len(groups) + 1]
    return [layer for group in first for layer in group]


def _unknown(model: keras.Model, until: str | int, known: list[str]) -> InputError:
    try:
        groups = list(layer_groups(model))
    except InputError:
        groups = []
    near = difflib.get_close_matches(str(until), [*groups, *known], n=3, cutoff=0.5)
    numbered = f"a group ({', '.join(groups)}) by name or number from 0 to {len(groups) - 1}, "
    levels = ", ".join(levels_of(model)) or "it has none"
    return InputError(
        f"until={until!r} was given, which {model.name!r} has not",
        f"{numbered if groups else ''}a level ({levels}), or a layer's name",
        f"Did you mean {' or '.join(map(repr, near))}?" if near else "See model.summary().",
    )


def _place(group: str) -> tuple[int, int]:
    order = {"stem": 0, "stage": 1, "head": 2}
    kind = group.rstrip("0123456789")
    return order[kind], int(group.removeprefix(kind) or 0)
