"""Names our layers have in PyTorch states, a table per origin.

The origins are torchvision and timm where nothing else is said; both call the parts of a ResNet,
ResNeXt, Wide ResNet or DenseNet the same.
"""

from __future__ import annotations

import re

import keras

from keras_classics.core.graphs.layer_names import own_name
from keras_classics.weights.naming import Rules, by_rules

# How torchvision and timm abbreviate our kinds of layers.
KINDS = {"conv": "conv", "norm": "bn"}

RESNET: Rules = {
    r"stem_(conv|norm)": lambda kind: f"{KINDS[kind]}1",
    r"stage(\d+)_block(\d+)_(conv|norm)(\d+)": lambda s, b, kind, d: (
        f"layer{s}.{b - 1}.{KINDS[kind]}{d}"
    ),
    r"stage(\d+)_block(\d+)_shortcut_conv": lambda s, b: f"layer{s}.{b - 1}.downsample.0",
    r"stage(\d+)_block(\d+)_shortcut_norm": lambda s, b: f"layer{s}.{b - 1}.downsample.1",
    r"predictions": "fc",
}

# github.com/akamaster/pytorch_resnet_cifar10, the usual ResNets with option A.
RESNET_CIFAR: Rules = {
    **RESNET,
    r"stage(\d+)_block(\d+)_shortcut_conv": lambda s, b: f"layer{s}.{b - 1}.shortcut.0",
    r"stage(\d+)_block(\d+)_shortcut_norm": lambda s, b: f"layer{s}.{b - 1}.shortcut.1",
    r"predictions": "linear",
}

DENSENET: Rules = {
    r"stem_(conv|norm)": lambda kind: f"features.{kind}0",
    r"stage(\d+)_block(\d+)_(conv|norm)(\d+)": lambda s, b, kind, d: (
        f"features.denseblock{s}.denselayer{b}.{kind}{d}"
    ),
    r"stage(\d+)_(conv|norm)": lambda stage, kind: f"features.transition{stage}.{kind}",
    r"head_norm": "features.norm5",
    r"predictions": "classifier",
}

ALEXNET_OWT: Rules = {
    r"stage1_conv1": "features.0",
    r"stage2_conv1": "features.3",
    r"stage3_conv(\d+)": lambda depth: f"features.{2 * depth + 4}",
    r"head_dense(\d+)": lambda depth: f"classifier.{3 * depth - 2}",
    r"predictions": "classifier.6",
}

GOOGLENET: Rules = {
    r"stem_(conv|norm)(\d+)": lambda kind, depth: f"conv{depth}.{KINDS[kind]}",
    r"stage(\d+)_block(\d+)_branch(\d)_(conv|norm)(\d)": lambda s, b, branch, kind, d: (
        f"{_inception_branch(s, b, branch, d)}.{KINDS[kind]}"
    ),
    r"auxiliary(\d)_(conv|norm)1": lambda number, kind: f"aux{number}.conv.{KINDS[kind]}",
    r"auxiliary(\d)_dense": lambda number: f"aux{number}.fc1",
    r"auxiliary(\d)_predictions": lambda number: f"aux{number}.fc2",
    r"predictions": "fc",
}


def _inception_branch(stage: int, block: int, branch: int, depth: int) -> str:
    module = f"inception{stage + 2}{chr(ord('a') + block - 1)}.branch{branch}"
    # The first branch is one convolution; in the fourth, number 0 is the pool.
    return module if branch == 1 else f"{module}.{1 if branch == 4 else depth - 1}"


def vgg(model: keras.Model) -> dict[str, str]:
    """VGG with or without batch normalisation: torchvision numbers the layers in a row."""
    names = [own_name(layer.name) for layer in model.layers]
    row = [name for name in names if name.startswith("stage")]
    dense: Rules = {
        r"head_dense(\d+)": lambda d: f"classifier.{3 * d - 3}",
        "predictions": "classifier.6",
    }
    return {name: f"features.{place}" for place, name in enumerate(row)} | by_rules(dense)(model)


def squeezenet(model: keras.Model) -> dict[str, str]:
    """SqueezeNet: torchvision numbers pools and fire modules in a row, behind the stem's two."""
    parts = {"_conv": "squeeze", "_branch1_conv": "expand1x1", "_branch2_conv": "expand3x3"}
    blocks = _blocks(model)
    # Every stage begins with its pool.
    row = sorted({(stage, 0) for stage, _ in blocks} | set(blocks))
    return {"stem_conv": "features.0", "head_conv": "classifier.1"} | {
        f"stage{stage}_block{block}{ours}": f"features.{place}.{theirs}"
        for place, (stage, block) in enumerate(row, start=2)
        for ours, theirs in parts.items()
    }


def squeezenet_caffe(model: keras.Model) -> dict[str, str]:
    """SqueezeNet as its authors' compressed network names it."""
    parts = {"_conv": "1x1_1", "_branch1_conv": "1x1_2", "_branch2_conv": "3x3_2"}
    return {"stem_conv": "conv1", "head_conv": "conv_final"} | {
        f"stage{stage}_block{block}{ours}": f"fire{number}/conv{theirs}"
        for number, (stage, block) in enumerate(_blocks(model), start=2)
        for ours, theirs in parts.items()
    }


def inception_v4(model: keras.Model) -> dict[str, str]:
    """Inception-v4: timm numbers the stem's convolutions and all modules in a row."""
    blocks = [f"stem_block{block}" for block in (1, 2, 3)]
    blocks += [f"stage{stage}_block{block}" for stage, block in _blocks(model)]
    names = _branches(model, {x: f"features.{place}" for place, x in enumerate(blocks, start=3)})
    for ours, theirs in KINDS.items():
        names |= {f"stem_{ours}{depth}": f"features.{depth - 1}.{theirs}" for depth in (1, 2, 3)}
        # Modules whose other branch is a pool.
        names[f"stem_block1_branch2_{ours}1"] = f"features.3.conv.{theirs}"
        names[f"stem_block3_branch1_{ours}1"] = f"features.5.conv.{theirs}"
    # The blocks C fork at the end of two branches, and are written differently for it.
    forks = {"1.0": "1_0", "1.1": "1_1a", "1.2": "1_1b"}
    forks |= {"2.0": "2_0", "2.1": "2_1", "2.2": "2_2", "2.3": "2_3a", "2.4": "2_3b"}
    for ours, theirs in names.items():
        if ours.startswith("stage3_block") and not ours.startswith("stage3_block1_"):
            fork = re.compile(r"branch([12]\.\d)")
            names[ours] = fork.sub(lambda found: f"branch{forks[found[1]]}", theirs)
    return names | {"predictions": "last_linear"}


def inception_resnet_v2(model: keras.Model) -> dict[str, str]:
    """Inception-ResNet-v2 as released, in timm's names."""
    origins = {1: ("mixed_5b", "repeat"), 2: ("mixed_6a", "repeat_1"), 3: ("mixed_7a", "repeat_2")}
    modules = {
        f"stage{stage}_block{block}": mixed if block == 1 else f"{repeated}.{block - 2}"
        for stage, block in _blocks(model)
        for mixed, repeated in [origins.get(stage, ("", ""))]
    }
    # The last block C, without a rectifier, stands alone.
    modules |= {last: "block8" for last in list(modules)[-1:]}
    names = _branches(model, modules)
    names |= {f"{ours}_conv": f"{theirs}.conv2d" for ours, theirs in modules.items()}
    # The numbers our stem leaves out are its pool's.
    stem = {1: "1a", 2: "2a", 3: "2b", 5: "3b", 6: "4a"}
    for ours, theirs in KINDS.items():
        names |= {f"stem_{ours}{own}": f"conv2d_{place}.{theirs}" for own, place in stem.items()}
        names[f"stage3_{ours}1"] = f"conv2d_7b.{theirs}"
    return names | {"predictions": "classif"}


def _blocks(model: keras.Model) -> list[tuple[int, int]]:
    """Numbers of stage and block of all blocks, in order."""
    found = [re.match(r"stage(\d+)_block(\d+)", own_name(layer.name)) for layer in model.layers]
    return sorted({(int(x[1]), int(x[2])) for x in found if x})


def _branches(model: keras.Model, modules: dict[str, str]) -> dict[str, str]:
    """Layers of parallel branches; in a branch of one layer timm does not number it."""
    own = {own_name(layer.name) for layer in model.layers}
    names = {}
    for name in own:
        found = re.fullmatch(r"(\w+_block\d+)_branch(\d)_(conv|norm)(\d)", name)
        if found and found[1] in modules:
            block, branch, kind, depth = found[1], int(found[2]), found[3], int(found[4])
            alone = depth == 1 and f"{block}_branch{branch}_conv2" not in own
            place = f"branch{branch - 1}" if alone else f"branch{branch - 1}.{depth - 1}"
            names[name] = f"{modules[block]}.{place}.{KINDS[kind]}"
    return names


NAMINGS = (
    by_rules(RESNET),
    RESNET_CIFAR_NAMING := by_rules(RESNET_CIFAR),
    by_rules(DENSENET),
    by_rules(ALEXNET_OWT),
    GOOGLENET_NAMING := by_rules(GOOGLENET),
    vgg,
    squeezenet,
    squeezenet_caffe,
    inception_v4,
    inception_resnet_v2,
)

# Epsilon of batch normalisation, which no state holds: PyTorch's default, and the authors' own.
USUAL_EPSILON = 1e-5
EPSILONS = {GOOGLENET_NAMING: 1e-3, inception_v4: 1e-3, inception_resnet_v2: 1e-3}
