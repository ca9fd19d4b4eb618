"""A PyTorch state small enough to read, and the model it fits."""

import numpy as np

ARGUMENTS = {"width": 0.125, "repeats": (1,), "classes": 5, "input_shape": (32, 32, 3)}


def small_state():
    """A state in torchvision's names for `resnet_18` with `ARGUMENTS`."""
    draw = np.random.default_rng(0)
    names = {"conv1": (8, 3, 7, 7), "layer1.0.conv1": (8, 8, 3, 3), "layer1.0.conv2": (8, 8, 3, 3)}
    state = {f"{name}.weight": draw.normal(size=shape) for name, shape in names.items()}
    for norm in ("bn1", "layer1.0.bn1", "layer1.0.bn2"):
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{norm}.{part}"] = draw.uniform(size=8)
    return state | {"fc.weight": draw.normal(size=(5, 8)), "fc.bias": draw.normal(size=5)}
