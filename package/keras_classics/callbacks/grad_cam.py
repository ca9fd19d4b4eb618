"""The callback that shows where a classifier looks while it learns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.drawing.pages import map_pairs
from keras_classics.analysis.maps.cam import normalized
from keras_classics.analysis.maps.map_methods import MAP_METHODS, MapMaker, map_explainer
from keras_classics.callbacks.classifier_pictures import ClassifierPictures
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice


class GradCAM(ClassifierPictures):
    """Class-activation maps of a few fixed pictures, as training goes on.

    Every page has each picture beside itself with its map over it, under the true class and the
    model's answer, green where it is right and red where it is wrong.

    Args:
        images: What the model takes, `(batch, height, width, channels)`; eight are a good page.
        folder: See `kc.callbacks.PictureCallback`, for `every_epochs`, `every_steps`,
            `tensorboard` and `model` too.
        labels: The true class of each, `(batch,)`.
        classes: Names of the classes; their numbers by default.
        method: One of `kc.analysis.MAP_METHODS`.
        layer: Layer whose maps are used, where the method uses any; the last feature map by
            default, see `kc.analysis.cam`.
        **arguments: `of="label"` explains the true class in place of the model's `"answer"`;
            `pictures`, uint8 `(batch, height, width, 3)` of any size, are shown in place of
            `kc.analysis.displayable(images)`; `columns` is the number of pairs in a row, 4 by
            default; and those of `kc.callbacks.PictureCallback`.

    Raises:
        InputError: An argument is not admitted, or images, labels and pictures differ in number;
            or, at the start of training, the model has no feature map or not that layer.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        model.compile("adam", "sparse_categorical_crossentropy")
        images, labels = np.zeros((8, 32, 32, 1), "float32"), np.arange(8)
        maps = kc.callbacks.GradCAM(images[:4], "maps", labels[:4])
        model.fit(images, labels, verbose=0, callbacks=[maps])  # a picture after every epoch
        ```
    """

    kind = "grad-cam"

    @checked
    def __init__(
        self,
        images: ArrayLike,
        folder: str | os.PathLike,
        labels: Sequence[int] | np.ndarray | None = None,
        classes: Sequence[str] | None = None,
        *,
        method: str = "grad_cam",
        layer: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(images, folder, labels, classes, **arguments)
        check_choice("method", method, MAP_METHODS)
        self.method = method
        self.layer = layer

    def explainer(self) -> MapMaker:
        """The map, compiled."""
        return map_explainer(self.explained, self.method, layer=self.layer)

    def pairs(self, maps: np.ndarray) -> list[np.ndarray]:
        """Pictures and overlays."""
        return map_pairs(self.pictures, normalized(maps))

    def heading(self) -> str:
        """Method and whose evidence it is."""
        return f"Evidence for the {self.of} ({self.method})"
