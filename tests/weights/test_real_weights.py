"""Trained weights of other people give exactly the right answers their origin documents."""

import csv

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import keras_classics as kc
from support import shared


def photographs(part, count):
    """The first of CIFAR-10, as the networks were trained on them, and their classes."""
    with np.load(shared("data", "cifar10", f"{part}.npz")) as data:
        images, labels = data["x"][:count], data["y"][:count]
    return ((images / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)).astype(
        "float32"
    ), labels


def residual_network(depth):
    model = kc.create_model(f"resnet_{depth}_cifar")
    kc.weights.load_torch(model, shared("data", "weights", "cifar10_resnet", f"resnet{depth}.npz"))
    return model


@pytest.mark.parametrize(("depth", "right"), [(20, 1842), (32, 1849)])
def test_cifar_resnets_answer_as_documented(depth, right):
    images, labels = photographs("test_2k", 2000)
    answers = residual_network(depth).predict(images, batch_size=500, verbose=0).argmax(-1)
    assert (answers == labels).sum() == right


@pytest.mark.slow
def test_a_cifar_resnet_loses_at_most_a_point_in_eight_bits(tmp_path):
    """Of a quarter of the pictures; the page of measurements has all, and a deeper network."""
    pytest.importorskip("onnxruntime")
    samples, _ = photographs("train_10k", 100)
    images, labels = photographs("test_2k", 500)
    model, path = residual_network(20), tmp_path / "a.onnx"
    made = kc.export.quantize(model, path, samples, check=images, labels=labels, most_loss=0.01)
    # And not by going back to real numbers.
    assert made.after >= made.before - 0.01 and made.before > 0.9 and not made.floats


def digits(part):
    with np.load(shared("data", "mnist", f"{part}.npz")) as data:
        return (data["x"][..., None] * 0.00390625).astype("float32"), data["y"]


@pytest.mark.parametrize("ending", ["onnx", "tflite"])
def test_caffes_lenet_loses_nothing_in_eight_bits(ending, tmp_path):
    pytest.importorskip({"onnx": "onnxruntime", "tflite": "ai_edge_litert"}[ending])
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Conv2D(20, 5, name="conv1"), layers.MaxPooling2D(2),
         layers.Conv2D(50, 5, name="conv2"), layers.MaxPooling2D(2),
         # Caffe flattens channel by channel.
         layers.Permute((3, 1, 2)), layers.Flatten(), layers.Dense(500, "relu", name="ip1"),
         layers.Dense(10, "softmax", name="ip2")]
    )  # fmt: skip
    with np.load(shared("data", "weights", "lenet_mnist", "lenet_caffe_mnist.npz")) as arrays:
        for name in ("conv1", "conv2", "ip1", "ip2"):
            kernel = np.moveaxis(arrays[f"{name}.weight"], (0, 1), (-1, -2))
            model.get_layer(name).set_weights([kernel, arrays[f"{name}.bias"]])
    samples, _ = digits("train_10k")
    images, labels = digits("test_2k")
    format = {"onnx": "onnx", "tflite": "litert"}[ending]
    made = kc.export.quantize(
        model, tmp_path / f"a.{ending}", samples[:100], format, check=images, labels=labels
    )
    assert made.before == 1985 / 2000 and made.after > made.before - 0.002 and not made.floats
    assert made.bytes_after < 0.3 * made.bytes_before


@pytest.fixture(scope="module")
def photos():
    """Rows of the table of photographs, and the photographs as the network was trained on."""
    table = shared("data", "photos", "photos.tsv")
    with table.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    images = []
    for row in rows:
        with Image.open(table.with_name(row["file"])) as image:
            small = image.convert("RGB").resize((256, 256), Image.Resampling.BILINEAR)
        blue_green_red = np.asarray(small, "float32")[14:241, 14:241, ::-1]
        images.append(blue_green_red - np.float32([104, 117, 123]))
    return rows, np.stack(images)


def test_squeezenet_sees_what_is_on_photographs(photos, tmp_path):
    pytest.importorskip("onnxruntime")
    rows, images = photos
    model = kc.models.SqueezeNet1_0(input_shape=(227, 227, 3), classifier_activation=None)
    folder = "squeezenet_v1.0_imagenet"
    path = shared("data", "weights", folder, "squeezenet_v1.0_deepcompression.npz")
    kc.weights.load_torch(model, path)
    logits = model.predict(images, verbose=0)

    five = np.argsort(-logits)[:, :5]
    labelled = [k for k, row in enumerate(rows) if row["label_index"]]
    labels = [int(rows[k]["label_index"]) for k in labelled]
    assert (len(labels), sum(five[labelled, 0] == labels)) == (14, 11)
    assert all(label in five[k] for k, label in zip(labelled, labels, strict=True))
    assert [" ".join(map(str, row)) for row in five] == [row["squeezenet_top5"] for row in rows]

    # In eight bits at most one photograph is another thing.
    seen = np.concatenate([images[:, ::-1], images[:, :, ::-1]])[:32]
    made = kc.export.quantize(model, tmp_path / "a.onnx", seen, check=images, most_loss=1.0)
    assert made.measure == "agreement" and made.after >= 1 - 1.01 / len(images)

    # The authors pad their last 1x1 convolution by one: 56 cells more, all bias, in the average.
    border = np.maximum(model.get_layer("head_conv").bias, 0)
    shares = np.exp((13**2 * logits + 56 * border) / 15**2)
    shares = -np.sort(-shares / shares.sum(1, keepdims=True))[:, :5]
    stored = [[float(x) for x in row["squeezenet_top5_prob"].split()] for row in rows]
    np.testing.assert_allclose(shares, stored, atol=6e-4)
