import json

import keras
import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics.analysis import centre_maps, energy_game, evaluate_maps, pointing_game
from support import run_on, shared

BOX = np.array([[2.0, 3, 5, 7]])


def peak(row, column, side=12):
    """A map with one highest pixel."""
    maps = np.random.default_rng(0).uniform(0, 0.5, (1, side, side))
    maps[0, row, column] = 1
    return maps


@pytest.mark.parametrize(
    ("place", "tolerance", "hit"),
    [
        ((2, 3), 0, 1), ((4, 6), 0, 1), ((5, 6), 0, 0), ((4, 7), 0, 0), ((1, 3), 0, 0),
        ((5, 6), 1, 1), ((7, 4), 2.9, 0), ((7, 4), 3, 1), ((7, 10), 4.9, 0), ((7, 10), 5, 1),
    ],
)  # fmt: skip
def test_a_point_hits_in_the_box_and_within_the_tolerance_around_it(place, tolerance, hit):
    assert pointing_game(peak(*place), [BOX], tolerance) == hit


def test_fifteen_pixels_are_the_usual_tolerance():
    boxes = [[0, 0, 10, 10]]
    assert pointing_game(peak(24, 3, 40), boxes) == 1
    assert pointing_game(peak(25, 3, 40), boxes) == 0


def test_any_box_of_the_class_counts_and_empty_ones_do_not():
    boxes = np.zeros((2, 3, 4))
    boxes[0, :2] = [*BOX, (8, 8, 10, 10)]
    boxes[1, 0] = BOX
    maps = np.concatenate([peak(9, 9), peak(0, 0)])
    np.testing.assert_array_equal(pointing_game(maps, boxes, 0), [1, 0])


def test_flat_maps_point_and_shine_as_chance_would():
    flat = np.ones((1, 10, 20))
    assert pointing_game(flat, [BOX], 0) == pytest.approx(12 / 200)
    assert energy_game(flat, [BOX]) == pytest.approx(12 / 200)


def test_energy_by_hand():
    indicator = np.zeros((1, 10, 10))
    indicator[0, 2:5, 3:7] = 0.3
    assert energy_game(indicator, [BOX]) == pytest.approx(1)
    # As much outside; what is negative takes nothing away; boxes that overlap count once.
    indicator[0, 9, :3] = 1.2, -7, 2.4
    assert energy_game(indicator, [BOX]) == pytest.approx(0.5)
    assert energy_game(indicator, [[*BOX, (2, 3, 5, 8)]]) == pytest.approx(0.5)
    assert energy_game(np.zeros((1, 10, 10)), [BOX]) == 0


def test_pixels_belong_to_a_box_by_their_centres():
    assert pointing_game(peak(2, 3), [[2.4, 3.4, 4, 7]], 0) == 1
    assert pointing_game(peak(2, 3), [[2.6, 3.4, 4, 7]], 0) == 0
    # A box smaller than a pixel has one all the same.
    assert pointing_game(peak(2, 3), [[1.7, 2.7, 1.9, 2.9]], 0) == 1


@pytest.mark.parametrize(
    ("maps", "boxes", "tolerance", "message"),
    [
        (np.ones((2, 4, 4)), [BOX], 0, "1 lists of boxes were given for 2 maps"),
        (np.ones((1, 4, 4)), np.zeros((1, 5, 4)), 0, "1 of them without a box"),
        (np.ones((4, 4)), [BOX], 0, r"shape \(4, 4\)"),
        (np.full((1, 4, 4), np.nan), [BOX], 0, "16 of their values not finite"),
        (np.ones((1, 4, 4)), [BOX], -1, "tolerance=-1"),
    ],
)
def test_what_cannot_be_scored_is_refused(maps, boxes, tolerance, message):
    with pytest.raises(kc.InputError, match=message):
        pointing_game(maps, boxes, tolerance)


def test_centre_maps_point_to_the_centre():
    maps = centre_maps(3, 9, 5)
    assert maps.shape == (3, 9, 5)
    assert all(np.unravel_index(each.argmax(), each.shape) == (4, 2) for each in maps)


def colour_detector():
    """A classifier of red, green and blue by their mean, and pictures of which it is sure."""
    image = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(3, 1, activation="relu", name="colours")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax", name="predictions")(x))
    for name, kernel in (("colours", np.eye(3)[None, None]), ("predictions", 30 * np.eye(3))):
        model.get_layer(name).set_weights([kernel, np.zeros(3)])
    draw = np.random.default_rng(0)
    images = draw.uniform(0, 0.05, (9, 12, 12, 3)).astype("float32")
    corners = draw.integers(0, 8, (9, 2))
    for number, (top, left) in enumerate(corners):
        images[number, top : top + 4, left : left + 4, number % 3] = draw.uniform(0.8, 1, (4, 4))
    return model, images, np.concatenate([corners, corners + 4], axis=1), np.arange(9) % 3


def table(**arguments):
    model, images, boxes, kinds = colour_detector()
    others = {"centre": centre_maps(*images.shape[:3])}
    return evaluate_maps(model, images, boxes, target=kinds, others=others, **arguments)


def test_one_table_tells_methods_that_see_the_object_from_one_that_does_not():
    methods = ["cam", "grad_cam", "score_cam", "occlusion", "integrated_gradients", "rise"]
    scores = table(methods=methods)
    assert [*scores.index] == [*methods, "centre"]
    seeing, blind = scores.loc[methods], scores.loc["centre"]
    assert (seeing["pointing"] == 1).all() and blind["pointing"] < 0.7
    # RISE's cells are half as large as the objects, so that its maps reach out of them.
    assert (seeing["energy"].drop("rise") > 0.65).all() and blind["energy"] < 0.3
    assert seeing["energy"]["rise"] > 0.5
    assert (seeing["deletion"] < blind["deletion"]).all()
    assert (seeing["insertion"] > blind["insertion"]).all()
    assert (seeing["drop %"] < blind["drop %"]).all()
    assert seeing["untrained"].abs().max() <= 1 and np.isnan(blind["untrained"])


def test_methods_that_ask_for_another_head_are_not_admitted():
    model, *_ = colour_detector()
    assert kc.analysis.admitted_methods(model) == kc.analysis.MAP_METHODS
    flat = keras.layers.Flatten()(model.get_layer("colours").output)
    other = keras.Model(model.input, keras.layers.Dense(3)(flat))
    assert kc.analysis.admitted_methods(other) == kc.analysis.MAP_METHODS[1:]
    with pytest.raises(kc.InputError, match="colour"):
        kc.analysis.admitted_methods(model, layer="color")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_table_is_the_same_on_every_backend(backend):
    pytest.importorskip(backend)
    code = (
        "from analysis.maps.test_map_scores import table\n"
        "print(table(methods=['grad_cam', 'eigen_cam']).to_json())"
    )
    found = json.loads(run_on(backend, code).splitlines()[-1])
    for name, column in table(methods=["grad_cam", "eigen_cam"]).items():
        # Each backend draws other weights.
        if name != "untrained":
            assert found[name] == pytest.approx(column.to_dict(), abs=1e-4), name


def test_the_classes_count_alike_however_many_pictures_they_have():
    model, images, boxes, kinds = colour_detector()
    kept = [0, 3, 6, 1, 2]
    # The first class is found in one of its three pictures, the second in all, the third in none.
    maps = np.zeros((5, 12, 12))
    for number, (row, found) in enumerate(zip(kept, (1, 0, 0, 1, 0), strict=True)):
        top, left = boxes[row, :2] if found else (0, 11)
        maps[number, top, left] = 1
    scores = evaluate_maps(
        model, images[kept], boxes[kept], target=kinds[kept], methods=[], others={"own": maps}
    )
    assert scores["pointing"].item() == pytest.approx((1 / 3 + 1 + 0) / 3)


def test_each_animal_of_a_photograph_is_found_by_its_own_class():
    """Bulldog above, cat below: (ymin, xmin, ymax, xmax), measured on the photograph."""
    animals = {243: (14, 78, 148, 165), 282: (119, 44, 224, 200)}
    path = shared("data", "photos", "catdog_both.png")
    weights = shared("data", "weights", "squeezenet_v1.0_imagenet",
                     "squeezenet_v1.0_deepcompression.npz")  # fmt: skip
    model = kc.models.SqueezeNet1_0(classifier_activation=None)
    kc.weights.load_torch(model, weights)
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"), "float32")
    images = np.stack([pixels[..., ::-1] - np.float32([104, 117, 123])] * 2)
    maps = kc.analysis.cam(model, images, method="grad_cam", target=list(animals))
    own = [np.float32([box]) for box in animals.values()]
    assert pointing_game(maps, own, 0).tolist() == [1, 1]
    # The cat's head, which says most, lies in front of the dog.
    assert pointing_game(maps[:1], own[1:], 0) == 0
    assert (energy_game(maps, own) > 1.5 * energy_game(maps, own[::-1])).all()
