"""Folders of pictures with boxes, written as others write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def picture(path: Path, height: int = 20, width: int = 30, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), "uint8")
    Image.fromarray(pixels).save(path)
    return path


def voc_object(name, xmin, ymin, xmax, ymax, more=""):
    return (
        f"<object><name>{name}</name>{more}<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin>"
        f"<xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>"
    )


def voc(folder: Path, objects: dict[str, str], *, head="", encoding="utf-8", size=(20, 30)) -> Path:
    """A devkit of PASCAL VOC with one XML of each picture."""
    for number, (stem, content) in enumerate(objects.items()):
        picture(folder / "JPEGImages" / f"{stem}.png", seed=number)
        sides = f"<size><width>{size[1]}</width><height>{size[0]}</height></size>"
        text = f"{head}<annotation><filename>{stem}.jpg</filename>{sides}{content}</annotation>"
        file = folder / "Annotations" / f"{stem}.xml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode(encoding))
    return folder


def several(content: str, count: int = 6) -> dict[str, str]:
    return {f"p{number}": content for number in range(count)}
