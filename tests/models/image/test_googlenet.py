"""GoogLeNet: the lecture's multiply-adds, the paper's modules, the options' counts, two more heads."""

import keras
import numpy as np
import pytest

import keras_classics as kc


def test_reductions_cost_a_third_of_the_naive_module():
    image = keras.Input((28, 28, 256))
    naive = keras.Model(image, kc.models.naive_inception_module(image, (128, 192, 96)))
    assert naive.output_shape == (None, 28, 28, 672)
    assert kc.analysis.multiply_adds(naive) == 854_196_224
    reduced = keras.Model(image, kc.models.inception_module(image, (128, 64, 192, 64, 96, 64)))
    assert reduced.output_shape == (None, 28, 28, 480)
    # A well-known slide says 358 million: a slip.
    assert kc.analysis.multiply_adds(reduced) == 271_351_808


def test_modules_have_the_papers_sizes_and_costs():
    model = kc.models.GoogLeNet()
    rows = kc.analysis.costs(model)
    costs = [
        (
            sum(row.parameters for row in rows if row.name.startswith(name)),
            sum(row.multiply_adds for row in rows if row.name.startswith(name)),
        )
        for name in ("stage1_block1", "stage2_block1", "stage2_block5", "stage3_block2")
    ]  # fmt: skip
    assert costs == [
        (163_696, 128_049_152), (376_176, 73_608_192), (868_352, 169_996_288),
        (1_444_080, 70_697_984),
    ]  # fmt: skip
    outs = [model.get_layer(f"stage{stage}_out").output.shape[1:] for stage in (1, 2, 3)]
    assert outs == [(28, 28, 480), (14, 14, 832), (7, 7, 1024)]


@pytest.mark.parametrize(
    ("name", "arguments", "parameters", "multiply_adds"),
    [
        ("googlenet", {"auxiliary": True}, 13_378_280, 1_582_671_872 + 4_169_728 + 4_202_496),
        ("googlenet", {"batch_norm": True}, 7_005_832, 1_582_671_872),
        ("googlenet", {"batch_norm": True, "five_by_five": "3x3"}, 6_624_904, 1_498_376_192),
        ("googlenet_bn", {"auxiliary": True}, 13_004_888, 1_498_376_192 + 4_169_728 + 4_202_496),
    ],
)
def test_options_change_the_counts_as_computed(name, arguments, parameters, multiply_adds):
    model = kc.create_model(name, **arguments)
    assert kc.analysis.trainable_parameters(model) == parameters
    assert kc.analysis.multiply_adds(model) == multiply_adds


def test_auxiliary_heads_train_and_leave_the_main_one_alone():
    keras.utils.set_random_seed(0)
    small = {"width": 0.1, "input_shape": (79, 79, 3), "classes": 4}
    model = kc.models.GoogLeNet(auxiliary=True, **small)
    assert model.output_shape == [(None, 4)] * 3
    x = np.random.default_rng(0).normal(size=(4, 79, 79, 3)).astype("float32")
    y = np.arange(4)
    before = model.get_layer("auxiliary1_dense").get_weights()[0]
    model.compile("sgd", ["sparse_categorical_crossentropy"] * 3, loss_weights=[1, 0.3, 0.3])
    model.train_on_batch(x, [y, y, y])
    assert not np.array_equal(before, model.get_layer("auxiliary1_dense").get_weights()[0])
    # After training the heads are dropped: the same network without them.
    alone = kc.models.GoogLeNet(**small)
    for layer in alone.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights())
    np.testing.assert_allclose(alone(x), model(x)[0], rtol=1e-5)


def test_auxiliary_heads_are_normalised_where_the_network_is():
    def heads(**arguments):
        small = {"width": 0.1, "input_shape": (79, 79, 3)}
        model = kc.models.GoogLeNet(auxiliary=True, **small, **arguments)
        return {layer.name for layer in model.layers if layer.name.startswith("auxiliary")}

    assert not any("norm" in name for name in heads())
    assert {"auxiliary1_norm1", "auxiliary2_norm1"} <= heads(batch_norm=True)


def test_auxiliary_pooling_of_googlenet_bn_is_torchvisions():
    torch = pytest.importorskip("torch")
    layer = kc.models.GoogLeNetBN(auxiliary=True, width=0.1).get_layer("auxiliary1_pool")
    x = np.random.default_rng(0).normal(size=(2, 14, 14, 3)).astype("float32")
    expected = torch.nn.functional.adaptive_avg_pool2d(
        torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), 4
    )
    np.testing.assert_allclose(layer(x), expected.numpy().transpose(0, 2, 3, 1), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"auxiliary": True, "include_top": False, "input_shape": (96, 96, 3)},
            "include_top=False",
        ),
        ({"auxiliary": True, "input_shape": (78, 96, 3), "width": 0.1}, "at least 79"),
        ({"auxiliary": True, "input_shape": (None, None, 3)}, "known height and width"),
        ({"five_by_five": "7x7"}, "five_by_five='7x7'"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kc.models.GoogLeNet(**arguments)
