"""The callback that shows the feature maps of a network while it learns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.drawing.pages import (
    colour_table,
    displayable,
    stacked,
    tiles,
    write_picture,
)
from keras_classics.analysis.maps.feature_maps import FeatureMaps
from keras_classics.callbacks.picture_callback import PictureCallback, finite
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError


class Activations(PictureCallback):
    """Feature maps of one or a few fixed pictures, as training goes on.

    Every page has a block for each layer and in it a row for each picture: the picture, then the
    first channels, always the same ones. All maps of a block have one scale, written above it with
    the share of zeros; a channel that stays dark in every picture may have died.

    Args:
        images: What the model takes, `(batch, height, width, channels)`; one or two are a good
            page.
        folder: See `kc.callbacks.PictureCallback`, like the keyword arguments not named here.
        layers: As for `kc.analysis.FeatureMaps`: by default the last map of each size.
        channels: How many channels of each layer are shown.
        pictures: What is shown in place of `images`, as uint8 `(batch, height, width, 3)`; by
            default `kc.analysis.displayable(images)`.
        **arguments: Further arguments of `kc.callbacks.PictureCallback`.

    Raises:
        InputError: An argument is not admitted, or images and pictures differ in number; or, at
            the start of training, the model has no feature map or not those layers.
    """

    kind = "activations"

    @checked
    def __init__(
        self,
        images: ArrayLike,
        folder: str | os.PathLike,
        layers: Sequence[str] | None = None,
        *,
        channels: int = 8,
        pictures: np.ndarray | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(folder, **arguments)
        self.images = np.asarray(images)
        self.layers = layers
        self.channels = channels
        self.pictures = displayable(self.images if pictures is None else pictures)
        if channels < 1 or not len(self.images) or len(self.images) != len(self.pictures):
            raise InputError(
                f"{len(self.images)} images, {len(self.pictures)} pictures and "
                f"channels={channels} were given",
                "one image or more, one picture for each, and one channel or more",
                "Leave pictures and channels out for the default.",
            )

    def prepare(self) -> None:
        """Find and compile the layers once."""
        self._maps = FeatureMaps(self.explained, self.layers)

    def draw(self, path: Path, when: str) -> None:
        """One block for each layer."""
        blocks = [
            self._block(name, maps)
            for name, maps in zip(self._maps.layers, self._maps(self.images), strict=True)
        ]
        write_picture(path, stacked(blocks, f"Feature maps, {when}"))

    def _block(self, name: str, maps: np.ndarray) -> np.ndarray:
        shown = maps[..., : self.channels]
        painted = colour_table("viridis")[np.round(255.0 * scaled(finite(shown))).astype("uint8")]
        rows = [
            each
            for picture, channels in zip(self.pictures, painted, strict=True)
            for each in (picture, *np.moveaxis(channels, 2, 0))
        ]
        return tiles(rows, columns=1 + shown.shape[-1], heading=layer_heading(name, maps, shown))


def scaled(maps: np.ndarray) -> np.ndarray:
    """All maps together from their lowest value at 0 to their highest at 1."""
    low, high = maps.min(), maps.max()
    return (maps - low) / (high - low if high > low else 1.0)


def layer_heading(name: str, maps: np.ndarray, shown: np.ndarray) -> str:
    """Say what a block is of: the layer, its maps, the range that is shown, the share of zeros."""
    height, width, channels = maps.shape[1:]
    return (
        f"{name}: {channels} maps of {height} x {width}, shown from {shown.min():.3g} to "
        f"{shown.max():.3g}, {np.mean(maps == 0):.0%} zeros"
    )
