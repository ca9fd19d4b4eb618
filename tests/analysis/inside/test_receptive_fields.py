"""Receptive fields: the values of the literature, formulas by hand, and gradients as the oracle."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import layers, ops
from PIL import Image

import keras_classics as kc
from keras_classics.core.graphs.capture import Capture
from keras_classics.core.graphs.receptive_fields import ReceptiveFields
from support import run_on, undrawn


def chain(steps, image_size, name="chain"):
    image = x = keras.Input((*image_size, 1))
    for step in steps:
        x = step(x)
    return keras.Model(image, x, name=name)


def conv(kernel, stride=1, padding="same", name=None, **options):
    return layers.Conv2D(1, kernel, stride, padding, name=name, **options)


def padded(kernel, pad, name, stride=1):
    """A convolution with the same padding on both sides, as the papers' frameworks have it."""
    return [layers.ZeroPadding2D(pad), conv(kernel, stride, "valid", name)]


def vgg_16():
    steps = []
    for stage, depth in enumerate((2, 2, 3, 3, 3), 1):
        for number in range(1, depth + 1):
            steps += padded(3, 1, f"conv{stage}_{number}")
        steps.append(layers.MaxPooling2D(name=f"pool{stage}"))
    return chain([*steps, conv(7, 1, "valid", "fc6")], (224, 224))


def alexnet():
    pools = [layers.MaxPooling2D(3, 2, name=f"pool{n}") for n in (1, 2, 5)]
    steps = [conv(11, 4, "valid", "conv1"), pools[0], *padded(5, 2, "conv2"), pools[1]]
    for number in (3, 4, 5):
        steps += padded(3, 1, f"conv{number}")
    return chain([*steps, pools[2]], (227, 227))


VGG = {
    "pool1": (6, 2, 1), "pool2": (16, 4, 2), "pool3": (44, 8, 4), "conv4_3": (92, 8, 4),
    "pool4": (100, 16, 8), "conv5_3": (196, 16, 8), "pool5": (212, 32, 16), "fc6": (404, 32, 112),
}  # fmt: skip
ALEXNET = {
    "conv1": (11, 4, 5.5), "pool1": (19, 8, 9.5), "conv2": (51, 8, 9.5), "pool2": (67, 16, 17.5),
    "conv3": (99, 16, 17.5), "conv4": (131, 16, 17.5), "conv5": (163, 16, 17.5),
    "pool5": (195, 32, 33.5),
}  # fmt: skip


@pytest.mark.parametrize(("make", "golden"), [(vgg_16, VGG), (alexnet, ALEXNET)])
def test_size_stride_and_centre_of_the_literature(make, golden):
    fields = ReceptiveFields(make())
    for layer, (size, stride, centre) in golden.items():
        field = fields.of(layer)
        found = field.size, field.stride, field.centre
        assert found == ((size,) * 2, (stride,) * 2, (centre,) * 2), layer


def catalogue_field(name, layer, side):
    with undrawn():
        model = kc.create_model(name, weights=None, include_top=False)
    capture = Capture(model)
    fields = ReceptiveFields(model, image_size=(side, side), capture=capture)
    return fields.at(capture.last_map()) if layer is None else fields.of(layer)


@pytest.mark.parametrize(
    ("name", "layer", "side", "size"),
    [
        ("resnet_20_cifar", None, 32, 81),
        ("resnet_56_cifar", None, 32, 249),
        # The stride in the first convolution of 1 x 1, as in the paper.
        ("resnet_50", None, 224, 483),
    ],
)
def test_networks_of_the_catalogue(name, layer, side, size):
    assert catalogue_field(name, layer, side).size == (size, size)


def test_dilation_and_uneven_kernels_by_hand():
    steps = [conv((3, 5), name="a"), conv((3, 1), dilation_rate=(4, 1), name="b")]
    field = kc.analysis.receptive_field(chain(steps, (40, 30)), "b")
    assert field.size == (3 + 2 * 4, 5) and field.stride == (1, 1) and field.centre == (0.5, 0.5)
    # A square kernel has a square field with padding "same", which moves no centre.
    square = kc.analysis.receptive_field(chain([conv(5), conv(3, name="b")], (40, 30)), "b")
    assert square.size == (7, 7) and square.box(20, 10) == (17, 7, 24, 14)


def test_same_padding_of_a_stride_is_that_of_the_actual_size():
    # Of 8 rows, one is padded, at the end; of 9, one on both sides.
    even, odd = (
        kc.analysis.receptive_field(chain([conv(3, 2, name="a")], (side, side)), "a")
        for side in (8, 9)
    )
    assert even.centre == (1.5, 1.5) and even.box(0, 0) == (0, 0, 3, 3)
    assert odd.centre == (0.5, 0.5) and odd.box(0, 0) == (0, 0, 2, 2)
    free = chain([conv(3, 2, name="a")], (None, None))
    assert kc.analysis.receptive_field(free, "a", image_size=(8, 9)).centre == (1.5, 0.5)


def hourglass():
    """Down by four and up again, with a shortcut at each size, one way back of each kind."""
    image = keras.Input((40, 48, 1))
    first = conv(3, name="first")(image)
    second = conv(3, 2, name="second")(first)
    third = conv(3, 2, name="third")(second)
    up = layers.Conv2DTranspose(1, 4, 2, "same", name="up")(third)
    joined = layers.Concatenate(name="joined")([up, second])
    larger = layers.UpSampling2D(2, interpolation="bilinear", name="larger")(joined)
    both = layers.Add(name="both")([conv(1)(larger), first])
    outputs = layers.Dense(2, name="answer")(layers.Flatten(name="flat")(both))
    return keras.Model(image, outputs)


ENLARGING = {
    "transposed": lambda: layers.Conv2DTranspose(1, 4, 2, "same"),
    "transposed, odd": lambda: layers.Conv2DTranspose(1, 5, 3, "same"),
    "nearest": lambda: layers.UpSampling2D(2),
    "bilinear": lambda: layers.UpSampling2D(3, interpolation="bilinear"),
}


@pytest.mark.parametrize("kind", ENLARGING)
def test_behind_what_enlarges_a_field_lies_evenly_about_what_each_unit_sees(kind):
    """Of units that see pixels in several ways one size holds all, by a pixel at a side."""
    model = chain([ENLARGING[kind]()], (12, 14))
    for weight in model.weights:
        weight.assign(np.ones(weight.shape) if weight.name == "kernel" else np.zeros(weight.shape))
    name, capture = model.layers[-1].name, Capture(model)
    field = kc.analysis.receptive_field(model, name)
    step = field.stride[0]
    assert field.centre == pytest.approx((step / 2, step / 2)) and step in (1 / 2, 1 / 3)
    for unit in range(field.map_size[0]):
        seen = footprint(capture, capture.place(name), (unit, unit), (12, 14), 1)
        box = field.box(unit, unit)
        assert all(0 <= one - other <= 1 for one, other in zip(seen[:2], box[:2], strict=True))
        assert all(0 <= one - other <= 1 for one, other in zip(box[2:], seen[2:], strict=True))
    # Behind a stride too nothing that is seen lies outside.
    behind = chain([conv(3, 2, name="first"), ENLARGING[kind]()], (24, 28))
    for weight in behind.weights:
        weight.assign(np.ones(weight.shape) if weight.name == "kernel" else np.zeros(weight.shape))
    name, capture = behind.layers[-1].name, Capture(behind)
    field = kc.analysis.receptive_field(behind, name)
    for unit in range(field.map_size[0]):
        top, left, bottom, right = field.box(unit, unit)
        seen = footprint(capture, capture.place(name), (unit, unit), (24, 28), 1)
        assert top <= seen[0] and left <= seen[1] and bottom >= seen[2] and right >= seen[3]


def test_what_is_cut_off_or_laid_under_all_moves_or_widens_a_field():
    cropped = chain([layers.Cropping2D(((2, 1), (0, 3)), name="cut")], (12, 14))
    assert kc.analysis.receptive_field(cropped, "cut").centre == (2.5, 0.5)
    image = keras.Input((8, 8, 1))
    whole = conv(8, padding="valid", name="one")(image)
    model = keras.Model(image, layers.Multiply(name="both")([image, whole]))
    field = kc.analysis.receptive_field(model, "both")
    assert field.stride == (0, 0) and field.box(5, 5) == (0, 0, 8, 8)


def test_ways_of_an_hourglass_meet_in_their_union():
    model = hourglass()
    third, up, both = (kc.analysis.receptive_field(model, x) for x in ("third", "up", "both"))
    assert third.stride == (4, 4) and third.size == (3 + 2 + 2 * 2,) * 2
    assert up.stride == (2, 2) and both.stride == (1, 1)
    # Half a step of the kernel of 4 at each side, as the stride is 2: (4 - 1) * 4 / 2.
    assert up.size == (9 + 6, 9 + 6)
    first = kc.analysis.receptive_field(model, "first")
    assert both.size[0] > up.size[0] > first.size[0] == 3
    whole = kc.analysis.receptive_field(model, "answer")
    assert whole.stride == (0, 0) and whole.box() == (0, 0, 40, 48)


def footprint(capture, place, unit, size, channels, instead=None):
    """The box of the pixels that have a gradient at one unit."""
    met = []

    def after(own, outputs):
        if own == place:
            met.append(outputs)
        return outputs

    def score(logits):
        return ops.sum(met[-1][:, unit[0], unit[1]], axis=-1)

    image = np.random.default_rng(0).uniform(0.5, 1.5, (1, *size, channels)).astype("float32")
    inputs = [ops.convert_to_tensor(image)]
    found = capture.image_gradients(inputs, score, after, instead=instead)
    seen = np.abs(ops.convert_to_numpy(found))[0].max(axis=-1) > 0
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


def made_positive(model):
    """Nothing cancels out and no ReLU is silent; the corners of deep fields do not underflow."""
    for weight in model.weights:
        shift = weight.name in ("bias", "moving_mean") or "norm" in weight.path.split("/")[0]
        kernel = len(weight.shape) == 4
        value = 0.3 / weight.shape[2] if kernel else 0.0 if shift else 1.0
        if weight.name in ("gamma", "moving_variance"):
            value = 1.0
        if keras.backend.is_float_dtype(weight.dtype):
            weight.assign(np.full(weight.shape, value))


def averages(capture):
    """An average for each max pooling, which passes a gradient to one pixel only."""
    found = {}
    for place in capture.paths:
        pool = place[-1].operation
        if isinstance(pool, layers.MaxPooling2D):
            found[place] = layers.AveragePooling2D(pool.pool_size, pool.strides, pool.padding)
        elif isinstance(pool, kc.layers.PaddedMaxPooling2D):
            found[place] = partial(padded_average, pool)
    return found


def padded_average(pool, x):
    sides = [(0, 0), *[(pool.padding, pool.padding + pool.strides)] * 2, (0, 0)]
    averages = ops.average_pool(ops.pad(x, sides), pool.pool_size, pool.strides)
    _, height, width, _ = pool.compute_output_shape(x.shape)
    return averages[:, :height, :width]


def check_by_gradients(model, size):
    """The deepest map whose middle unit's field lies in the image has just that footprint."""
    made_positive(model)
    capture = Capture(model)
    fields = ReceptiveFields(model, image_size=size, capture=capture)
    boxes = {}
    for place in fields.places:
        field = fields.at(place)
        unit = field.map_size[0] // 2, field.map_size[1] // 2
        box = field.box(*unit, clipped=False)
        inside = min(box[:2]) >= 0 and box[2] <= size[0] and box[3] <= size[1]
        if inside and field.stride[0] and field.size[0] > 1:
            boxes[place] = field, unit, box
    place, (field, unit, box) = max(boxes.items(), key=lambda item: item[1][0].size)
    channels = model.inputs[0].shape[-1]
    found = footprint(capture, place, unit, size, channels, averages(capture))
    assert tuple(found) == box, (capture.paths[place], field)
    return field


FAMILIES = (
    "lenet_5_modern", "zfnet", "nin_cifar", "vgg_a", "googlenet", "resnet_20_cifar",
    "densenet_40_k12_cifar", "squeezenet_1_1", "wide_resnet_16_8_cifar", "highway_19_cifar",
    "simpnet_300k_cifar", "fractalnet_20_cifar",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_have_the_footprint_of_the_field(name):
    with undrawn():
        model = kc.create_model(name, weights=None, include_top=False)
    field = check_by_gradients(model, (96, 104))
    assert field.size[0] >= 10


@keras.saving.register_keras_serializable("test")
class Blur(layers.Layer):
    """A layer of a user's own, which says nothing of itself: the mean of five rows."""

    def call(self, x):
        rows = ops.pad(x, [(0, 0), (2, 2), (0, 0), (0, 0)])
        return sum(rows[:, n : n + ops.shape(x)[1]] for n in range(5)) / 5


def test_layers_of_ones_own_are_asked():
    model = chain([conv(3, 2, name="a"), Blur(name="blur"), conv(3, name="b")], (64, 64))
    blur, last = (kc.analysis.receptive_field(model, name) for name in ("blur", "b"))
    assert blur.size == (3 + 4 * 2, 3) and blur.stride == (2, 2)
    assert last.size == (11 + 2 * 2, 3 + 2 * 2)
    check_by_gradients(model, (64, 64))


def test_what_a_layer_can_see_is_no_matter_of_its_weights():
    """Neither of a kernel that starts at nothing, nor of what was learned."""
    idle = kc.layers.DiracConv2D(1, beta=0.0, name="idle")
    model = chain([conv(3, 2, name="a"), idle], (64, 64))
    before = [ops.convert_to_numpy(weight) for weight in model.weights]
    assert kc.analysis.receptive_field(model, "idle").size == (3 + 2 * 2,) * 2
    for own, weight in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight), own)


def test_nested_models_and_several_inputs():
    inner = chain([conv(3, 2, name="a"), conv(3, name="b")], (32, 32), "inner")
    left, right = keras.Input((32, 32, 1), name="left"), keras.Input((64, 64, 1), name="right")
    x = layers.Add(name="sum")([inner(left), inner(layers.MaxPooling2D()(right))])
    model = keras.Model([left, right], layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    near = kc.analysis.receptive_field(model, "sum")
    far = kc.analysis.receptive_field(model, "sum", image="right")
    assert near.size == (7, 7) and near.stride == (2, 2)
    assert far.size == (2 + 6 * 2,) * 2 and far.stride == (4, 4)
    assert kc.analysis.receptive_field(model, "inner(0)/b").size == (7, 7)


def numbers_on_the_backend():
    """Fields that are read and one that is asked, and a footprint, on whichever backend is set."""
    test_size_stride_and_centre_of_the_literature(alexnet, ALEXNET)
    model = chain([conv(3, 2, name="a"), Blur(name="blur"), conv(3, name="b")], (48, 48))
    field = check_by_gradients(model, (48, 48))
    up = kc.analysis.receptive_field(hourglass(), "both")
    return [*field.size, *field.centre, *up.size, *up.centre]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_fields_are_equal_on_all_backends(backend):
    code = "from analysis.inside.test_receptive_fields import *; print(numbers_on_the_backend())"
    found = run_on(backend, code).splitlines()[-1]
    assert found == str(numbers_on_the_backend())


def test_a_field_is_drawn_on_a_picture(tmp_path):
    fields = [kc.analysis.receptive_field(alexnet(), name) for name in ("conv1", "pool5")]
    picture = np.full((227, 227, 3), 200, "uint8")
    kc.analysis.draw_receptive_fields(tmp_path / "fields.png", picture, fields)
    with Image.open(tmp_path / "fields.png") as page:
        shown = np.asarray(page.convert("RGB"))
    # Nearly all of the second is light, and 11 x 11 of the first.
    light = (shown == 200).all(axis=-1).sum()
    assert 30_000 < light < 227 * 227 * 1.05
    with pytest.raises(kc.InputError, match="32 x 32 pixels.*227 x 227.*image_size"):
        kc.analysis.draw_receptive_fields(tmp_path / "x.png", picture[:32, :32], fields)


def test_what_is_refused():
    model = chain([conv(3, name="a")], (None, None), "free")
    with pytest.raises(kc.InputError, match="'free', whose images are any x any.*image_size="):
        kc.analysis.receptive_field(model, "a")
    with pytest.raises(kc.InputError, match="not in 'free'.*such as a.*summary"):
        kc.analysis.receptive_field(model, "bcd", image_size=(8, 8))
    field = kc.analysis.receptive_field(model, "a", image_size=(8, 8))
    with pytest.raises(kc.InputError, match="row=8.*8 rows and 8 columns.*row=4, column=4"):
        field.box(8, 0)
    with pytest.raises(kc.InputError, match="image_size"):
        kc.analysis.receptive_field(alexnet(), "conv1", image_size=(8, 8))
