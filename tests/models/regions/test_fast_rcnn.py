"""Detectors of regions: assembled on any backbone, trained by `fit`, asked about pictures."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.boxes import Detections, Truth, average_precision, sliding_windows
from keras_classics.core.errors import InputError
from keras_classics.training.losses.region_loss import OffsetLoss
from support import check_round_trip

GRID = sliding_windows((32, 32), sides=(10, 16), aspects=(1.0,), step=0.4)


def backbone(size=32, stride=4, channels=8):
    image = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name="conv1")(image)
    x = keras.layers.MaxPooling2D(stride, name="pool1")(x)
    x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name="conv2")(x)
    return keras.Model(image, x, name="backbone")


def detector(build=None, **options):
    build = build or kc.models.fast_rcnn
    keras.utils.set_random_seed(0)
    return build(backbone(), 3, **{"units": (32,), "dropout": 0.0, **options})


def inputs(count=2, boxes=5, seed=0):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 20, (count, boxes, 2))
    image = rng.normal(size=(count, 32, 32, 3)).astype("float32")
    regions = np.concatenate([corners, corners + rng.uniform(4, 12, corners.shape)], axis=2)
    return {"image": image, "boxes": regions.astype("float32")}


@pytest.mark.parametrize("build", [kc.models.fast_rcnn, kc.models.spp_net])
def test_a_detector_says_classes_and_offsets_of_every_region_alone(build, tmp_path):
    model, given = detector(build), inputs()
    said = model.predict_on_batch(given)
    assert said["classes"].shape == (2, 5, 4) and said["offsets"].shape == (2, 5, 3, 4)
    # Whatever other regions and pictures are asked about.
    alone = {"image": given["image"][1:], "boxes": given["boxes"][1:, 2:3]}
    one = model.predict_on_batch(alone)
    np.testing.assert_allclose(one["offsets"][0, 0], said["offsets"][1, 2], atol=1e-5)
    check_round_trip(model, given, tmp_path)


def test_a_backbone_that_another_detector_froze_is_not_trained_in_silence():
    shared = backbone()
    kc.models.spp_net(shared, 2, units=(8,))
    with pytest.raises(InputError, match=r"Set backbone\.trainable = True"):
        kc.models.fast_rcnn(shared, 2, units=(8,))
    shared.trainable = True
    learns = kc.models.fast_rcnn(shared, 2, units=(8,)).trainable_weights
    assert shared.get_layer("conv1").kernel in learns


def test_any_network_of_the_catalogue_is_a_backbone_and_its_stride_is_read_off_it():
    encoder = kc.models.picture_encoder(
        "resnet_18", 64, layer="stage2_out", as_map=True, width=0.125
    )
    model = kc.models.fast_rcnn(encoder, 2, units=(8,), bins=2)
    assert model.get_layer("region_pooling").stride == 8
    whole = kc.models.LeNet5Modern()
    with pytest.raises(InputError, match="as_map=True"):
        kc.models.fast_rcnn(whole, 2)
    # 30 pixels are 7 cells, and any number any.
    for size in (30, None):
        model = kc.models.fast_rcnn(backbone(size=size), 2, units=(8,))
        assert model.get_layer("region_pooling").stride == 4
    tall = backbone(stride=(2, 4))
    with pytest.raises(InputError, match="stride=16"):
        kc.models.fast_rcnn(tall, 2)
    assert kc.models.fast_rcnn(tall, 2, units=(8,), stride=4)


def test_the_head_alone_learns_behind_a_frozen_backbone():
    model = detector(kc.models.spp_net)
    assert {weight.path.split("/")[0] for weight in model.trainable_weights} == {
        "head_dense1", "classes", "head_offsets",
    }  # fmt: skip


def with_head_of(model, other):
    for name in ("head_dense1", "classes", "head_offsets"):
        model.get_layer(name).set_weights(other.get_layer(name).get_weights())
    return model


def test_at_several_scales_each_region_is_read_in_the_one_nearest_to_the_window():
    given, network = inputs(count=1, boxes=8), backbone(size=None)
    options = {"units": (32,), "dropout": 0.0, "stride": 4, "levels": (1, 3)}
    one = kc.models.spp_net(network, 3, **options)

    def said(*scales):
        model = kc.models.spp_net(network, 3, scales=scales, window=14, **options)
        return with_head_of(model, one)(given)["classes"][0]

    # At the picture's own size it is the network of one scale.
    np.testing.assert_array_equal(said(32), one(given)["classes"][0])
    sides = np.float32([[26, 26], [14, 20], [20, 4], [5, 10], [30, 3], [4, 6], [20, 25], [9, 9]])
    given["boxes"][0, :, 2:] = given["boxes"][0, :, :2] + sides
    scales = (20, 32, 48, 70, 100)
    areas = [sides.prod(axis=-1) * (scale / 32) ** 2 for scale in scales]
    chosen = np.abs(np.array(areas) - 14 * 14).argmin(axis=0)
    assert set(chosen) == {0, 1, 2, 3, 4}
    # No scale is read twice, nor is any region pooled at all of them.
    network_of_all = kc.models.spp_net(network, 3, scales=scales, window=14, **options)
    assert len(network_of_all.get_layer("region_pooling")._inbound_nodes) == 1
    alone = {number: said(scales[number]) for number in set(chosen)}
    for region, (found, number) in enumerate(zip(said(*scales), chosen, strict=True)):
        np.testing.assert_allclose(found, alone[number][region], atol=1e-5)
    with pytest.raises(InputError, match="scales"):
        said()


def test_a_backbone_of_a_fixed_size_reads_scales_of_pictures_of_any_size(tmp_path):
    fixed = kc.models.fast_rcnn(
        backbone(), 3, units=(8,), bins=2, dropout=0.0, scales=(24, 40), window=9
    )
    given = inputs()
    wide = {**given, "image": np.pad(given["image"], [(0, 0), (0, 8), (0, 30), (0, 0)])}
    kc.training.compile_detector(fixed, "adam", run_eagerly=True)
    wanted = {"classes": np.zeros((2, 5)), "offsets": np.zeros((2, 5, 5))}
    assert np.isfinite(fixed.fit(wide, wanted, verbose=0).history["loss"]).all()
    fixed.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(wide)["classes"], fixed(wide)["classes"])


def test_offset_loss_is_the_papers_formula():
    rng = np.random.default_rng(0)
    said = rng.normal(0, 0.3, (2, 4, 3, 4)).astype("float32")
    true = np.concatenate([rng.integers(-1, 3, (2, 4, 1)), rng.normal(0, 0.3, (2, 4, 4))], axis=2)
    expected = 0.0
    for picture in range(2):
        for region in range(4):
            label = int(true[picture, region, 0])
            if label >= 0:
                for n, scale in enumerate((0.1, 0.1, 0.2, 0.2)):
                    x = abs(said[picture, region, label, n] - true[picture, region, 1 + n]) / scale
                    expected += 0.5 * x**2 if x < 1 else x - 0.5
    loss = OffsetLoss()
    assert float(loss(true.astype("float32"), said)) == pytest.approx(expected / 8, rel=1e-5)
    assert type(loss).from_config(loss.get_config()).scale == (0.1, 0.1, 0.2, 0.2)
    with pytest.raises(InputError, match="four positive"):
        OffsetLoss(scale=(1, 1))


class Painted:
    """A square of one of three colours on black."""

    def __init__(self, number):
        rng = np.random.default_rng(number)
        self.name, label = f"painted-{number}", number % 3
        side = int(rng.integers(9, 15))
        y, x = rng.integers(0, 32 - side, 2)
        self.image = np.zeros((32, 32, 3), "uint8")
        self.image[y : y + side, x : x + side, label] = 255
        self.boxes = np.float32([[y, x, y + side, x + side]])
        self.box_labels = np.int32([label])


def batches(examples, **options):
    given = {"classes": 3, "batch_size": 8, "seed": 0, "regions": 16, **options}
    return kc.data.region_batches(examples, [GRID] * len(examples), **given)


def test_batches_are_a_function_of_seed_and_number_and_their_offsets_lead_to_true_boxes():
    examples = [Painted(number) for number in range(24)]
    stream = iter(batches(examples))
    seen = [next(stream) for _ in range(4)]
    later = next(iter(batches(examples, first=2)))
    for one, other in zip(keras.tree.flatten(seen[2]), keras.tree.flatten(later), strict=True):
        np.testing.assert_array_equal(one, other)
    mirrored = 0
    for given, wanted in seen:
        given, wanted = (
            {key: keras.ops.convert_to_numpy(each) for key, each in part.items()}
            for part in (given, wanted)
        )
        shows = wanted["offsets"][..., 0] >= 0
        # A quarter of 16.
        assert (shows.sum(axis=1) <= 4).all() and shows.any()
        assert ((wanted["classes"] == 3) == ~shows).all()
        for row in range(8):
            chosen = np.flatnonzero(shows[row])
            label = int(wanted["classes"][row, chosen[0]])
            ys, xs = np.nonzero(given["image"][row, :, :, label] > 0)
            painted = [ys.min(), xs.min(), ys.max() + 1, xs.max() + 1]
            moved = kc.boxes.apply_regression(
                given["boxes"][row, chosen], wanted["offsets"][row, chosen, 1:]
            )
            np.testing.assert_allclose(moved, np.tile(painted, (len(chosen), 1)), atol=1e-2)
            mirrored += not any(
                np.array_equal(painted, example.boxes[0]) and label == example.box_labels[0]
                for example in examples
            )
    assert 0 < mirrored < 32


def test_what_is_difficult_or_a_crowd_is_neither_learned_nor_background():
    example = Painted(0)
    example.difficult = np.array([True])
    given, wanted = next(iter(batches([example] * 8, augment=())))
    assert (np.asarray(wanted["classes"]) == 3).all()
    inside = kc.boxes.coverage(np.asarray(given["boxes"]).reshape(-1, 4), example.boxes)
    assert inside.max() < 0.5
    # Yet a true box in a crowd is learned.
    example.boxes = np.concatenate([example.boxes, [[0, 0, 32, 32]]])
    example.box_labels, example.difficult = np.int32([0, 1]), None
    example.crowd = np.array([False, True])
    given, wanted = next(iter(batches([example] * 8, augment=())))
    assert set(np.asarray(wanted["classes"]).ravel()) <= {0, 3}
    assert (np.asarray(wanted["classes"]) == 0).any(axis=1).all()


@pytest.mark.parametrize("name", ["mosaic", "scale", "crop", "flip", "colour"])
def test_whatever_is_done_to_a_picture_is_done_to_its_boxes_and_proposals(name):
    examples = [Painted(number) for number in range(12)]
    proposals = [np.concatenate([GRID, each.boxes + [[1, -1, 2, 1]]]) for each in examples]
    options = {"classes": 3, "batch_size": 4, "seed": 0, "regions": 16, "augment": (name,)}
    stream = iter(kc.data.region_batches(examples, proposals, **options))
    plain = np.stack([each.image for each in examples]) / 127.5 - 1.0
    changed = 0
    for _ in range(6):
        given, wanted = [
            {key: keras.ops.convert_to_numpy(each) for key, each in part.items()}
            for part in next(stream)
        ]
        assert given["image"].shape == (4, 32, 32, 3)
        for row in range(4):
            picture = given["image"][row]
            changed += np.abs(plain - picture).max(axis=(1, 2, 3)).min() > 1e-3
            shows = np.flatnonzero(wanted["offsets"][row, :, 0] >= 0)
            moved = kc.boxes.apply_regression(
                given["boxes"][row, shows], wanted["offsets"][row, shows, 1:]
            )
            for region, box in zip(shows, moved, strict=True):
                # Where the offsets lead to is of the class's colour.
                top, left, bottom, right = np.round(box).astype(int)
                part = picture[top + 1 : bottom - 1, left + 1 : right - 1]
                label = int(wanted["classes"][row, region])
                if part.size:
                    assert part.mean(axis=(0, 1)).argmax() == label
                    assert part[..., label].min() > part.min(axis=-1).max() + 0.5
    assert changed > 8
    with pytest.raises(InputError, match="'colour'"):
        kc.data.region_batches(examples, proposals, **{**options, "augment": ("color",)})


def test_pictures_of_two_sizes_and_lacking_proposals_are_refused():
    small = Painted(1)
    small.image = small.image[:16]
    with pytest.raises(InputError, match="image_size"):
        batches([Painted(0), small] * 8)
    with pytest.raises(InputError, match="equally many"):
        kc.data.region_batches([Painted(0)], [], classes=3, batch_size=1, seed=0)


def test_what_no_batch_can_be_made_of_is_named_before_there_is_one():
    empty, odd = Painted(0), Painted(1)
    empty.boxes, empty.box_labels = np.zeros((0, 4)), np.zeros(0)
    odd.box_labels = np.int32([3])
    with pytest.raises(InputError, match="Picture 1 of 2.*sliding_windows"):
        kc.data.region_batches([Painted(2), empty], [GRID, []], classes=3, batch_size=2, seed=0)
    with pytest.raises(InputError, match="is of class 3, with classes=3"):
        batches([odd] * 8)
    with pytest.raises(InputError, match="sliding_windows"):
        kc.data.warped_batches([empty], [[[2, 2, 2, 9]]], classes=3, seed=0)
    # Of a grid and a line only the grid is background.
    options = {"classes": 3, "batch_size": 1, "seed": 0, "regions": 8}
    given, _ = next(iter(kc.data.region_batches([empty], [[[2, 2, 2, 9], GRID[0]]], **options)))
    np.testing.assert_array_equal(np.asarray(given["boxes"])[0, :, 0], [GRID[0][0]] * 8)


def test_what_is_no_picture_is_not_asked_about():
    model = detector(bins=2)
    for shape in ((8, 8), (8, 8, 1), (8, 8, 4), (0, 8, 3)):
        with pytest.raises(InputError, match="Picture 0 of 1.*read_image"):
            kc.models.detect(model, [np.zeros(shape, "uint8")], [GRID[:1]])
    # Shares of 0 to 1 would be black; the remedy makes bytes of them.
    shares = Painted(0).image / 255
    with pytest.raises(InputError, match=r"is float64.*\(255 \* image\)"):
        kc.models.detect(model, [shares], [GRID[:1]])
    example = Painted(0)
    example.image = shares
    with pytest.raises(InputError, match="Picture 0 of 1 is float64"):
        batches([example])
    assert (255 * shares).round().astype("uint8").tolist() == Painted(0).image.tolist()
    for wrong in ({"least_score": 5}, {"threshold": 30}):
        with pytest.raises(InputError, match="a number from 0 to 1"):
            kc.models.detect(model, [Painted(0).image], [GRID[:1]], **wrong)
    kernel, bias = model.get_layer("classes").get_weights()
    model.get_layer("classes").set_weights([kernel, bias * np.nan])
    with pytest.raises(InputError, match="says NaN.*largest_map"):
        kc.models.detect(model, [Painted(0).image], [GRID[:1]])


@pytest.mark.slow
def test_it_learns_to_find_painted_squares_by_fit():
    examples = [Painted(number) for number in range(240)]
    model = detector(bins=4)
    kc.training.compile_detector(model, keras.optimizers.Adam(4e-3))
    model.fit(batches(examples), steps_per_epoch=30, epochs=5, verbose=0)
    test = [Painted(number) for number in range(1000, 1040)]
    truths = [Truth.of(each) for each in test]
    found = kc.models.detect(model, [each.image for each in test], [GRID] * 40)
    assert average_precision(found, truths, 3, rules="voc10").figures["AP"] > 0.9
    # Moved boxes are nearer than those of the grid.
    assert average_precision(found, truths, 3, rules="voc10", threshold=0.75).figures["AP"] > 0.6


def test_pictures_of_any_size_and_without_proposals_are_answered():
    model = kc.models.fast_rcnn(backbone(size=None), 3, units=(8,), dropout=0.0, stride=4)
    images = [np.zeros(shape, "uint8") for shape in ((32, 40, 3), (32, 40, 3), (20, 32, 3))]
    found = kc.models.detect(model, images, [[], [[0, 0, 9, 9]], []], least_score=0.0)
    assert [each.boxes.shape for each in found] == [(0, 4), (3, 4), (0, 4)]
    assert isinstance(found[0], Detections)
    with pytest.raises(InputError, match="equally many"):
        kc.models.detect(model, images, [[]])


def test_what_is_found_in_a_resized_picture_is_told_in_its_own_pixels():
    model = detector(bins=2)
    kernel, _ = model.get_layer("classes").get_weights()
    model.get_layer("classes").set_weights([kernel, np.float32([3, 2, 1, 0])])
    ask = {"least_score": 0.0, "threshold": 1.0}
    images = [np.full(shape, 200, "uint8") for shape in ((32, 32, 3), (96, 64, 3))]
    proposals = [np.float32([[4, 8, 20, 30]]), np.float32([[12, 16, 60, 60]])]
    expected, found = kc.models.detect(model, images, proposals, **ask)
    assert expected.box_labels.tolist() == found.box_labels.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.boxes, expected.boxes * [3, 2, 3, 2], atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)


def test_boxes_are_clipped_to_the_picture_and_alike_ones_suppressed():
    model = detector()
    (classes,) = (layer for layer in model.layers if layer.name == "classes")
    # Sure of the first class whatever it sees.
    kernel, bias = classes.get_weights()
    classes.set_weights([kernel * 0, np.float32([9, 0, 0, 0])])
    image = np.zeros((32, 32, 3), "uint8")
    # The last is clipped away.
    proposals = [[20, 20, 40, 40], [20, 20, 39, 40], [0, 0, 8, 8], [50, 0, 60, 8]]
    (found,) = kc.models.detect(model, [image], [proposals])
    assert found.box_labels.tolist() == [0, 0] and found.scores.min() > 0.99
    assert found.boxes.max() == 32
    (all_three,) = kc.models.detect(model, [image], [proposals], threshold=1.0, most=2)
    assert len(all_three) == 2


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a graph of TensorFlow")
def test_neither_pictures_nor_regions_are_counted_in_a_graph():
    import tensorflow as tf

    model, given = detector(), inputs(3, 7)
    specs = {"image": tf.TensorSpec((None, 32, 32, 3)), "boxes": tf.TensorSpec((None, None, 4))}
    graph = tf.function(lambda asked: model(asked, training=False), input_signature=[specs])
    said, expected = graph(given), model.predict_on_batch(given)
    for name, each in expected.items():
        np.testing.assert_allclose(said[name], each, atol=1e-5)


def test_from_an_overlap_of_a_half_on_a_region_shows_something_and_below_it_is_background():
    example = Painted(0)
    example.boxes = np.float32([[0, 0, 20, 20]])
    # Overlaps of 0.5, 0.49 and 0 by the areas 200, 196 and 0 of 400.
    proposals = np.float32([[0, 0, 10, 20], [0, 0, 9.8, 20], [22, 22, 30, 30]])
    given, wanted = next(iter(kc.data.region_batches(
        [example], [proposals], classes=3, batch_size=1, seed=0, regions=64, augment=(),
    )))  # fmt: skip
    heights = np.asarray(given["boxes"])[0, :, 2] - np.asarray(given["boxes"])[0, :, 0]
    shows = np.asarray(wanted["classes"])[0] < 3
    assert {round(float(each), 1) for each in heights[shows]} == {10.0, 20.0}
    assert {round(float(each), 1) for each in heights[~shows]} == {9.8, 8.0}


def test_the_last_layers_are_drawn_as_wide_as_the_paper_draws_them():
    model = detector(units=(256,))
    spread = {name: np.std(model.get_layer(name).get_weights()[0])
              for name in ("classes", "head_offsets")}  # fmt: skip
    assert spread["classes"] == pytest.approx(0.01, rel=0.15)
    assert spread["head_offsets"] == pytest.approx(0.001, rel=0.15)
