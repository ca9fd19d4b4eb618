"""Models of several images and of layers called again: the map is that of the image asked for."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc

SIDE = 48


def spot(place):
    """A black picture with a bright square around one place of its diagonal."""
    x = np.zeros((1, SIDE, SIDE, 1), "float32")
    x[:, place - 4 : place + 4, place - 4 : place + 4] = 1
    return x


def encoder(name="enc"):
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(
                1, 3, padding="same", activation="relu", kernel_initializer="ones", name="c"
            ),
            layers.GlobalAveragePooling2D(),
        ],
        name=name,
    )


def pair():
    return keras.Input((SIDE, SIDE, 1), name="left"), keras.Input((SIDE, SIDE, 1), name="right")


def siamese():
    enc, (a, b) = encoder(), pair()
    return keras.Model(
        [a, b], layers.Dense(1, kernel_initializer="ones")(layers.Add()([enc(a), enc(b)]))
    )


def two_branches():
    a, b = pair()
    both = layers.Add()([encoder("one")(a), encoder("two")(b)])
    return keras.Model([a, b], layers.Dense(1, kernel_initializer="ones")(both))


def peak(maps):
    return tuple(int(x) for x in np.unravel_index(maps[0].argmax(), maps[0].shape))


@pytest.mark.parametrize("method", ["grad_cam", "layer_cam", "eigen_cam", "score_cam"])
@pytest.mark.parametrize("build", [siamese, two_branches])
def test_the_map_lies_on_the_spot_of_the_image_explained(build, method):
    model, images = build(), [spot(8), spot(40)]
    for image, place in ((None, 8), ("left", 8), (0, 8), ("right", 40), (1, 40)):
        found = kc.analysis.cam(model, images, target=1, method=method, image=image)
        # The sum over 3 x 3 is highest within the square; the first of equal points counts.
        assert peak(found) == (place - 3, place - 3), image
        assert found[0, place, place] == found.max()


def test_the_example_of_the_report():
    found = kc.analysis.cam(siamese(), [spot(8), spot(40)], target=1)[0]
    assert found[8, 8] == found.max() > 0 and found[40, 40] == 0


def test_pixels_of_the_image_asked_for_are_differentiated():
    model, images = two_branches(), [spot(8), spot(40)]
    for explain in (kc.analysis.saliency, kc.analysis.guided_gradients):
        left, right = (explain(model, images, target=1, image=each) for each in ("left", "right"))
        assert left.any() and right.any()
    # The right branch looks closer to what is not black.
    model.get_layer("two").layers[0].bias.assign([-1.0])
    found = kc.analysis.saliency(model, images, target=1, image="right")
    assert found[0, 40, 40] > 0 and found[0, 8, 8] == 0


def test_calls_of_one_layer_have_paths_of_their_own():
    model, images = siamese(), [spot(8), spot(40)]
    assert kc.analysis.cam_layer(model) == "enc(0)/c"
    assert kc.analysis.cam_layer(model, image="right") == "enc(1)/c"
    expected = kc.analysis.cam(model, images, target=1)
    for layer in ("enc(0)/c", "enc/c", "c"):
        np.testing.assert_array_equal(
            kc.analysis.cam(model, images, target=1, layer=layer), expected
        )
    with pytest.raises(kc.InputError, match=r"'enc\(1\)/c' does not depend on the image 'left'"):
        kc.analysis.CAM(model, layer="enc(1)/c")
    with pytest.raises(kc.InputError, match=r"such as enc\(1\)/c\. Did you mean 'enc\(1\)/c'"):
        kc.analysis.CAM(model, layer="enc(0)/c", image="right")


def test_a_layer_called_again_on_the_same_image_is_asked_for_by_its_number():
    image = keras.Input((SIDE, SIDE, 1))
    again = layers.Conv2D(1, 3, padding="same", activation="relu", name="again")
    x = again(again(again(image)))
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    assert kc.analysis.cam_layer(model) == "again(2)"
    with pytest.raises(
        kc.InputError, match=r"several layers 'again': again\(0\), again\(1\), again\(2\)"
    ):
        kc.analysis.CAM(model, layer="again")
    found = kc.analysis.FeatureMaps(model, ["again(0)", "again(2)"])([spot(20)])
    np.testing.assert_allclose(found[0], np.asarray(again(spot(20))), atol=1e-6)
    np.testing.assert_allclose(found[1], np.asarray(again(again(again(spot(20))))), atol=1e-6)


def test_a_loaded_model_has_the_paths_it_had(tmp_path):
    enc, (a, b) = encoder(), pair()
    # Calls elsewhere and their age do not count, but where they stand.
    enc(keras.Input((SIDE, SIDE, 1)))
    first, second = enc(a), enc(b)
    model = keras.Model([a, b], layers.Dense(1)(layers.Add()([second, first])))
    model.save(tmp_path / "model.keras")
    for each in (model, keras.saving.load_model(tmp_path / "model.keras")):
        assert kc.analysis.cam_layer(each, image="right") == "enc(0)/c"
        assert kc.analysis.cam_layer(each, image="left") == "enc(1)/c"


def test_feature_maps_are_those_of_one_image():
    for build, paths in ((siamese, ("enc(0)/c", "enc(1)/c")), (two_branches, ("one/c", "two/c"))):
        for image, path, place in zip(("left", "right"), paths, (8, 40), strict=True):
            maps = kc.analysis.FeatureMaps(build(), image=image)
            assert maps.layers == [path]
            assert peak(maps([spot(8), spot(40)])[0][..., 0]) == (place - 3, place - 3)


def test_what_the_first_output_does_not_depend_on_is_refused():
    (a, b), enc = pair(), encoder()
    first = layers.Dense(2, "softmax", name="first")(enc(a))
    second = layers.Dense(2, name="second")(encoder("other")(b))
    model = keras.Model([a, b], [first, second])
    images = [spot(8), spot(40)]
    with pytest.raises(kc.InputError, match="first output does not depend on the image 'right'"):
        kc.analysis.cam(model, images, target=1, image="right")
    with pytest.raises(kc.InputError, match="a function as target"):
        kc.analysis.saliency(model, images, image="right")
    # The remedy, literally.
    found = kc.analysis.cam(
        model, images, target=lambda outputs: outputs[1][:, 0], image="right", rectify=False
    )
    assert found[0, 40, 40] != 0 and found[0, 8, 8] == 0
    both = keras.Model(
        a, [first, layers.GlobalAveragePooling2D()(layers.Conv2D(1, 3, name="d")(a))]
    )
    with pytest.raises(kc.InputError, match="first output does not depend on the layer 'd'"):
        kc.analysis.cam(both, spot(8), target=1, layer="d")


def test_images_that_are_not_there_are_refused():
    with pytest.raises(kc.InputError, match="image=True was given. Allowed: a whole number or a "):
        kc.analysis.CAM(siamese(), image=True)
    for image in ("middle", 2, -1):
        with pytest.raises(kc.InputError, match=r"by name or number: 'left' \(0\), 'right' \(1\)"):
            kc.analysis.CAM(siamese(), image=image)
    words = keras.Input((5,), name="words")
    picture = keras.Input((SIDE, SIDE, 1), name="picture")
    both = layers.Concatenate()([layers.Dense(2)(words), encoder()(picture)])
    model = keras.Model([words, picture], layers.Dense(3, "softmax")(both))
    assert kc.analysis.cam_layer(model) == kc.analysis.cam_layer(model, image=1) == "enc/c"
    with pytest.raises(kc.InputError, match="image='words' was given"):
        kc.analysis.CAM(model, image="words")


def test_the_layer_that_makes_the_probabilities_is_not_explained_by_itself():
    image = keras.Input((SIDE, SIDE, 1))
    x = layers.Conv2D(2, 3, name="features", activation="relu")(image)
    model = keras.Model(image, layers.Conv2D(3, 1, activation="softmax", name="classes")(x))
    with pytest.raises(kc.InputError, match="'classes' was given, which makes the probabilities"):
        kc.analysis.CAM(model, layer="classes")
