"""The paper's numbers, scores that stay in place, pictures of any size, weights that go on."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.core.graphs.graph import ancestry
from keras_classics.core.graphs.trunk import stand_ins
from keras_classics.core.keras_internals import maker
from support import check_round_trip, undrawn


@pytest.fixture(scope="module")
def vgg():
    keras.utils.set_random_seed(0)
    return kc.models.VGG16(width=0.05, dense_units=8, classes=3, input_shape=(64, 64, 3))


@pytest.fixture(scope="module")
def paper_vgg():
    keras.utils.set_random_seed(0)
    return kc.models.VGG16(width=0.02, dense_units=4, classes=3)


def sides(model, size):
    """Heights and widths of what the layers give for pictures of a size."""
    (image,) = model.inputs
    known = stand_ins(ancestry(model.outputs), {id(image): keras.KerasTensor((1, *size, 3))})
    calls = ancestry(model.outputs)
    return {call.operation.name: known[id(call.outputs[0])].shape[1:3] for call in calls}


def test_the_papers_sizes_at_500_pixels(paper_vgg):
    found = sides(kc.models.fcn(paper_vgg, 21, 8, form="paper"), (500, 500))
    expected = {
        "stage3_out": 88, "stage4_out": 44, "stage5_out": 22, "head_score": 16,
        "head_upsample16": 34, "head_crop16": 34, "head_upsample8": 70, "head_crop8": 70,
        "head_upsample1": 568, "predictions": 500,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == {
        name: (side, side) for name, side in expected.items()
    }


@pytest.mark.parametrize(
    ("stride", "crops", "kernels"),
    [(32, [19], [64]), (16, [5, 27], [4, 32]), (8, [5, 9, 31], [4, 4, 16])],
)
def test_the_papers_crops_and_kernels_follow_from_where_units_look(
    paper_vgg, stride, crops, kernels
):
    model = kc.models.fcn(paper_vgg, 21, stride, form="paper")
    found = [layer.offset for layer in model.layers if isinstance(layer, kc.layers.CropToReference)]
    assert found == [(crop, crop) for crop in crops]
    enlarging = [layer for layer in model.layers if isinstance(layer, layers.Conv2DTranspose)]
    assert [layer.kernel_size[0] for layer in enlarging] == kernels
    # From 32 pixels on no window is cut short.
    for side in (32, 33, 75, 500):
        large = sides(model, (side, side))
        for call in ancestry(model.outputs):
            if isinstance(call.operation, kc.layers.CropToReference):
                before, reference = (large[maker(x).operation.name][0] for x in call.input_tensors)
                assert call.operation.offset[0] + reference <= before


@pytest.mark.slow
def test_the_papers_network_has_134_million_weights():
    with undrawn():
        model = kc.models.fcn(kc.models.VGG16(weights=None), 21, 32, form="paper")
    convolutions = 14_714_688 + (49 * 512 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 21
    assert model.count_params() == convolutions + 64 * 64 * 21 * 21
    assert round(convolutions / 1e6) == 134


def pools(count):
    """A backbone that only takes means: it says of a slope what it is."""
    image = keras.Input((64, 64, 3), name="image")
    x = image
    for stage in range(1, count + 1):
        x = layers.AveragePooling2D(2, name=f"stage{stage}_out")(x)
    return keras.Model(image, x)


def steps(count):
    """One that keeps every second pixel: its units look elsewhere."""
    image = keras.Input((64, 64, 3), name="image")
    x = image
    for stage in range(1, count + 1):
        start = keras.initializers.Identity()
        kernel = lambda shape, dtype=None, start=start: start(shape[2:])[None, None]  # noqa: E731
        x = layers.Conv2D(
            3, 1, 2, use_bias=False, kernel_initializer=kernel, name=f"stage{stage}_out"
        )(x)
    return keras.Model(image, x)


@pytest.mark.parametrize("backbone", [pools(3), steps(3)], ids=["pools", "steps"])
@pytest.mark.parametrize("stride", [8, 4, 2])
@pytest.mark.parametrize("upsampling", ["fixed", "learned"])
def test_a_slope_stays_the_slope_it_was_wherever_units_look(backbone, stride, upsampling):
    model = kc.models.fcn(backbone, 3, stride, upsampling=upsampling)
    parts = {layer.name: layer for layer in model.layers if layer.name.startswith("head_score")}
    assert all(np.all(np.asarray(layer.kernel) == 0) for layer in parts.values())
    for layer in parts.values():
        layer.kernel.assign(np.eye(3)[None, None] / len(parts))
    y, x = np.mgrid[:72, :80].astype("float32")
    picture = np.stack([x, y, x - y], axis=-1)[None]
    inner = (slice(None), slice(24, 40), slice(24, 48))
    np.testing.assert_allclose(model(picture)[inner], picture[inner], atol=1e-3)
    learned = {w.path.split("/")[0] for w in model.trainable_weights}
    assert any(name.startswith("head_upsample") for name in learned) == (upsampling == "learned")


@pytest.mark.parametrize("form", ["same", "paper"])
def test_pictures_of_any_size_have_an_answer_for_every_pixel(vgg, form):
    model = kc.models.fcn(vgg, 4, 8, form=form)
    assert model.output_shape == (None, None, None, 4)
    for size in ((64, 64), (65, 97), (33, 1), (40, 71)):
        assert model(np.zeros((1, *size, 3))).shape == (1, *size, 4)


def test_hidden_layers_of_the_classifier_are_taken_over(vgg):
    model = kc.models.fcn(vgg, 4, 32)
    kernel = np.asarray(vgg.get_layer("head_dense1").kernel)
    found = np.asarray(model.get_layer("head_dense1").kernel)
    assert found.shape == (2, 2, 26, 8)
    np.testing.assert_array_equal(found.reshape(kernel.shape), kernel)
    assert model.get_layer("stage3_conv1") is vgg.get_layer("stage3_conv1")


@pytest.mark.parametrize(
    ("build", "strides"),
    [
        (lambda: kc.models.ResNet18(width=0.1, include_top=False), (32, 16, 8, 4)),
        (lambda: kc.models.SqueezeNet1_0(width=0.1, input_shape=(64, 64, 3)), (16, 8, 4)),
        (lambda: kc.models.AlexNet(width=0.05, dense_units=6, classes=3), (32, 16, 8)),
        (lambda: kc.models.ResNet20CIFAR(), (4, 2, 1)),
    ],
    ids=["resnet", "squeezenet", "alexnet", "cifar"],
)
def test_any_backbone(build, strides):
    backbone = build()
    for stride in strides[1::2]:
        model = kc.models.fcn(backbone, 3, stride)
        assert model(np.zeros((1, 67, 70, 3))).shape == (1, 67, 70, 3)


def test_weights_go_on_from_stride_to_stride(vgg):
    coarse, middle, fine = (kc.models.fcn(vgg, 4, stride) for stride in (32, 16, 8))
    coarse.get_layer("head_score").kernel.assign(np.ones((1, 1, 8, 4)))
    assert kc.models.take_over(coarse, middle) == [
        "head_upsample16",
        "head_score16",
        "head_upsample1",
    ]
    assert set(kc.models.take_over(middle, fine)) == {
        "head_score8",
        "head_upsample8",
        "head_upsample1",
    }
    np.testing.assert_array_equal(fine.get_layer("head_score").kernel, np.ones((1, 1, 8, 4)))
    with pytest.raises(kc.InputError, match="No layer"):
        kc.models.take_over(kc.models.LeNet5Modern(), fine)


def test_what_is_scaled_for_training_at_once(vgg):
    model = kc.models.fcn(vgg, 4, 8, scaled_skips=True)
    assert [model.get_layer(f"head_scale{n}").scale for n in (16, 8)] == pytest.approx([1e-2, 1e-4])


def test_a_model_comes_back_from_its_file(vgg, tmp_path):
    model = kc.models.fcn(vgg, 4, 8)
    for layer in model.layers:
        if layer.name.startswith("head_score"):
            layer.kernel.assign(np.random.default_rng(0).normal(size=layer.kernel.shape))
    pictures = np.random.default_rng(0).normal(size=(2, 41, 70, 3)).astype("float32")
    loaded = check_round_trip(model, pictures, tmp_path)
    assert not np.allclose(loaded(pictures), 0)


def test_half_precision_says_what_single_says():
    pictures = np.random.default_rng(0).uniform(-300, 300, (1, 40, 40, 3)).astype("float32")
    answers = []
    for policy in ("float32", "mixed_float16"):
        keras.config.set_dtype_policy(policy)
        try:
            keras.utils.set_random_seed(0)
            model = kc.models.fcn(pools(3), 3, 4)
        finally:
            keras.config.set_dtype_policy("float32")
        for layer in model.layers:
            if layer.name.startswith("head_score"):
                layer.kernel.assign(1e3 * np.eye(3)[None, None])
        answers.append(np.asarray(model(pictures)))
        assert answers[-1].dtype == "float32" and np.isfinite(answers[-1]).all()
    assert np.abs(answers[0]).max() > 65_504
    np.testing.assert_allclose(*answers, rtol=0.01, atol=0.01 * np.abs(answers[0]).max())


def test_what_does_not_fit_is_refused(vgg):
    with pytest.raises(kc.InputError, match="stride=64.*1, 2, 4, 8, 16, 32.*stride=32"):
        kc.models.fcn(vgg, 4, 64)
    for wrong in ({"form": "valid"}, {"upsampling": "nearest"}, {"classes": 1}):
        with pytest.raises(kc.InputError, match="was given"):
            kc.models.fcn(vgg, **{"classes": 3, **wrong})
    with pytest.raises(kc.InputError, match="of one picture"):
        kc.models.fcn(kc.models.MLPMNIST(), 3)


def test_the_papers_skips_are_its_pools(paper_vgg):
    model = kc.models.fcn(paper_vgg, 21, 8, form="paper")
    read = {f"head_score{n}": model.get_layer(f"head_score{n}").input for n in (16, 8)}
    names = {name: maker(tensor).operation.name for name, tensor in read.items()}
    assert names == {"head_score16": "stage4_out", "head_score8": "stage3_out"}


def test_scores_behind_hidden_windows_stay_in_place():
    image = x = keras.Input((96, 96, 3), name="image")
    for stage in range(1, 6):
        x = layers.AveragePooling2D(2, name=f"stage{stage}_out")(x)
    x = layers.Dense(3, use_bias=False, name="hidden")(layers.Flatten()(x))
    backbone = keras.Model(image, layers.Dense(2, name="predictions")(x))
    # Of a window of 3 x 3 its middle.
    kernel = np.zeros((3, 3, 3, 3))
    kernel[1, 1] = np.eye(3)
    backbone.get_layer("hidden").kernel.assign(kernel.reshape(27, 3))
    y, x = np.mgrid[:288, :320].astype("float32")
    picture = np.stack([x, y, x - y], axis=-1)[None]
    inner = (slice(None), slice(120, 160), slice(120, 180))
    for form in ("same", "paper"):
        model = kc.models.fcn(backbone, 3, 32, form=form)
        model.get_layer("head_score").kernel.assign(np.eye(3)[None, None])
        np.testing.assert_allclose(model(picture)[inner], picture[inner], atol=1e-2)


def test_a_trunk_whose_rows_and_columns_look_elsewhere_keeps_scores_in_place():
    image = keras.Input((64, 64, 1), name="image")
    x = layers.Conv2D(1, (1, 2), 2, use_bias=False, name="stage1_out")(image)
    model = kc.models.fcn(keras.Model(image, x), 2, 2, upsampling="fixed")
    model.get_layer("stage1_out").kernel.assign(np.full((1, 2, 1, 1), 0.5))
    model.get_layer("head_score").kernel.assign(np.array([[[[1.0, 1.0]]]]))
    for axis in (0, 1):
        slope = np.mgrid[:40, :48].astype("float32")[axis][None, ..., None]
        found = np.asarray(model(slope))[0, 10:30, 10:30, 0]
        np.testing.assert_allclose(found, slope[0, 10:30, 10:30, 0], atol=1e-3)


def test_enlargements_between_maps_learn_and_the_last_does_not():
    model = kc.models.fcn(pools(3), 3, 2, upsampling="between")
    learned = {w.path.split("/")[0] for w in model.trainable_weights}
    assert {name for name in learned if "upsample" in name} == {"head_upsample4", "head_upsample2"}


def squeezed(keep):
    """A trunk whose channels are weighed by their mean over the picture."""
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(4, 3, 2, padding="same", name="stage1_conv")(image)
    mean = layers.GlobalAveragePooling2D(keepdims=keep)(x)
    gate = layers.Conv2D(4, 1, activation="sigmoid")(mean) if keep else mean
    gate = gate if keep else layers.Reshape((1, 1, 4))(layers.Dense(4)(gate))
    x = layers.Multiply(name="weighed")([x, gate])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(2, name="predictions")(x))


def test_pools_within_a_trunk_are_of_the_whole_picture():
    backbone = squeezed(keep=True)
    model = kc.models.fcn(backbone, 2, 2)
    picture = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype("float32")
    part = keras.Model(backbone.inputs, backbone.get_layer("weighed").output)
    ours = keras.Model(model.inputs, model.get_layer("head_score").input)
    np.testing.assert_allclose(ours(picture), part(picture), atol=1e-5)
    with pytest.raises(kc.InputError, match="cannot be moved over a map"):
        kc.models.fcn(squeezed(keep=False), 2, 2)
    with pytest.raises(kc.InputError, match="'weighed' is of type Multiply, which cannot be moved"):
        kc.models.convolutional_form(backbone)


def test_the_picture_itself_is_no_map():
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(4, 3, 2, padding="same", name="stage1_out")(image)
    trunk = keras.Model(image, layers.Conv2D(4, 3, 2, padding="same", name="stage2_out")(x))
    with pytest.raises(kc.InputError, match="stride=1 was given.*its maps, 2, 4"):
        kc.models.fcn(trunk, 3, 1)
    assert kc.models.boundary_network(trunk).output_shape[-1] == 3
    alone = keras.Model(image, layers.Dense(3)(layers.Flatten()(image)))
    with pytest.raises(kc.InputError, match="has no map"):
        kc.models.fcn(alone, 3)


def test_a_trunk_that_keeps_the_pictures_size_is_scored_there_too():
    keras.utils.set_random_seed(0)
    trunk = kc.models.VGG11(include_top=False, input_shape=(None, None, 3), width=0.05)
    model = kc.models.fcn(trunk, 3, 1)
    for layer in model.layers:
        if layer.name.startswith("head_score"):
            layer.kernel.assign(np.random.default_rng(0).normal(size=layer.kernel.shape))
    picture = np.random.default_rng(0).normal(size=(1, 37, 41, 3)).astype("float32")
    sums = keras.Model(model.inputs, model.get_layer("head_sum1").output)
    # Nothing is enlarged any more: the last sum is the answer, and no weight is between.
    np.testing.assert_allclose(model(picture), sums(picture), atol=1e-5)
    assert not model.get_layer("head_place1").trainable_weights


def test_hidden_layers_of_a_frozen_classifier_stay_frozen(vgg):
    vgg.trainable = False
    try:
        names = {
            weight.path.split("/")[0] for weight in kc.models.fcn(vgg, 4, 32).trainable_weights
        }
    finally:
        vgg.trainable = True
    assert names == {"head_score", "head_upsample1"}


def test_a_trunk_of_ones_own_layers_is_taken_unless_it_is_bound_to_a_size():
    class Own(layers.Layer):
        def call(self, x):
            return x - keras.ops.mean(x, axis=(1, 2), keepdims=True)

    for kind, told in (
        (Own(), None),
        (layers.GroupNormalization(2), None),
        (layers.PReLU(name="bound"), "'bound' is of type PReLU"),
        (
            layers.LayerNormalization(axis=(1, 2, 3), name="bound"),
            "'bound' is of type LayerNormalization",
        ),
        (lambda x: x * keras.ops.image.resize(x, (16, 16)), "bound to the size"),
    ):
        image = keras.Input((32, 32, 3), name="image")
        x = kind(layers.Conv2D(4, 3, 2, padding="same", name="stage1_conv")(image))
        x = layers.Conv2D(4, 3, padding="same", name="stage1_out")(x)
        trunk = keras.Model(image, x)
        if told:
            for build in (
                lambda t=trunk: kc.models.fcn(t, 2, 2),
                lambda t=trunk: kc.models.boundary_network(t),
            ):
                with pytest.raises(kc.InputError, match=told):
                    build()
        else:
            assert kc.models.fcn(trunk, 2, 2)(np.zeros((1, 40, 48, 3))).shape == (1, 40, 48, 2)
