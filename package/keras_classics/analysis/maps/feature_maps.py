"""The feature maps of a model's layers, nested ones too, as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_classics.analysis.maps.explainer import Explainer, Score, Step
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.capture import TRIMMING, Capture
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.graphs.graph import Place


class FeatureMaps(Explainer):
    """What some layers give: compiled at the first call, with the weights as they are at each.

        feature_maps = kc.analysis.FeatureMaps(model)
        for layer, maps in zip(feature_maps.layers, feature_maps(images)): ...

    Args:
        model: A functional or built sequential model, only read.
        layers: Their names, or paths (`"backbone/stage4_out"`) in a nested model. By default the
            last map of each size, pools and paddings aside: the ends of the stages.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is the image, see `cam`; maps of the others have no say.

    Attributes:
        layers: The paths of the layers.

    Raises:
        InputError: The model or a layer has no feature map.
    """

    @checked
    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[str] | None = None,
        batch_size: int = 32,
        image: int | str | None = None,
    ) -> None:
        super().__init__(model, None, batch_size, image)
        if layers is None:
            self._places = stage_ends(self.capture)
        else:
            self._places = [self.capture.place(name) for name in layers]
        self.layers = [self.capture.paths[place] for place in self._places]

    @checked
    def __call__(self, images: Any) -> list[np.ndarray]:
        """For each layer its maps, float32 `(batch, height, width, channels)`."""
        return self.explain(images)

    def check_explains(self) -> None:
        """Nothing is explained: the maps are as they are, whatever comes of them."""

    @checked
    def step(self, score: Score, image_size: tuple[int, int]) -> Step:
        """See `Explainer`."""
        return compiled_over(
            self.capture.model, lambda inputs, classes: self.capture.maps(inputs, self._places)[1]
        )


def stage_ends(capture: Capture) -> list[Place]:
    """Where the last map of each size is made, in order.

    Raises:
        InputError: The model has no feature map.
    """
    ends: dict[tuple, Place] = {}
    for place in (each for each in capture.paths if each in capture.seeing):
        node = place[-1]
        shape = node.outputs[0].shape
        # What only pools or pads adds nothing to the map before it.
        trims = isinstance(node.operation, TRIMMING) or hasattr(node.operation, "pool_size")
        if len(shape) == 4 and shape[1:3] != (1, 1) and not trims:
            # Taken out first, so that the order is that of the last.
            ends.pop(shape[1:3], None)
            ends[shape[1:3]] = place
    if not ends:
        raise InputError(
            f"{capture.model.name!r} has no feature map",
            "models with a layer whose output is (batch, height, width, channels)",
            "Feature maps need a network of convolutions.",
        )
    return list(ends.values())
