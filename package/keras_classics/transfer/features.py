"""The feature pyramid of any model: its maps by level or by layer, as a model of their own."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import functional, numbered_paths
from keras_classics.core.graphs.layer_names import own_name
from keras_classics.core.graphs.trunk import levels_of
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.types import Tensor


@deep_graphs()
@checked
def features(model: keras.Model, levels: Sequence[str] = ("P3", "P4", "P5")) -> keras.Model:
    """A model that gives feature maps of another, with its weights.

    Level `Pn` is the last map at stride 2^n that the whole network passes through before its head:
    one step in it is 2^n pixels of the picture, so its size is the picture's divided by 2^n,
    rounded as the network's own padding rounds. In a network of blocks it is the end of the last
    block at this stride (`stage1_out` of a ResNet-50 is `P2`), not what the next stage does to it
    before it takes its step; in a plain network it is the last layer (`stage4_relu3` of a VGG-16 is
    `P3`; the pools are there as `stage3_out`). Levels are found by arithmetic on the graph and by
    the layers' names, so models loaded from a file have them too, at sizes known and unknown.

    Args:
        model: A functional or built sequential model, of the catalogue or not; never changed.
        levels: Levels (`"P0"`, `"P1"`, ...) or names of layers, in any mixture. The calls of a
            layer that is called again are numbered: `"conv(0)"`, `"conv(1)"`.

    Returns:
        A model from `model`'s input to a dict of maps `(batch, height, width, channels)` by the
        names in `levels`. It shares the layers of `model`.

    Raises:
        InputError: The model has not all of the levels; those it has are listed.

    Example:
        ```python
        model = kc.models.VGG11(include_top=False, input_shape=(None, None, 3), width=0.125)
        maps = kc.transfer.features(model, ("P2", "P3"))(np.zeros((1, 64, 96, 3)))
        maps["P3"].shape  # (1, 8, 12, 64)
        ```
    """
    levels = (levels,) if isinstance(levels, str) else tuple(levels)
    model = functional(model)
    pyramid = {level: point.tensor for level, point in levels_of(model).items()}
    known = layer_outputs(model) | pyramid
    missing = [level for level in levels if level not in known]
    near = difflib.get_close_matches(str(missing[0]), known, n=3, cutoff=0.6) if missing else []
    if missing or not levels:
        raise InputError(
            f"The levels {list(levels)} were asked of {model.name!r}, "
            f"which has no {', '.join(map(repr, missing or ['such']))}",
            f"its levels ({', '.join(pyramid) or 'none: it has no feature maps'}) and the "
            "names of its layers",
            f"Did you mean {' or '.join(map(repr, sorted(near)))}?"
            if near
            else "Leave the others out, or see the layers in model.summary().",
        )
    outputs = {level: known[level] for level in levels}
    return keras.Model(model.input, outputs, name=f"{model.name}_features")


def layer_outputs(model: keras.Model) -> dict[str, Tensor]:
    """Outputs of the layers by name; the calls of a layer that is called again are numbered.

    Those of a model that was joined with others answer to their own names too, where no other layer
    is called so.
    """
    outputs = {
        name: place[-1].outputs[0]
        for place, name in numbered_paths(model.outputs).items()
        if len(place) == len(place[-1].outputs) == 1
    }
    return {own_name(name): tensor for name, tensor in outputs.items()} | outputs
