"""Fabrics: counts, a path through the trellis is a chain of convolutions, sparse is masked dense."""

import keras
import numpy as np
import pytest

import keras_classics as kc

PICTURES = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype("float32")


def small(**arguments):
    return kc.models.FabricMNIST(
        **{"depth": 4, "width": 5 / 64, "input_shape": (8, 8, 1), "classes": 4} | arguments
    )


# Depth, channels, connectivity, channels of the picture, parameters.
COUNTS = [
    (8, 64, "dense", 1, 4_512_650),
    (16, 64, "sparse", 3, 458_230),
    (9, 27, "dense", 1, 912_610),
    (9, 27, "sparse", 1, 105_310),
]


@pytest.mark.parametrize(("depth", "channels", "connectivity", "colours", "count"), COUNTS)
def test_counts(depth, channels, connectivity, colours, count):
    model = kc.models.FabricMNIST(
        depth=depth,
        width=channels / 64,
        connectivity=connectivity,
        input_shape=(32, 32, colours),
    )
    assert kc.analysis.trainable_parameters(model) == count
    inner = [layer for layer in model.layers if "_conv" in layer.name and layer.weights][1:]
    assert len(inner) == {8: 122, 9: 138, 16: 250}[depth]
    kernel = 9 * (channels**2 if connectivity == "dense" else 3 * channels - 2)
    assert {layer.count_params() for layer in inner} == {kernel + channels}


def test_scales_halve_the_picture_down_to_a_pixel():
    model = kc.models.FabricMNIST(width=0.1, depth=2)
    sides = [model.get_layer(f"stage2_block{scale}_relu").output.shape[1] for scale in range(1, 7)]
    assert sides == [32, 16, 8, 4, 2, 1]


def interleaved(x):
    spread = np.zeros((x.shape[0], 2 * x.shape[1], 2 * x.shape[2], x.shape[3]), "float32")
    spread[:, ::2, ::2] = x
    return spread


def step(model, x, node, branch):
    """One step of a chain: convolution along a branch into a node, normalisation, rectifier."""
    layer = model.get_layer(f"{node}_branch{branch}_conv" if branch else "stem_conv")
    if branch == 3:
        x = interleaved(np.asarray(x))
    if branch in (1, 4):
        x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
        x = keras.ops.conv(x, layer.kernel, 2, "valid")
    else:
        x = keras.ops.conv(x, layer.kernel, 1, "same")
    mean, variance = (np.asarray(w) for w in model.get_layer(f"{node}_norm").weights[2:])
    gamma, beta = (np.asarray(w) for w in model.get_layer(f"{node}_norm").weights[:2])
    x = (np.asarray(x) + np.asarray(layer.bias) - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    return layer, np.maximum(x, 0)


# Nodes of a path and the branch by which each is entered: 1 from the finer scale, 2 from the same,
# 3 from the coarser, 4 from the finer scale of the first or last layer itself.
PATHS = {
    "along the finest scale, then down": "11:0 21:2 31:2 41:2 42:4 43:4 44:4",
    "down, along the coarsest scale": "11:0 12:4 13:4 14:4 24:2 34:2 44:2",
    "down and up": "11:0 12:4 21:3 32:1 41:3 42:4 43:4 44:4",
    "a step at a time": "11:0 22:1 33:1 44:1",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_fabric_with_one_active_path_is_that_chain_of_convolutions(path):
    model, draw = small(), np.random.default_rng(1)
    for weight in model.weights:
        if "moving_mean" in weight.path:
            weight.assign(draw.normal(size=weight.shape) / 5)
        elif "norm" in weight.path:
            weight.assign(draw.uniform(0.5, 1.5, weight.shape))
        elif "conv" in weight.path:
            weight.assign(draw.normal(size=weight.shape) / 5)
    x, active = PICTURES, []
    for node, branch in (part.split(":") for part in PATHS[path].split()):
        layer, x = step(model, x, f"stage{node[0]}_block{node[1]}", int(branch))
        active.append(layer)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer not in active:
            layer.set_weights([np.zeros(weight.shape) for weight in layer.weights])
    features = keras.Model(model.input, model.get_layer("stage4_block4_relu").output)
    np.testing.assert_allclose(features(PICTURES), x, rtol=1e-4, atol=1e-5)
    assert np.any(x > 0)


def test_sparse_is_dense_with_a_masked_kernel():
    sparse, dense = small(connectivity="sparse"), small()
    for layer in sparse.layers:
        weights = layer.get_weights()
        if layer.name.endswith("_conv") and layer.name != "stem_conv":
            links = iter(np.moveaxis(weights[0][:, :, 0], -1, 0))
            kernel = np.zeros((3, 3, 5, 5))
            for target in range(5):
                for source in range(max(0, target - 1), min(5, target + 2)):
                    kernel[:, :, source, target] = next(links)
            assert next(links, None) is None
            weights[0] = kernel
        dense.get_layer(layer.name).set_weights(weights)
    np.testing.assert_allclose(sparse(PICTURES), dense(PICTURES), atol=1e-5)


def test_a_sparse_kernel_starts_with_the_variance_of_three_channels():
    layer = kc.models.FabricSparseMNIST(depth=1, input_shape=(2, 2, 1), width=4.0).get_layer(
        "stage1_block2_branch4_conv"
    )
    assert np.var(np.asarray(layer.kernel)) == pytest.approx(1 / 27, rel=0.1)


def test_rectangles_and_sizes_known_only_at_run_time():
    assert small(input_shape=(4, 12, 1), include_top=False).output_shape == (None, 1, 3, 5)
    model = small(input_shape=(None, None, 2), include_top=False, scales=3)
    assert model(np.zeros((1, 8, 16, 2))).shape == (1, 2, 4, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (12, 12, 1)}, r"4 scales.*multiples of 8"),
        ({"scales": 5}, "5 scales.*multiples of 16"),
        ({"scales": 0}, "scales=0.*positive"),
        ({"depth": 0}, "depth=0.*positive"),
        ({"connectivity": "banded"}, "'banded'.*'dense', 'sparse'"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)
