"""Augmentation and preparation: the right windows, the right statistics, the same draws again."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_classics as kc
from keras_classics.core.cards.recipe import Recipe, step
from keras_classics.data.pictures import preparation
from keras_classics.data.pictures.augmenting import augmentation
from keras_classics.data.splits import Made

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype("float32")
ARGUMENTS = {
    "pad_crop": {"padding": 3},
    "random_crop": {"size": 24},
    "flip": {},
    "scale_jitter": {"size": 24, "smallest": 24, "largest": 60},
    "area_crop": {"size": 24},
    "pca_colour": {"values": np.array([0.2, 0.02, 0.005]), "vectors": np.eye(3)},
}


def recipe(**given) -> Recipe:
    return Recipe(**{"learning_rate": 0.1, "batch_size": 4, "epochs": 1, **given})


def pictures(count: int, side: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), "uint8")


def drawn(*seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", augmentation.STEPS)
def test_steps_are_functions_of_picture_and_seed(name):
    def draw(n):
        return augmentation.STEPS[name](PICTURE, drawn(5, n), **ARGUMENTS[name])

    once, again = ([draw(n) for n in range(12)] for _ in range(2))
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({one.tobytes() for one in once}) > 1
    side = ARGUMENTS[name].get("size")
    assert once[0].shape == ((side, side, 3) if side else PICTURE.shape)


def test_padded_crops_are_windows_of_the_padded_picture():
    padded = np.pad(PICTURE, ((3, 3), (3, 3), (0, 0)))
    windows = {padded[y : y + 40, x : x + 50].tobytes(): (y, x) for y in range(7) for x in range(7)}
    rng = drawn(1)
    places = [windows[augmentation.pad_crop(PICTURE, rng, padding=3).tobytes()]
              for _ in range(300)]  # fmt: skip
    # All of them, to the very edges.
    assert [{place[axis] for place in places} for axis in (0, 1)] == [set(range(7))] * 2
    mirrored = augmentation.pad_crop(PICTURE + 1, drawn(1, 2), padding=3, mode="REFLECT")
    assert mirrored.min() >= 1
    share = augmentation.pad_crop(PICTURE, drawn(1, 2), padding=3 / 40)
    np.testing.assert_array_equal(share, augmentation.pad_crop(PICTURE, drawn(1, 2), padding=3))


def test_half_of_the_pictures_are_mirrored():
    rng = drawn(2)
    found = [augmentation.flip(PICTURE, rng) for _ in range(400)]
    mirrored = sum(np.array_equal(each, PICTURE[:, ::-1]) for each in found)
    assert 150 < mirrored < 250
    assert sum(np.array_equal(each, PICTURE) for each in found) == 400 - mirrored


@pytest.mark.parametrize("shape", [(24, 30), (17, 99), (64, 64), (40, 50)])
def test_pictures_are_resized_as_tensorflow_does(shape):
    expected = tf.image.resize(PICTURE, shape, antialias=True)
    np.testing.assert_allclose(augmentation.resize(PICTURE, *shape), expected, atol=1e-2)


def test_scale_jitter_keeps_the_aspect_and_draws_all_lengths(monkeypatch):
    edge = np.zeros((40, 80, 3), "float32")
    edge[:, 40:] = 255
    for side in (30, 64):
        assert augmentation.resize_shorter(edge, side).shape == (side, 2 * side, 3)
    sides, resize = [], augmentation.resize_shorter

    def watched(image, side):
        sides.append(side)
        return resize(image, side)

    monkeypatch.setattr(augmentation, "resize_shorter", watched)
    rng = drawn(0)
    for _ in range(40):
        crop = augmentation.scale_jitter(edge, rng, size=38, smallest=38, largest=42)
        assert crop.shape == (38, 38, 3)
        assert np.abs(np.diff(crop, axis=0)).max() < 1  # rows are alike: nothing is turned
    assert set(sides) == {38, 39, 40, 41, 42}


def test_area_crops_are_of_the_areas_and_ratios_asked_for(monkeypatch):
    rng = drawn(0)
    whole = augmentation.area_crop(PICTURE, rng, size=24, area=(1, 1), aspect=(1.25, 1.25))
    np.testing.assert_array_equal(whole, augmentation.resize(PICTURE, 24, 24))
    shapes = []

    def watched(image, *size):
        shapes.append(image.shape[:2])
        return image

    monkeypatch.setattr(augmentation, "resize", watched)
    wide = np.zeros((400, 500, 3), "float32")
    for _ in range(300):
        augmentation.area_crop(wide, rng, size=24)
    height, width = np.array(shapes).T
    shares, ratios = height * width / wide[..., 0].size, width / height
    assert 0.079 < shares.min() < 0.15 and 0.8 < shares.max() <= 1
    assert 0.74 < ratios.min() < 0.8 and 1.25 < ratios.max() < 1.34
    # What can never fit is the whole picture.
    shapes.clear()
    augmentation.area_crop(wide, rng, size=24, area=(1, 1), aspect=(3, 3))
    assert shapes == [(400, 500)]


def test_ten_crops_are_the_corners_the_centre_and_their_mirrors():
    windows = augmentation.crops(PICTURE, 24, 10)
    assert windows.shape == (10, 24, 24, 3)
    places = [(8, 13), (0, 0), (0, 26), (16, 0), (16, 26)]
    for n, (y, x) in enumerate(places):
        expected = PICTURE[y : y + 24, x : x + 24]
        np.testing.assert_array_equal(windows[n], expected)
        np.testing.assert_array_equal(windows[5 + n], expected[:, ::-1])
    centre = augmentation.crops(PICTURE, 24)
    np.testing.assert_array_equal(centre[0], windows[0])
    small = augmentation.crops(PICTURE, 64)[0]
    np.testing.assert_array_equal(small[12:52, 7:57], PICTURE)
    assert small.sum() == PICTURE.sum()


def test_pca_colour_shifts_all_pixels_alike_along_the_axes():
    values, vectors = augmentation.colour_axes(PICTURE.reshape(-1, 3))
    covariance = np.cov(PICTURE.reshape(-1, 3) / 255, rowvar=False)
    np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, covariance, atol=1e-9)
    assert list(values) == sorted(values, reverse=True)
    shifts = []
    for n in range(300):
        shifted = augmentation.pca_colour(PICTURE, drawn(2, n), values=values, vectors=vectors)
        shift = (shifted - PICTURE)[0, 0] / 255
        np.testing.assert_allclose((shifted - PICTURE) / 255, np.broadcast_to(shift, PICTURE.shape),
                                   atol=1e-5)  # fmt: skip
        shifts.append(vectors.T @ shift)
    # Along each axis: Gaussian, a tenth of its eigenvalue.
    np.testing.assert_allclose(np.std(shifts, axis=0), 0.1 * values, rtol=0.2)
    np.testing.assert_allclose(np.mean(shifts, axis=0) / (0.1 * values), 0, atol=0.25)


@pytest.mark.parametrize("kind", ["per_channel_mean", "per_pixel_mean", "mean_std"])
def test_statistics_are_those_of_the_training_pictures(kind):
    images = pictures(30)
    made = kc.data.fit_preparation(recipe(normalization=step(kind)), images, size=8)
    seen = made.views(images)[:, 0]
    axes = 0 if kind == "per_pixel_mean" else (0, 1, 2)
    np.testing.assert_allclose(seen.mean(axis=axes), 0, atol=1e-3)
    deviation = 1 if kind == "mean_std" else images.std(axis=(0, 1, 2))
    np.testing.assert_allclose(seen.std(axis=(0, 1, 2)), deviation, rtol=0.05)


def test_range_and_contrast():
    images = pictures(5)
    ranged = step("range", low=-0.1, high=1.175)
    made = kc.data.fit_preparation(recipe(normalization=ranged), images, size=8)
    np.testing.assert_allclose(made.views(images)[:, 0], images / 255 * 1.275 - 0.1, atol=1e-5)
    made = kc.data.fit_preparation(recipe(normalization=step("contrast")), images, size=8)
    seen = made.views(images)
    np.testing.assert_allclose(seen.mean(axis=(1, 2, 3, 4)), 0, atol=1e-5)
    np.testing.assert_allclose(seen.std(axis=(1, 2, 3, 4)), 1, atol=1e-4)


def test_the_central_view_is_one_of_ten_and_vectors_have_none():
    images = pictures(3)
    ten = kc.data.fit_preparation(recipe(test_crops=10, resize=10), images, size=8)
    one = kc.data.fit_preparation(recipe(resize=10), images, size=8)
    np.testing.assert_array_equal(ten.central(images), one.views(images)[:, 0])
    with pytest.raises(kc.InputError, match="takes vectors"):
        kc.data.fit_preparation(recipe(), images, size=8, flat=True).central(images)


def test_whitening_leaves_no_correlation():
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(3000, 48)) @ rng.normal(size=(48, 48)) * 8 + 128
    images = np.clip(mixed, 0, 255).astype("uint8").reshape(-1, 4, 4, 3)
    made = kc.data.fit_preparation(recipe(normalization=step("contrast_zca")), images, size=4)
    white = made.views(images).reshape(len(images), -1)
    covariance = np.cov(white, rowvar=False)
    plain = tf.image.per_image_standardization(images).numpy().reshape(len(images), -1)
    variances, axes = np.linalg.eigh(np.cov(plain, rowvar=False))
    # Every direction is divided by the root of its variance and 0.1.
    expected = (axes * (variances / (variances + 0.1))) @ axes.T
    np.testing.assert_allclose(covariance, expected, atol=0.01)
    with pytest.raises(kc.InputError, match="Whitening was asked for"):
        kc.data.fit_preparation(recipe(normalization=step("contrast_zca")), images, size=96)


def test_lengths_follow_the_size_and_grey_vectors_are_made():
    given = recipe(
        resize=256,
        augmentation=(step("pad_crop", padding=4), step("scale_jitter", smallest=256, largest=480)),
        test_crops=10,
    )
    made = kc.data.fit_preparation(given, pictures(3), size=56, native_size=224)
    assert made.resize == 64
    assert made.augmentation[0].arguments == {"padding": 1.0}
    assert made.augmentation[1].arguments == {"smallest": 64.0, "largest": 120.0}
    assert made.views(pictures(2)).shape == (2, 10, 56, 56, 3)
    flat = kc.data.fit_preparation(recipe(), pictures(3), size=6, channels=1, flat=True)
    assert flat.views(pictures(2)).shape == (2, 1, 36)
    assert flat.training(pictures(2), [0, 0]).shape == (2, 36)


def test_a_smaller_resize_pads_with_black():
    made = kc.data.fit_preparation(
        recipe(resize=28, normalization=step("range", low=0.0, high=1.0)),
        pictures(2, 28), size=32, channels=1,
    )  # fmt: skip
    seen = made.views(pictures(1, 28))[0, 0, ..., 0]
    grey = tf.image.rgb_to_grayscale(pictures(1, 28)).numpy()[0, ..., 0] / 255
    np.testing.assert_allclose(seen[2:30, 2:30], grey, atol=1 / 255)
    assert seen[:2].max() == seen[:, -2:].max() == 0


def test_a_preparation_comes_back_from_its_file(tmp_path):
    given = recipe(
        augmentation=(step("flip"), step("pca_colour", deviation=0.1)),
        normalization=step("per_pixel_mean"),
    )
    made = kc.data.fit_preparation(given, pictures(9), size=8)
    made.save(tmp_path / "preparation.npz")
    again = kc.data.Preparation.load(tmp_path / "preparation.npz")
    some = pictures(3, seed=3)
    np.testing.assert_array_equal(made.training(some, [1, 2]), again.training(some, [1, 2]))
    np.testing.assert_array_equal(made.views(some), again.views(some))
    (tmp_path / "preparation.npz").write_bytes(b"PK nothing")
    with pytest.raises(kc.InputError, match="Train again"):
        kc.data.Preparation.load(tmp_path / "preparation.npz")


def test_training_batches_are_the_same_from_any_batch_on():
    given = recipe(augmentation=(step("pad_crop", padding=2), step("flip")))
    part = kc.data.Pictures(pictures(10), list("abcdefghij"), np.arange(10, dtype="int32"))
    made = kc.data.fit_preparation(given, part.images, size=8)
    arguments = {"classes": 10, "batch_size": 4, "seed": 7}
    whole = list(kc.data.classified_batches(part, made, **arguments).take(7))
    late = list(kc.data.classified_batches(part, made, **arguments, first=3).take(4))
    for one, other in zip(whole[3:], late, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    first_epoch = np.concatenate([targets.numpy().argmax(1) for _, targets in whole[:2]])
    assert len(set(first_epoch)) == 8
    assert not np.array_equal(whole[0][0], whole[2][0])
    twice = next(iter(kc.data.classified_batches(part, made, **arguments, outputs=2)))
    assert len(twice[1]) == 2


def test_pictures_of_different_sizes_are_batched_and_answered():
    images = [pictures(1, side)[0] for side in (9, 12, 20)]
    part = kc.data.Pictures(images, ["a", "b", "c"], np.array([0, 1, 0], "int32"))
    made = kc.data.fit_preparation(recipe(test_crops=10), images, size=8)
    batch, _ = next(iter(kc.data.classified_batches(part, made, classes=2, batch_size=3, seed=0)))
    assert batch.shape == (3, 8, 8, 3)
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    )
    answers = kc.data.predict_classes(model, made, images)
    views = made.views(images[1][None])[0]
    np.testing.assert_allclose(answers[1], model.predict_on_batch(views).mean(axis=0), rtol=1e-5)


def test_a_batch_is_one_look_into_memory_and_its_number_alone_decides():
    looks = []

    class Watched(np.ndarray):
        def __getitem__(self, index):
            looks.append(np.shape(index))
            return np.asarray(self)[index]

    given = recipe(augmentation=(step("pad_crop", padding=2), step("flip")))
    images, labels = pictures(10), np.arange(10, dtype="int32")
    made = kc.data.fit_preparation(given, images, size=8)
    part = kc.data.Pictures(images.view(Watched), list("abcdefghij"), labels)
    batches = kc.data.classified_batches(part, made, classes=10, batch_size=4, seed=7, first=3)
    found, targets = next(iter(batches))
    assert set(looks) == {(4,)}
    # The second batch of the second epoch.
    chosen = np.random.default_rng([7, 1]).permutation(10)[4:8]
    np.testing.assert_array_equal(found, made.training(images[chosen], [7, 1, 1]))
    np.testing.assert_array_equal(np.argmax(targets, axis=-1), chosen)

    looks.clear()
    batches = kc.data.validation_batches(part, made, classes=10, batch_size=5)
    seen = np.concatenate([each for each, _ in batches])
    assert sorted(looks) == [(5,), (5,)]
    np.testing.assert_array_equal(seen, made.views(images)[:, 0])


def test_training_without_augmentation_is_what_tests_see():
    images = [pictures(1, side, seed=side)[0] for side in (9, 12, 20)]
    for channels, flat in ((3, False), (1, False), (1, True)):
        made = kc.data.fit_preparation(
            recipe(normalization=step("mean_std")), images, size=8, channels=channels, flat=flat
        )
        np.testing.assert_allclose(made.training(images, 0), made.views(images)[:, 0], atol=1e-6)


def test_statistics_are_of_pictures_of_all_classes(monkeypatch):
    """Of a folder the pictures lie class after class."""
    monkeypatch.setattr(preparation, "SAMPLE", 50)
    images = np.repeat(np.arange(200, dtype="uint8"), 4 * 4 * 3).reshape(200, 4, 4, 3)
    for given in (images, Made(range(200), images.__getitem__)):
        made = kc.data.fit_preparation(
            recipe(normalization=step("per_channel_mean")), given, size=4
        )
        np.testing.assert_allclose(made.arrays["shift"], 99.5, atol=0.6)
        again = kc.data.fit_preparation(
            recipe(normalization=step("per_channel_mean")), given, size=4
        )
        np.testing.assert_array_equal(made.arrays["shift"], again.arrays["shift"])
    looked = np.array(list(preparation._sample(np.arange(200))))
    assert len(looked) == 50 and np.all(np.diff(looked) > 0)
    assert np.array_equal(looked // 4, np.arange(50))
