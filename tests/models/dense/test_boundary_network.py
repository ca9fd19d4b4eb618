"""Outlines by side outputs at several sizes; the fabric that is zipped up."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from data.pictures.boxed_folders import picture
from data.pictures.mask_samples import write
from models.dense.test_fcn import pools
from support import check_round_trip


@pytest.fixture(scope="module")
def trunk():
    keras.utils.set_random_seed(0)
    return kc.models.VGG11(width=0.1, include_top=False, weights=None)


@pytest.mark.parametrize("scales", [(1.0,), (1.0, 0.5, 1.5)])
def test_sides_and_all_together_for_pictures_of_any_size(trunk, scales, tmp_path):
    model = kc.models.boundary_network(trunk, strides=(1, 2, 8), scales=scales)
    assert model.output_shape == (None, None, None, 4)
    pictures = np.random.default_rng(0).normal(size=(2, 37, 50, 3)).astype("float32")
    assert model(pictures).shape == (2, 37, 50, 4)
    # The same weights at every size.
    single = kc.models.boundary_network(trunk, strides=(1, 2, 8))
    assert model.count_params() == single.count_params()
    if len(scales) > 1:
        check_round_trip(model, pictures, tmp_path)


def test_several_sizes_are_looked_at_in_a_graph_for_pictures_of_any_size(trunk):
    tf = pytest.importorskip("tensorflow")
    model = kc.models.boundary_network(trunk, strides=(1, 4), scales=(1.0, 0.5, 1.5))
    free = [tf.TensorSpec((None, None, None, 3))]
    graph = tf.function(lambda x: model(x), input_signature=free, autograph=False)
    for size in ((37, 50), (16, 21)):
        pictures = np.random.default_rng(0).normal(size=(1, *size, 3)).astype("float32")
        np.testing.assert_allclose(graph(pictures), model(pictures), atol=1e-4)


def test_the_sides_stay_in_place_and_are_fused_as_their_mean():
    model = kc.models.boundary_network(pools(2), strides=(2, 4), scales=(1.0, 0.5))
    for stride in (2, 4):
        model.get_layer(f"head_score{stride}").kernel.assign(np.float32([[[[1], [0], [0]]]]))
    y, x = np.mgrid[:48, :64].astype("float32")
    said = np.asarray(model(np.stack([x, y, y], axis=-1)[None]))[0]
    inner = slice(16, 32), slice(16, 48)
    for channel in range(3):
        np.testing.assert_allclose(said[*inner, channel], x[inner], atol=0.05)


def test_outlines_of_scenes_are_learned():
    data = kc.data.load("scenes", train=48, validation=12, test=1, noise=0.01)
    keras.utils.set_random_seed(1)
    image = x = keras.Input((64, 64, 3))
    for stage in (1, 2):
        x = keras.layers.Conv2D(8 * stage, 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_out")(x)
    model = kc.models.boundary_network(keras.Model(image, x), strides=(1, 2))
    model.compile(keras.optimizers.Adam(0.02), kc.training.BoundaryLoss(side_weight=0.5))
    given = kc.data.mask_batches(kc.data.outlined(data.train), batch_size=8, seed=0)
    held = kc.data.outlined(data.validation)
    pictures = kc.data.picture_values(np.stack([each.image for each in held]))

    def ods():
        said = keras.ops.sigmoid(model.predict(pictures, verbose=0)[..., -1])
        truth = [each.class_mask for each in held]
        found = kc.training.boundary_figures(
            truth, list(np.asarray(said)), thresholds=15, tolerance=0.02
        )
        return found["ODS"]

    before = ods()
    model.fit(given, steps_per_epoch=60, verbose=0, shuffle=False)
    assert ods() > max(0.5, before + 0.2)


def test_folders_of_outlines(tmp_path):
    for number in range(6):
        picture(tmp_path / "images" / f"p{number}.png", seed=number)
        map_ = np.zeros((20, 30), "uint8")
        map_[5], map_[6] = 255, 90
        write(tmp_path / "boundaries" / f"p{number}.png", map_)
    data = kc.data.load(f"boundaries:{tmp_path}", strict=True)
    mask = data.train[0].class_mask
    assert [set(np.unique(row)) for row in mask[4:8]] == [{0}, {1}, {255}, {0}]
    assert data.info.pixel_classes == ("surface", "outline")


def test_what_does_not_fit_is_refused(trunk):
    with pytest.raises(kc.InputError, match=r"strides=\[3\].*1, 2, 4, 8, 16, 32"):
        kc.models.boundary_network(trunk, strides=(3,))
    with pytest.raises(kc.InputError, match="scales="):
        kc.models.boundary_network(trunk, scales=(0.0,))


@pytest.mark.parametrize("connectivity", ["dense", "sparse"])
def test_a_fabric_answers_for_every_pixel_of_any_size(connectivity, tmp_path):
    layers, scales, width, classes = 3, 4, 6, 5
    model = kc.models.pixel_fabric(
        classes, depth=layers, scales=scales, channels=width, connectivity=connectivity
    )
    for size in ((16, 24), (17, 21), (1, 5)):
        assert model(np.zeros((1, *size, 3))).shape == (1, *size, classes)
    if connectivity == "dense":
        # The paper's count of convolutions, and biases and normalisations of each node.
        convolutions = (3 * scales - 2) * (layers - 1) + 2 * (scales - 1)
        nodes = layers * scales
        stem, last = 28 * width, (width + 1) * classes
        expected = convolutions * (9 * width + 1) * width + nodes * 4 * width + stem + last
        assert model.count_params() == expected
        check_round_trip(model, np.zeros((1, 13, 9, 3), "float32"), tmp_path)


def test_the_coarsest_node_reaches_the_finest_through_the_last_layer():
    model = kc.models.pixel_fabric(2, depth=2, scales=4, channels=3)
    field = kc.analysis.receptive_field(model, "predictions", image_size=(64, 64))
    # Without the zip a node of the second layer would see two scales only.
    assert field.size[0] >= 2 * 2**3 * 2
