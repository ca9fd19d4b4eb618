"""The settings of `detection.py`."""

from __future__ import annotations

import dataclasses

import keras_classics as kc
from detectors import proposing

# What 64 x 64 pixels need: a map of every fourth, and windows as large as the shapes.
SCENES_DATA = {"train": 2000, "validation": 300, "test": 500}
SCENES = {"proposals": "grid", "sides": [12.0, 17.0, 24.0], "step": 0.27, "epochs": 8}
PHOTOGRAPHS = {"proposals": "fast", "sides": [32.0, 64.0, 128.0, 256.0], "step": 0.5, "epochs": 30}
# Deep enough that most of R-CNN's time is its trunk's, as in the papers.
# SPP-net's five scales, its 688 at 60 pixels: then all five read no more than a twentieth of the
# pixels of R-CNN's 500 regions.
FIVE = (42, 50, 60, 75, 105)
COMPARED = {"name": "resnet_20_cifar", "layer": "stage3_out", "width": 0.5}
flag = kc.jobs.flag


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """Their defaults are the scenes."""

    data: str = flag("scenes", "scenes, voc:FOLDER, coco:JSON, kitti:FOLDER, boxes:CSV, tfds:NAME")
    epochs: int | None = flag(None, "epochs in all", may_change=True,
        verbs=("train", "compare", "upsampling"))  # fmt: skip
    batch_size: int = flag(16, "pictures in a batch")
    learning_rate: float = flag(3e-3)
    image_size: int | None = flag(None, "side that pictures are resized to; by default they stay "
        "as they are where all are of one size")  # fmt: skip
    backbone: str = flag("resnet_18", "catalogue name, or a .keras file")
    backbone_options: dict = flag(lambda: {"width": 0.5}, "arguments of its builder")
    backbone_layer: str = flag("stage1_out", "layer whose map is pooled")
    bins: int = flag(7, "side of the grid that a region is pooled to")
    units: list[int] = flag(lambda: [128], "widths of the dense layers behind it")
    dropout: float = flag(0.0)
    proposals: str | None = flag(None, "windows of a grid, or selective search",
        choices=proposing.KINDS)  # fmt: skip
    least_side: float = flag(8.0, "smallest side of a proposal in pixels; 20 in the papers")
    sides: list[float] | None = flag(None, "of the windows of a grid, in pixels",
        when={"proposals": ["grid"]})  # fmt: skip
    step: float | None = flag(None, "between windows, as a share of their side",
        when={"proposals": ["grid"]})  # fmt: skip
    augment: list[str] = flag(lambda: ["flip"], "of pictures in training: some of mosaic, scale, "
        "crop, flip and colour; keras-classics draw-data shows them")  # fmt: skip
    regions: int = flag(32, "of a picture in a batch, a quarter of which show something")
    overlap: float = flag(0.3, "that two boxes of a class may have", verbs=("evaluate", "export"))
    least_score: float = flag(0.05, "of a box that counts", verbs=("evaluate", "export"))
    shown_from: float = flag(0.5, "score of a box that is drawn or told",
        verbs=("evaluate", "detect"))  # fmt: skip
    rules: str = flag("coco", "of the precision", verbs=("evaluate",),
        choices=("coco", "voc07", "voc10", "kitti", "kitti11"))  # fmt: skip
    pictures: int = flag(12, "pictures drawn", verbs=["evaluate"])
    # Of the verbs that compare.
    count: int = flag(600, "pictures that are learned from, or whose proposals are measured, at "
        "most", verbs=("compare", "upsampling", "proposals"))  # fmt: skip
    trunk: str = flag("alexnet", "of the road", verbs=("upsampling",),
        choices=("alexnet", "squeezenet"))  # fmt: skip
    trunk_width: float = flag(0.25, "factor on its filters", verbs=("upsampling",))
    factors: list[float] = flag(lambda: [1.0, 2.0, 4.0], "by which it enlarges pictures",
        verbs=("upsampling",))  # fmt: skip
    depths: list[str] = flag(lambda: ["conv3", "conv5"], "where it is cut: conv3 to conv5, or "
        "fire2 to fire9 of squeezenet", verbs=("upsampling",))  # fmt: skip
    small: float = flag(16.0, "side in pixels of the largest small object, a square",
        verbs=("upsampling",))  # fmt: skip
    compared: dict = flag(lambda: dict(COMPARED), "the trunk of all: name, layer and arguments of "
        "its builder", verbs=("compare",))  # fmt: skip
    most: int = flag(500, "proposals of a picture", verbs=("compare",))
    window: int = flag(32, "side that R-CNN warps a region to", verbs=("compare",))
    scale: int = flag(96, "shorter side that the others read a picture at", verbs=("compare",))
    scales: list[int] = flag(lambda: list(FIVE), "shorter sides that SPP-net reads a picture at in "
        "turn", verbs=("compare",))  # fmt: skip
    penalty: float = flag(1.0, "of R-CNN's regressions, chosen on test pictures of a smaller "
        "comparison; the paper has 1000, for 9,216 features", verbs=("compare",))  # fmt: skip
    tested: int = flag(200, "test pictures of it", verbs=("compare",))
    timed: int = flag(30, "of which the convolution is timed", verbs=("compare",))
