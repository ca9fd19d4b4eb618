"""In every family the kinds of layers stand in the order of its paper, with its constants."""

import keras
import pytest
from keras import layers

import keras_classics as kc
from models.image.test_families import SMALL

KINDS = {
    kc.layers.BinaryConv2D: "binary",
    kc.layers.CeilAveragePooling2D: "average",
    kc.layers.ConnectionTableConv2D: "table",
    kc.layers.ConvHighway: "highway",
    kc.layers.DiracConv2D: "dirac",
    kc.layers.EuclideanRBF: "rbf",
    kc.layers.FractalJoin: "join",
    kc.layers.Highway: "highway",
    kc.layers.LocalResponseNormalization: "lrn",
    kc.layers.Maxout: "maxout",
    kc.layers.NCReLU: "ncrelu",
    kc.layers.PaddedMaxPooling2D: "max",
    kc.layers.SAFPooling: "saf",
    kc.layers.StackedConv2D: "stack",
    kc.layers.StochasticDepth: "depth",
    kc.layers.TrainableSubsampling: "subsample",
    kc.layers.WeightedAggregation: "weigh",
    layers.Activation: "",
    layers.AdaptiveAveragePooling2D: "average",
    layers.Add: "add",
    layers.Average: "mean",
    layers.AveragePooling2D: "average",
    layers.BatchNormalization: "norm",
    layers.Concatenate: "concat",
    layers.Conv2D: "conv",
    layers.Dense: "dense",
    layers.Dropout: "drop",
    layers.GlobalAveragePooling2D: "overall",
    layers.GlobalMaxPooling2D: "largest",
    layers.MaxPooling2D: "max",
    layers.ReLU: "relu",
    layers.SeparableConv2D: "separable",
    # What changes no order: where values stand, and how large all of them are.
    kc.layers.CircularPadding2D: "",
    kc.layers.ZeroInterleaving2D: "",
    layers.Flatten: "",
    layers.InputLayer: "",
    layers.Rescaling: "",
    layers.Resizing: "",
    layers.ZeroPadding2D: "",
}


def words(layer):
    """The layer's kind, and its activation where it has one of its own."""
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return [KINDS[type(layer)], "" if activation == "linear" else activation]


def longest_way(model, answer=0):
    """Kinds along the longest way from the picture to an answer."""
    ways = {}
    for layer in model.layers:
        before = [ways[id(x)] for x in keras.tree.flatten(layer.input) if id(x) in ways]
        ways[id(layer.output)] = max(before, key=len, default=[]) + [layer]
    return " ".join(
        word for layer in ways[id(model.outputs[answer])] for word in words(layer) if word
    )


CONV = "conv norm relu "
PRE = "norm relu conv "
DENSE = "dense relu drop dense relu drop dense softmax"
ALL = "overall dense softmax"
BOTTLENECK = CONV + CONV + "conv norm add relu "
# Two units of two nodes each, and one that reads two.
WIRED = "relu separable norm weigh relu separable norm relu separable norm mean "

ORDERS = [
    ("lenet_5", {}, "conv scaled_tanh subsample scaled_tanh table scaled_tanh subsample "
     "scaled_tanh conv scaled_tanh dense scaled_tanh rbf softmax"),
    ("lenet_5_modern", {"subsampling": "average", "activation": None}, "conv tanh average conv tanh average conv tanh dense tanh dense softmax"),
    ("mlp_skip_mnist", {}, "dense relu dense relu dense add softmax"),
    ("perceptron", {}, "dense softmax"),
    ("alexnet", {}, 2 * "conv relu lrn max " + 3 * "conv relu " + "max " + DENSE),
    ("alexnet", {"order": "caffenet"},
     2 * "conv relu max lrn " + 3 * "conv relu " + "max " + DENSE),
    ("alexnet_owt", {}, 2 * "conv relu max " + 3 * "conv relu "
     + "max drop dense relu drop dense relu dense softmax"),
    ("zfnet", {}, 2 * "conv relu max lrn " + 3 * "conv relu " + "max " + DENSE),
    ("zfnet", {"contrast_normalization": False},
     2 * "conv relu max " + 3 * "conv relu " + "max " + DENSE),
    ("bwn_alexnet", {"dropout": 0.1}, "conv norm relu max binary norm relu max "
     + 3 * "binary norm relu " + "max " + 2 * "drop binary norm relu " + "dense softmax"),
    ("xnor_alexnet", {}, "conv norm relu max norm binary max " + 3 * "norm binary "
     + "max norm binary norm binary norm relu dense softmax"),
    ("road_alexnet", {"pooling": None}, 2 * "conv relu lrn max " + 2 * "conv relu " + "conv relu"),
    ("nin_cifar", {}, 3 * "conv relu " + "max drop " + 3 * "conv relu " + "average drop "
     + 3 * "conv relu " + "overall softmax"),
    ("nin_imagenet", {}, 2 * (3 * "conv relu " + "max ") + 3 * "conv relu " + "max drop "
     + 3 * "conv relu " + "overall softmax"),
    ("maxout_mnist", {}, 2 * "drop dense maxout " + "drop dense softmax"),
    ("maxout_cifar", {}, 3 * "drop conv maxout max " + "drop dense maxout drop dense softmax"),
    ("vgg_a_lrn", {}, "conv relu lrn max conv relu max " + 3 * "conv relu conv relu max " + DENSE),
    ("vgg_c", {}, 2 * (2 * CONV + "max ") + 3 * (3 * CONV + "max ") + DENSE),
    ("squeezenet_1_1", {}, "conv relu max conv relu conv relu concat max "
     + 2 * "conv relu conv relu concat add " + "drop conv relu overall softmax"),
    ("googlenet", {}, "conv relu max lrn conv relu conv relu lrn "
     + 3 * "max conv relu conv relu concat " + "overall drop dense softmax"),
    ("googlenet_bn", {}, CONV + "max " + 2 * CONV + 3 * ("max " + 2 * CONV + "concat ")
     + "overall drop dense softmax"),
    ("inception_v4", {}, 4 * CONV + "concat " + 4 * CONV + "concat " + CONV + "concat "
     + 3 * CONV + "concat " + 4 * CONV + "concat " + 4 * CONV + "concat overall drop dense softmax"),
    ("inception_resnet_v2_released", {}, 3 * CONV + "max " + 2 * CONV + "max "
     + 3 * CONV + "concat " + 3 * CONV + "concat conv add relu " + 3 * CONV + "concat "
     + 3 * CONV + "concat " + 3 * CONV + "concat conv add " + CONV + "overall drop dense softmax"),
    ("resnet_18", {"survival": 0.5}, CONV + "max " + 2 * (CONV + "conv norm depth add relu ") + ALL),
    ("resnet_50", {}, CONV + "max " + 3 * BOTTLENECK + ALL),
    ("resnet_20_cifar", {}, CONV + 3 * (CONV + "conv norm add relu ") + ALL),
    ("plain_20_cifar", {}, CONV + 6 * CONV + ALL),
    ("resnext_50_2x40d", {}, CONV + "max " + 2 * BOTTLENECK + ALL),
    ("wide_resnet_50_2", {}, CONV + "max " + 2 * BOTTLENECK + ALL),
    ("wide_resnet_16_8_cifar", {"dropout": 0.3},
     "conv " + 3 * (PRE + "norm relu drop conv add ") + "norm relu " + ALL),
    ("resnet_50_v2", {"stem": "norm_first"}, CONV + "max conv " + 2 * PRE + "add "
     + 2 * (3 * PRE + "add ") + "norm relu " + ALL),
    ("resnet_50_v2", {}, "conv max " + 3 * (3 * PRE + "add ") + "norm relu " + ALL),
    ("resnet_164_v2_cifar", {}, "conv " + 2 * (3 * PRE + "add ") + "norm relu " + ALL),
    ("densenet_40_k12_cifar", {"dropout": 0.2}, "conv " + PRE + "drop concat " + PRE
     + "drop average " + PRE + "drop concat norm relu " + ALL),
    ("densenet_bc_100_k12_cifar", {}, "conv " + 2 * (2 * PRE + "concat ") + PRE + "average "
     + 2 * PRE + "concat norm relu " + ALL),
    ("fractalnet_20_cifar", {}, 2 * (2 * CONV + "join " + 2 * CONV + "max join ") + ALL),
    ("fractalnet_20_cifar_1x1", {}, "conv " + 2 * CONV + "join max " + ALL),
    ("highway_10_mnist", {}, "dense relu " + 3 * "highway relu " + "dense softmax"),
    ("highway_19_cifar", {}, 2 * "drop conv relu highway relu max "
     + "drop conv relu highway relu conv relu overall drop dense softmax"),
    ("highway_conv_10_mnist", {}, "drop conv relu highway relu max drop highway relu max "
     "drop highway relu max drop dense softmax"),
    ("diracnet_18", {}, "conv norm max relu dirac norm max " + 2 * "relu dirac norm " + "relu " + ALL),
    ("diracnet_18", {"version": 1}, "conv norm max ncrelu dirac norm max "
     + 2 * "ncrelu dirac norm " + "relu " + ALL),
    ("simpnet_300k_cifar", {}, 4 * (CONV + "drop ") + CONV + "saf " + 4 * (CONV + "drop ") + CONV
     + "saf " + 2 * (CONV + "drop ") + CONV + "largest drop dense softmax"),
    ("delta_orthogonal_1250_mnist", {}, 3 * "conv tanh " + "stack tanh " + ALL),
    ("delta_orthogonal_2500_mnist", {}, 6 * "conv tanh " + ALL),
    ("randwire_small", {}, CONV + "conv norm " + 3 * WIRED + "relu " + CONV + ALL),
    ("fabric_mnist", {}, 3 * CONV + 4 * "conv add norm relu " + ALL),
    ("fabric_sparse_mnist", {}, CONV + "table norm relu " + 3 * "table add norm relu " + ALL),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "order"), ORDERS, ids=[f"{name} {options}" for name, options, _ in ORDERS]
)
def test_kinds_and_constants_are_the_papers(name, arguments, order):
    model = kc.create_model(name, **{**SMALL[name], **arguments})
    assert longest_way(model) == order
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    # Torch's constants, but of Inception's authors the epsilon.
    epsilon = 1e-3 if kc.card(name).family == "inception" or name == "googlenet_bn" else 1e-5
    assert {(norm.epsilon, norm.momentum) for norm in norms} <= {(epsilon, 0.9)}


@pytest.mark.parametrize(("name", "module"), [("googlenet", "conv relu "), ("googlenet_bn", CONV)])
def test_auxiliary_classifiers_hang_on_modules(name, module):
    arguments = {**SMALL[name], "input_shape": (96, 96, 3), "auxiliary": True}
    model = kc.create_model(
        name, **{**arguments, "modules": [[SMALL[name]["modules"][0][0]] * 4] * 3}
    )
    head = f"concat average {module}dense relu drop dense softmax"
    first, second = (longest_way(model, answer) for answer in (1, 2))
    assert first.endswith(head) and second.endswith(head)
    # Of the middle stage's modules the first and the fourth have one.
    assert second.count("concat") == first.count("concat") + 3
    rates = {x.name: x.rate for x in model.layers if isinstance(x, layers.Dropout)}
    assert rates["auxiliary1_dropout"] == rates["auxiliary2_dropout"] == 0.7


def test_no_family_is_left_out():
    tried = {kc.card(name).family for name, *_ in ORDERS}
    assert tried == {kc.card(name).family for name in kc.list_models()}
