"""The command line of `explain.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import keras_classics as kc

# Without an engine; a test holds them against `kc.analysis.MAP_METHODS`.
METHODS = (
    "all", "cam", "grad_cam", "grad_cam_sum", "grad_cam_plus_plus",
    "grad_cam_plus_plus_normalized", "layer_cam", "hires_cam", "xgrad_cam", "eigen_cam",
    "score_cam", "guided_grad_cam", "saliency", "smooth_grad", "integrated_gradients", "deconvnet",
    "occlusion", "rise",
)  # fmt: skip
PIXELS = ("caffe", "tf", "torch", "raw", "unit")


def parse(argv: Sequence[str] | None, about: str | None) -> argparse.Namespace:
    """The command line.

    Args:
        argv: The arguments; those of the process by default.
        about: Stands above the help.
    """
    parser = kc.cli.Parser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--version", action="version", version=f"keras-classics {kc.__version__}")
    add("images", nargs="*", type=Path, metavar="IMAGE", help="pictures to explain")
    add("--model", metavar="NAME|PATH", help="a name of keras-classics list, a .keras file, or the "
        "folder of a run of classification.py")  # fmt: skip
    add("--weights", default="imagenet", help="of a NAME: imagenet, or a file (.pth, .safetensors, "
        ".npz, .h5, .keras)")  # fmt: skip
    add("--model-options", type=kc.cli.key_values, nargs="+", default=[], metavar="KEY=VALUE",
        help="arguments of the NAME's builder")  # fmt: skip
    add("--image-size", type=int, help="side of the NAME's input; its own by default")
    add("--pixels", choices=PIXELS, help="what the network was trained to see, where neither a run "
        "nor published weights say so")  # fmt: skip
    add("--classes", type=Path, help="text file with the name of each class in a line")
    add("--method", nargs="+", default=None, choices=METHODS,
        help="grad_cam by default; all with --evaluate and in the whole job")  # fmt: skip
    add("--target", nargs="+", metavar="CLASS", help="names or numbers of the classes to explain; "
        "by default the most probable")  # fmt: skip
    add(
        "--top",
        type=kc.cli.positive,
        default=1,
        help="explain so many of the most probable classes",
    )
    add("--layer", help="where the maps are read; the last with an extent by default")
    add(
        "--picture", type=_picture, default="maps.png", help="file of the maps in OUT, .png or .jpg"
    )
    add("--evaluate", action="store_true", help="score the methods against the boxes of scenes")
    add("--data-options", type=kc.cli.key_values, nargs="+", default=[], metavar="KEY=VALUE",
        help="of the scenes; by default those of the training, with objects=(2,2)")  # fmt: skip
    add("--count", type=kc.cli.positive, default=100, help="scenes to evaluate on")
    add(
        "--steps",
        type=kc.cli.positive,
        default=16,
        help="steps of the deletion and insertion curves",
    )
    add("--seed", type=int, default=0)
    add("--out", default="runs/explain", help="folder of the results")

    options = parser.parse_args(argv)
    options.data_options = dict(options.data_options)
    options.model_options = dict(options.model_options)
    return options


def _picture(text: str) -> str:
    if Path(text).suffix not in (".png", ".jpg"):
        raise argparse.ArgumentTypeError(f"{text!r} ends in neither .png nor .jpg")
    return text
