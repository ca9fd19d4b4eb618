"""Class-activation maps beside tf-keras-vis and pytorch-grad-cam, of one network's weights."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import CLOCKS, MEASURED, console, say_left_out, turns

# What the others have, by our names of the methods.
TF_KERAS_VIS = {
    "grad_cam": "gradcam.Gradcam",
    "grad_cam_plus_plus_normalized": "gradcam_plus_plus.GradcamPlusPlus",
    "layer_cam": "layercam.Layercam",
}
PYTORCH_GRAD_CAM = {
    "grad_cam": "GradCAM",
    "grad_cam_plus_plus": "GradCAMPlusPlus",
    "layer_cam": "LayerCAM",
    "hires_cam": "HiResCAM",
    "xgrad_cam": "XGradCAM",
}
LAYER = "stage4_out"


def maps(
    *,
    methods: Annotated[str, "our names of the methods, with commas"] = "grad_cam,layer_cam",
    size: Annotated[int, "height and width of the images"] = 224,
    batch: Annotated[int, "images of a batch"] = 16,
    repeats: Annotated[int, "turns; the fastest counts"] = 5,
) -> pd.DataFrame:
    """Milliseconds of a class-activation map of ResNet-50, enlarged to the image.

    All explain the same classes at the end of the last stage. The weights are those of
    torchvision's ResNet-50, drawn at random, where it can be imported. tf-keras-vis is wanted by
    the tests; pip install grad-cam brings pytorch-grad-cam with torchvision. "bare" is a compiled
    forward and backward pass of the same model without a map. A second row of each
    pair counts the processor's time, which other programs on the machine disturb less.
    """
    if keras.config.backend() != "tensorflow":
        raise kc.InputError(
            f"The backend is {keras.config.backend()}",
            "tensorflow, which tf-keras-vis needs",
            "Set KERAS_BACKEND=tensorflow.",
        )
    known = list(TF_KERAS_VIS | PYTORCH_GRAD_CAM)
    chosen = methods.split(",")
    if not set(chosen) <= set(known):
        raise kc.InputError(
            f"--methods {methods} was given",
            f"{', '.join(known)}, which others have too",
            "Choose from these, or leave --methods out.",
        )
    draw = np.random.default_rng(0)
    images = draw.normal(size=(batch, size, size, 3)).astype("float32")
    classes = draw.integers(0, 1000, batch).tolist()
    model = kc.create_model("resnet_50", input_shape=(size, size, 3), stride_in="3x3")
    network = torch_network(model)
    tables = []
    for method in chosen:
        explainer = kc.analysis.CAM(model, method=method, layer=LAYER, batch_size=batch)
        contenders = {
            "ours": partial(explainer, images, classes),
            "bare": bare(model, images, classes),
            **tf_keras_vis(method, model, images, classes),
            **pytorch_grad_cam(method, model, network, images, classes),
        }
        taken = turns(contenders, repeats) * 1e3 / batch
        for clock, note in CLOCKS.items():
            ours, peers = taken[clock].iloc[0], taken[clock].iloc[1:]
            peers = peers.rename_axis("beside").rename("peer").reset_index()
            tables.append(peers.assign(model=f"resnet_50, {method}{note}", ours=ours))
    setting = f"{size} x {size}, batch {batch}"
    return pd.concat(tables).assign(setting=setting, unit="ms").reindex(columns=MEASURED)


def bare(model: keras.Model, images: np.ndarray, classes: list[int]) -> Callable[[], Any]:
    """A compiled forward and backward pass to the layer and nothing else: no map, none enlarged."""
    import tensorflow as tf

    both = keras.Model(model.input, [model.get_layer(LAYER).output, model.output])

    @tf.function
    def passed(images: Any, classes: Any) -> Any:
        with tf.GradientTape() as tape:
            features, answers = both(images, training=False)
            score = tf.reduce_sum(tf.gather(answers, classes, batch_dims=1))
        return features, tape.gradient(score, features)

    given = tf.constant(images), tf.constant(classes)
    return lambda: [each.numpy() for each in passed(*given)]


def torch_network(model: keras.Model) -> Any:
    """The ResNet-50 of torchvision, with its weights in the model too; None where there is none."""
    try:
        from torchvision.models import resnet50
    except (ImportError, RuntimeError) as error:
        console.print(f"torchvision cannot be imported, and PyTorch is left out: {error}")
        return None
    network = resnet50().eval()
    kc.weights.load_torch(model, {k: v.numpy() for k, v in network.state_dict().items()})
    return network


def tf_keras_vis(
    method: str, model: keras.Model, images: np.ndarray, classes: list[int]
) -> dict[str, Callable]:
    """Their object made once, as ours; the softmax is taken off by their own modifier."""
    if method not in TF_KERAS_VIS:
        return {}
    try:
        from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
        from tf_keras_vis.utils.scores import CategoricalScore
    except ImportError:
        say_left_out("tf-keras-vis", "test")
        return {}
    module, name = TF_KERAS_VIS[method].split(".")
    kind = getattr(importlib.import_module(f"tf_keras_vis.{module}"), name)
    explainer = kind(model, model_modifier=ReplaceToLinear(), clone=True)
    place = {"penultimate_layer": LAYER, "seek_penultimate_conv_layer": False}
    theirs = partial(explainer, CategoricalScore(classes), images, **place)
    # They enlarge corner to corner, which is another picture.
    ours = kc.analysis.cam(model, images, method=method, target=classes, layer=LAYER, size=None)
    check_agreement(ours, theirs(expand_cam=False))
    return {"tf-keras-vis": theirs}


def pytorch_grad_cam(
    method: str, model: keras.Model, network: Any, images: np.ndarray, classes: list[int]
) -> dict[str, Callable]:
    """Their object made once, as ours."""
    if network is None or method not in PYTORCH_GRAD_CAM:
        return {}
    try:
        import pytorch_grad_cam as peer
    except ImportError:
        console.print("pytorch-grad-cam is not installed, and left out: pip install grad-cam")
        return {}
    import torch

    explainer = getattr(peer, PYTORCH_GRAD_CAM[method])(network, [network.layer4[-1]])
    targets = [peer.utils.model_targets.ClassifierOutputTarget(number) for number in classes]
    first = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    theirs = partial(explainer, first, targets)
    ours = kc.analysis.cam(model, images, method=method, target=classes, layer=LAYER)
    check_agreement(ours, theirs())
    return {"pytorch-grad-cam": theirs}


def check_agreement(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Refuse to time what is not the same."""
    difference = np.abs(kc.analysis.normalized(ours) - kc.analysis.normalized(theirs)).max()
    if difference > 1e-2:
        raise RuntimeError(f"The maps differ by {difference:.2g} on a scale from 0 to 1.")
