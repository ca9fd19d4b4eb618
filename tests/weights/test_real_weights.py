"""Trained weights of other people give exactly the right answers their origin documents."""

import csv

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from support import shared


@pytest.mark.parametrize(("depth", "right"), [(20, 1842), (32, 1849)])
def test_cifar_resnets_answer_as_documented(depth, right):
    with np.load(shared("data", "cifar10", "test_2k.npz")) as data:
        images, labels = data["x"], data["y"]
    model = kc.create_model(f"resnet_{depth}_cifar")
    kc.weights.load_torch(model, shared("data", "weights", "cifar10_resnet", f"resnet{depth}.npz"))
    x = (images / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    answers = model.predict(x.astype("float32"), batch_size=500, verbose=0).argmax(-1)
    assert (answers == labels).sum() == right


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


def test_squeezenet_sees_what_is_on_photographs(photos):
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

    # The authors pad their last 1x1 convolution by one: 56 cells more, all bias, in the average.
    border = np.maximum(model.get_layer("head_conv").bias, 0)
    shares = np.exp((13**2 * logits + 56 * border) / 15**2)
    shares = -np.sort(-shares / shares.sum(1, keepdims=True))[:, :5]
    stored = [[float(x) for x in row["squeezenet_top5_prob"].split()] for row in rows]
    np.testing.assert_allclose(shares, stored, atol=6e-4)
