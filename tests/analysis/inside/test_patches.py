"""The strongest patches are those that sorting everything finds, in the memory of one batch."""

import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

import keras_classics as kc
from support import run_on

PICTURES = np.random.default_rng(0).normal(size=(37, 12, 10, 3)).astype("float32")


def network():
    keras.utils.set_random_seed(1)
    inner = keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            layers.Conv2D(4, 3, 2, "same", name="first"),
            layers.Conv2D(5, 3, padding="same", activation="relu", name="last"),
        ],
        name="inner",
    )
    image = keras.Input((12, 10, 3))
    x = layers.GlobalAveragePooling2D(name="pooled")(inner(image))
    return keras.Model(image, layers.Dense(2, name="classes")(x))


def sorted_out(model, layer, top):
    """Values and places by sorting the maps of all pictures."""
    (maps,) = kc.analysis.FeatureMaps(model, [layer])(PICTURES)
    flat = maps.reshape(len(maps), -1, maps.shape[-1])
    highest = flat.max(axis=1)
    order = np.argsort(-highest, axis=0, kind="stable")[:top]
    values = np.take_along_axis(highest, order, axis=0)
    where = np.take_along_axis(flat.argmax(axis=1), order, axis=0)
    units = np.stack(np.divmod(where, maps.shape[2]), axis=-1)
    return values.T, order.T, units.swapaxes(0, 1)


def check():
    model = network()
    first, last = kc.analysis.find_patches(model, PICTURES, ["first", "inner/last"], batch_size=8)
    for found, layer in ((first, "inner/first"), (last, "inner/last")):
        values, pictures, units = sorted_out(model, layer, 9)
        assert found.layer == layer and found.values.shape == (len(values), 9)
        np.testing.assert_allclose(found.values, values, rtol=1e-5)
        np.testing.assert_array_equal(found.pictures, pictures)
        np.testing.assert_array_equal(found.units, units)


def test_they_are_what_sorting_all_maps_finds():
    check()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_they_are_found_on_every_backend(backend):
    code = "import keras; from analysis.inside.test_patches import check; check()"
    run_on(backend, f"{code}; assert keras.config.backend() == {backend!r}")


def test_any_stream_of_batches_gives_the_same():
    model = network()
    expected = kc.analysis.find_patches(model, PICTURES, "last", top=3)
    pairs = tf.data.Dataset.from_tensor_slices((PICTURES, np.zeros(37))).batch(7)
    for batches in (pairs, (PICTURES[n : n + 10] for n in range(0, 37, 10))):
        found = kc.analysis.find_patches(model, batches, "last", top=3, batch_size=4)
        np.testing.assert_array_equal(found.pictures, expected.pictures)
    # A class is a layer of one position.
    classes = kc.analysis.find_patches(model, PICTURES, "classes", top=3)
    answers = model.predict_on_batch(PICTURES)
    np.testing.assert_array_equal(classes.pictures, np.argsort(-answers, axis=0)[:3].T)
    assert classes.box(0, 0) == (0, 0, 12, 10)


def test_no_more_pictures_are_held_than_two_batches():
    alive = []

    def stream():
        for _ in range(20):
            batch = np.random.default_rng(0).normal(size=(4, 12, 10, 3)).astype("float32")
            alive.append(weakref.ref(batch))
            yield batch
            assert sum(each() is not None for each in alive) <= 2

    kc.analysis.find_patches(network(), stream(), "last", top=2)
    assert len(alive) == 20


def test_of_equal_pictures_the_first_are_kept():
    equal = np.repeat(PICTURES[:1], 70, axis=0)
    found = kc.analysis.find_patches(network(), equal, "last", top=30)
    np.testing.assert_array_equal(found.pictures, np.tile(np.arange(30), (5, 1)))


def test_crops_are_the_pixels_of_the_field_with_grey_outside():
    model = network()
    found = kc.analysis.find_patches(model, PICTURES, "first", top=4)
    shown = (PICTURES * 20 + 128).clip(0, 255).astype("uint8")
    crops = found.crops([shown[:20], shown[20:]], channels=[1, 3])
    assert [*crops] == [1, 3] and crops[1].shape == (4, 3, 3, 3) and crops[1].dtype == np.uint8
    for channel, own in crops.items():
        for place, crop in enumerate(own):
            picture = shown[found.pictures[channel, place]]
            top, left, *_ = found.box(channel, place, clipped=False)
            padded = np.pad(picture, [(2, 2), (2, 2), (0, 0)], constant_values=128)
            inside = padded[top + 2 : top + 5, left + 2 : left + 5]
            np.testing.assert_array_equal(crop, inside)
    # A field larger than the picture is cut at the picture.
    whole = kc.analysis.find_patches(model, PICTURES, "classes", top=2)
    np.testing.assert_array_equal(whole.crops(shown)[0][0], shown[whole.pictures[0, 0]])


def test_fewer_pictures_than_places(tmp_path):
    found = kc.analysis.find_patches(network(), PICTURES[:2], "last")
    assert (found.pictures[:, 2:] == -1).all() and np.isneginf(found.values[:, 2:]).all()
    kc.analysis.draw_patches(tmp_path / "page.png", found, PICTURES[:2], columns=3)
    with Image.open(tmp_path / "page.png") as page:
        assert page.width > 3 * 100 and page.height > 150


def test_what_is_refused():
    model = network()
    with pytest.raises(kc.InputError, match="No pictures.*make it anew"):
        kc.analysis.find_patches(model, iter([]), "last")
    broken = PICTURES.copy()
    broken[30, 3, 3] = np.nan
    with pytest.raises(kc.InputError, match="Picture 30 is not finite.*NaN"):
        kc.analysis.find_patches(model, broken, "first", batch_size=8)
    found = kc.analysis.find_patches(model, PICTURES, "last", top=2)
    with pytest.raises(kc.InputError, match=r"channels=\[9\].*0 to 4"):
        found.crops(PICTURES, [9])
    with pytest.raises(kc.InputError, match="5 pictures were given.*begins anew"):
        found.crops(PICTURES[:5])
    with pytest.raises(kc.InputError, match="12 x 10 pixels"):
        found.crops(PICTURES[:, :8])
    with pytest.raises(kc.InputError, match="Did you mean 'inner/last'"):
        kc.analysis.find_patches(model, PICTURES, "inner/lst")


@pytest.mark.parametrize("pictures", [None, 3, "photo.png"])
def test_what_are_no_pictures_is_refused(pictures):
    model = network()
    with pytest.raises(kc.InputError, match="was given as pictures.*Pass the pixels"):
        kc.analysis.find_patches(model, pictures, "pooled")


def test_no_layers_and_no_channels_are_refused():
    model = network()
    with pytest.raises(kc.InputError, match="A list of no layers was given"):
        kc.analysis.find_patches(model, PICTURES, [])
    found = kc.analysis.find_patches(model, PICTURES, "pooled")
    with pytest.raises(kc.InputError, match=r"channels=\[\] was given.*Leave channels out"):
        kc.analysis.draw_patches("page.png", found, PICTURES, channels=[])
