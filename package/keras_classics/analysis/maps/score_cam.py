"""Score-CAM (Wang et al. 2020): a map counts by what the network says of the image seen through it.

Every map of the layer, enlarged to the image and scaled to 0..1, masks the image; the softmax of
the scores over the maps gives their weights. The paper subtracts the score of a black or blurred
image first, which the softmax takes out again, so it is not computed. No gradient is needed, but
as many passes as there are maps: they come in chunks, and maps that are constant, which cannot be
scaled, are left out. With few `channels` it is Faster-Score-CAM: those of the largest deviation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from keras import ops

from keras_classics.analysis.maps.cam_targets import chosen_classes
from keras_classics.analysis.maps.explainer import Score
from keras_classics.core.graphs.capture import Capture
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.graphs.graph import Place
from keras_classics.core.types import Tensor


class ScoreMaps:
    """The maps of Score-CAM of a batch, before rectification, at the layers' sizes.

    Args:
        capture: The model.
        places: Where the layers are called.
        score: What is explained.
        channels: Greatest number of maps used of a layer; None for all.
        batch_size: Greatest number of masked images that pass through the model together.
    """

    def __init__(
        self,
        capture: Capture,
        places: Sequence[Place],
        score: Score,
        channels: int | None,
        batch_size: int,
    ):
        self.image, self.places, self.channels = capture.image, places, channels
        self.batch_size = batch_size

        def look(inputs: list[Tensor], classes: Tensor) -> tuple[list[Tensor], Tensor]:
            logits, maps = capture.maps(inputs, places)
            # The class that is predicted of the whole image, not of what a mask leaves of it.
            return maps, chosen_classes(capture.class_logits(logits), classes)

        def scores(inputs: list[Tensor], classes: Tensor, maps: Tensor) -> Tensor:
            masked = [self._masked(number, x, maps) for number, x in enumerate(inputs)]
            count = maps.shape[-1]
            found = score(capture.logits(masked), ops.repeat(classes, count, axis=0))
            return ops.reshape(found, (-1, count))

        self._look = compiled_over(capture.model, look)
        self._scores = compiled_over(capture.model, scores)

    def __call__(self, inputs: list[Tensor], classes: Tensor) -> list[np.ndarray]:
        """From the model's inputs and a class for each image to a map of each layer."""
        maps, classes = self._look(inputs, classes)
        return [self._map(inputs, classes, ops.convert_to_numpy(own)) for own in maps]

    def _map(self, inputs: list[Tensor], classes: Tensor, maps: np.ndarray) -> np.ndarray:
        deviation = maps.std((1, 2))
        varies = np.ptp(maps, (1, 2)) > 0
        # The most deviating first; all that vary in any image of the batch.
        used = varies.sum(1).max()
        used = min(used, self.channels or used)
        if not used:
            return np.zeros(maps.shape[:3], "float32")
        order = np.argsort(-deviation, axis=1, kind="stable")[:, :used]
        maps = np.take_along_axis(maps, order[:, None, None], axis=3)
        scores = np.concatenate(
            [
                ops.convert_to_numpy(self._scores(inputs, classes, ops.convert_to_tensor(chunk)))
                for chunk in self._chunks(maps)
            ],
            axis=1,
        )[:, :used]
        scores = np.where(np.take_along_axis(varies, order, axis=1), scores, -np.inf)
        scores -= scores.max(1, keepdims=True, initial=-1e30)
        weights = np.exp(scores)
        weights /= np.maximum(weights.sum(1, keepdims=True), 1e-30)
        return np.einsum("bhwk,bk->bhw", maps, weights).astype("float32")

    def _chunks(self, maps: np.ndarray) -> Iterator[np.ndarray]:
        """Groups of maps of equal number, the last filled up with its last map."""
        count = maps.shape[-1]
        size = min(count, max(1, self.batch_size // len(maps)))
        for start in range(0, count, size):
            yield maps[..., np.minimum(np.arange(start, start + size), count - 1)]

    def _masked(self, number: int, values: Tensor, maps: Tensor) -> Tensor:
        """An input once for each map: the image behind its masks, anything else as it is."""
        count = maps.shape[-1]
        repeated = ops.repeat(values, count, axis=0)
        if number != self.image:
            return repeated
        size = values.shape[1:3]
        masks = ops.image.resize(maps, size, "bilinear", data_format="channels_last")
        low, high = (f(masks, (1, 2), keepdims=True) for f in (ops.min, ops.max))
        masks = (masks - low) / ops.where(high > low, high - low, 1.0)
        # (batch, height, width, maps) to (batch * maps, height, width, 1).
        masks = ops.reshape(ops.transpose(masks, (0, 3, 1, 2)), (-1, *size, 1))
        return ops.cast(ops.cast(repeated, "float32") * masks, values.dtype)
