"""The callback that shows which pixels move a classifier's answer while it learns."""

from __future__ import annotations

import numpy as np

from keras_classics.analysis.drawing.pages import beside, enlarged, overlay
from keras_classics.analysis.maps.saliency import Saliency
from keras_classics.callbacks.classifier_pictures import ClassifierPictures

# Share of a picture's pixels that may be brighter than the brightest shown: a few large gradients
# would leave all others dark.
CLIPPED = 0.01


class Gradients(ClassifierPictures):
    """Saliency of a few fixed pictures, as training goes on: `kc.analysis.saliency`.

    Of every pixel it is the gradient of the class's logit, the largest magnitude of the colours;
    not of the loss, whose gradient vanishes once the answer is right. Every page has each picture
    beside its map, under the true class and the model's answer. The brightest hundredth of a map's
    pixels is shown alike.

    Args:
        images: As for `kc.callbacks.GradCAM`, like all arguments.
        folder: See there.
        labels: See there.
        classes: See there.
        **arguments: `of`, `pictures`, `columns`, `every_epochs`, `every_steps`, `tensorboard`,
            `model`.

    Raises:
        InputError: As `kc.callbacks.GradCAM`.
    """

    kind = "gradients"

    def explainer(self) -> Saliency:
        """The map, compiled."""
        return Saliency(self.explained)

    def pairs(self, maps: np.ndarray) -> list[np.ndarray]:
        """Pictures and maps."""
        pictures = enlarged(self.pictures)
        dark, shown = np.zeros_like(pictures), scaled_to_brightest(maps)
        return beside(pictures, overlay(dark, shown, strength=1.0, colours="inferno"))

    def heading(self) -> str:
        """What the maps are."""
        return f"What moves the logit of the {self.of} (saliency)"


def scaled_to_brightest(maps: np.ndarray) -> np.ndarray:
    """Each map from 0 to 1, which its brightest hundredth reaches; a map of zeros stays."""
    highest = np.quantile(maps, 1.0 - CLIPPED, axis=(1, 2), keepdims=True)
    return np.minimum(maps / np.where(highest > 0, highest, 1.0), 1.0)
