"""The settings of `segmentation.py`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras_classics as kc

SCENES_DATA = {"train": 1600, "validation": 150, "test": 300}
# Readers of boxes that give masks when they are told to.
MASKED = ("voc", "coco", "tfds")
flag = kc.jobs.flag


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """Their defaults are the scenes."""

    data: str = flag("scenes", "scenes, masks:FOLDER, camvid:FOLDER, cityscapes:FOLDER, "
        "voc:FOLDER, coco:JSON, tfds:NAME")  # fmt: skip
    epochs: int = flag(6, "epochs in all", may_change=True, verbs=("train", "compare"))
    batch_size: int = flag(8, "pictures in a batch")
    learning_rate: float = flag(4e-3)
    image_size: int | None = flag(None, "side that pictures are resized to; by default they stay "
        "as they are")  # fmt: skip
    crop: int | None = flag(None, "side of what is cut out for training; whole pictures by default")
    scales: list[float] = flag(lambda: [1.0, 1.0], "least and greatest factor of training pictures")
    mirror: bool = flag(True, "mirror every second training picture")
    model: str = flag("resnet_18", "catalogue name of the classifier, or a .keras file")
    model_options: dict = flag(lambda: {"width": 0.25}, "arguments of its builder")
    stride: int = flag(8, "of the finest map that is scored: 32, 16 or 8")
    upsampling: str = flag("learned", "which enlargements of scores learn: all, those between "
        "maps, none", choices=("learned", "between", "fixed"))  # fmt: skip
    start_from: Path | None = flag(None, "folder of a finished run whose weights it goes on from: "
        "FCN-16s from FCN-32s, FCN-8s from that, CRF-RNN from FCN-8s")  # fmt: skip
    scaled_skips: bool = flag(False, "scale skips down, as the paper for training at once")
    crf: bool = flag(False, "a random field over it, trained with it (CRF-RNN)")
    colour_width: float = flag(13.0, "of the field's colours, of 0 to 255",
        when={"crf": [True]})  # fmt: skip
    balance: float = flag(0.0, "how much more rare classes weigh: 0 for all alike, 1 for median "
        "frequency balancing, 0.5 for its roots")  # fmt: skip
    judged: str = flag("test", "split that figures are of; a folder without one has a tenth of its "
        "training pictures as test", choices=("test", "validation"),
        verbs=["evaluate"])  # fmt: skip
    pictures: int = flag(8, "pictures drawn beside the truth", verbs=["evaluate"])
    seeds: int = flag(3, "trainings of each kind", verbs=["compare"])
    further_epochs: int = flag(2, "epochs in which CRF-RNN goes on from FCN-8s, at a tenth of the "
        "rate, and FCN-8s as long without it", verbs=["compare"])  # fmt: skip
