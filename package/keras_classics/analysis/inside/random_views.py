"""Images seen shifted, turned and zoomed at random, on every backend alike.

Which four pixels a pixel is seen from, and in which shares, is the same for all images of a step;
so it is computed here, and the images are looked up by it.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from keras_classics.core.types import Tensor


def random_view(
    draw: np.random.Generator, size: tuple[int, ...], shift: float, turn: float, zoom: float
) -> tuple[np.ndarray, np.ndarray]:
    """From which pixels every pixel of a view is seen.

    Args:
        draw: What draws.
        size: Height and width of the images, and whatever else.
        shift: Greatest shift in pixels, either way; whole pixels, which blur nothing.
        turn: Greatest turn about the middle, in degrees.
        zoom: Greatest change of size.

    Returns:
        int32 `(4, height * width)`, the pixels, and float32 shares of the same shape, 0 outside.
    """
    angle = np.deg2rad(draw.uniform(-1, 1) * turn)
    scale = 1 + draw.uniform(-1, 1) * zoom
    moved = np.round(draw.uniform(-1, 1, 2) * shift)
    cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
    height, width = size[:2]
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    places = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1)
    places = places.reshape(-1, 2) - middle
    places = places @ np.array([[cosine, -sine], [sine, cosine]]) + middle + moved
    corner = np.floor(places)
    pixels, shares = [], []
    for step in ((0, 0), (0, 1), (1, 0), (1, 1)):
        own = (corner + step).astype("int64")
        share = (1 - np.abs(places - own)).prod(axis=1)
        inside = ((own >= 0) & (own < (height, width))).all(axis=1)
        rows, columns = own.clip(0, (height - 1, width - 1)).T
        pixels.append(rows * width + columns)
        shares.append(np.where(inside, share, 0))
    return np.stack(pixels).astype("int32"), np.stack(shares).astype("float32")


def seen_in(view: list[Tensor], images: Tensor, middle: Tensor) -> Tensor:
    """Images as they are seen in a view, grey where they are not.

    Args:
        view: Pixels and shares, of `random_view`.
        images: `(batch, height, width, channels)`.
        middle: Grey, of a shape that broadcasts.
    """
    pixels, shares = view
    away = ops.reshape(images - middle, (images.shape[0], -1, images.shape[-1]))
    seen = sum(ops.take(away, pixels[n], axis=1) * shares[n][None, :, None] for n in range(4))
    return ops.reshape(seen, images.shape) + middle
