"""Folders of pictures with masks, written as others write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from data.pictures.boxed_folders import picture


def labels(height=20, width=30, seed=0, classes=3):
    """Blocks of classes, and a row that does not count."""
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.integers(0, classes, (4, 5)), np.ones((5, 6), int))[:height, :width]
    mask[0] = 255
    return mask.astype("uint8")


def folder(path: Path, count: int = 6, masks: str = "masks") -> Path:
    for number in range(count):
        picture(path / "images" / f"p{number}.png", seed=number)
        write(path / masks / f"p{number}.png", labels(seed=number))
    return path


def write(path: Path, mask: np.ndarray, mode: str = "L", palette: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(mask)
    if mode == "P":
        image = Image.fromarray(mask, "L")
        image.putpalette(palette or bytes(range(256)) * 3)
    image.save(path)
    return path
