"""What the units of any layer give, those of the last one before they are probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras import ops

from keras_classics.core.graphs.capture import Capture
from keras_classics.core.graphs.graph import Place
from keras_classics.core.types import Tensor


def layer_outputs(
    capture: Capture,
    inputs: Sequence[Tensor],
    place: Place,
    instead: Mapping[Place, Callable[..., Any]] | None = None,
) -> Tensor:
    """What a call gives, float32; of one that makes probabilities the logits.

    Args:
        capture: The model.
        inputs: In the order of `model.inputs`.
        place: The call.
        instead: What is called in the place of other layers.
    """
    met: list[Tensor] = []

    def after(own: Place, outputs: Any) -> Any:
        if own == place:
            met.append(outputs)
        return outputs

    logits = capture.logits(inputs, after, instead)
    for end, own in zip(capture.ends, logits, strict=True):
        if end.place == place and end.linear:
            return ops.cast(own, "float32")
    return ops.cast(met[-1], "float32")
