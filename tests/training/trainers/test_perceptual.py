"""Perceptual losses: by hand on a network of one convolution, and what learns from them."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from training.killed_training import check_goes_on

DRAW = np.random.default_rng(0)
PICTURES = DRAW.uniform(0, 255, (6, 12, 16, 3)).astype("float32")
STYLE = DRAW.uniform(0, 255, (20, 14, 3)).astype("float32")


def seeing():
    keras.utils.set_random_seed(1)
    picture = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, activation="relu", padding="same", name="first")(picture)
    x = layers.Conv2D(5, 3, strides=2, activation="relu", padding="same", name="second")(x)
    return keras.Model(picture, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))


def perception(**options):
    options = dict(content=["second"], style=["first", "second"]) | options
    return kc.training.PerceptualLoss(seeing(), prepare=lambda x: x / 255 - 0.5, **options)


def maps_of(network, name, pictures):
    return np.asarray(
        keras.Model(network.input, network.get_layer(name).output)(pictures / 255 - 0.5)
    )


def identity():
    """A network that adds a number to what it gets."""
    picture = keras.Input((None, None, 3))
    kernel = keras.initializers.Constant(np.eye(3).reshape(1, 1, 3, 3))
    return keras.Model(picture, layers.Conv2D(3, 1, kernel_initializer=kernel)(picture))


def test_the_loss_is_the_papers():
    network = identity()
    network.layers[-1].bias.assign([20.0, -10.0, 5.0])
    trainer = kc.training.PerceptualTrainer(
        network, perception(), style=STYLE,
        content_weight=2.0, style_weight=3.0, variation_weight=1e-3, pixel_weight=7.0,
    )  # fmt: skip
    trainer.compile("sgd")
    logs = trainer.test_on_batch(PICTURES, return_dict=True)
    made, own = PICTURES + [20, -10, 5], seeing()
    second = [maps_of(own, "second", x.astype("float32")) for x in (made, PICTURES)]
    content = np.square(second[0] - second[1]).sum() / (5 * 6 * 8) / 6
    style = 0.0
    for name in ("first", "second"):
        found, wanted = (maps_of(own, name, x.astype("float32")) for x in (made, STYLE[None]))
        grams = [np.einsum("bijc,bijd->bcd", x, x) / x[0].size for x in (found, wanted)]
        style += np.square(grams[0] - grams[1]).sum() / 6
    across, down = np.diff(made, axis=2)[:, :-1], np.diff(made, axis=1)[:, :, :-1]
    variation = (np.square(across).sum() + np.square(down).sum()) / 6
    pixels = np.mean(np.square(np.array([20, -10, 5]) / 255))
    assert logs["content"] == pytest.approx(content, rel=1e-4)
    assert logs["style"] == pytest.approx(style, rel=1e-4)
    assert logs["variation"] == pytest.approx(variation, rel=1e-4)
    assert logs["pixels"] == pytest.approx(pixels, rel=1e-4)
    expected = 2 * content + 3 * style + 1e-3 * variation + 7 * pixels
    assert logs["loss"] == pytest.approx(expected, rel=1e-4)


def test_a_style_network_learns_and_the_other_one_does_not():
    keras.utils.set_random_seed(2)
    network, own = kc.models.style_network(filters=2, blocks=1), perception()
    before = [w.copy() for w in own.capture.model.get_weights()]
    trainer = kc.training.PerceptualTrainer(network, own, style=STYLE)
    assert len(trainer.trainable_variables) == len(network.trainable_variables)
    trainer.compile(keras.optimizers.Adam(0.01))
    history = trainer.fit(PICTURES, batch_size=3, epochs=8, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    for found, expected in zip(own.capture.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(kc.InputError, match=r"trainer\.network\.save"):
        trainer.get_config()


def test_a_training_goes_on_where_it_was_killed(tmp_path):
    def make():
        picture = keras.Input((None, None, 3))
        normal = layers.BatchNormalization(momentum=0.5)(picture / 255)
        network = keras.Model(picture, 255 * layers.Conv2D(3, 1, kernel_initializer="ones")(normal))
        made = kc.training.PerceptualTrainer(network, perception(), style=STYLE)
        made.compile("adam")
        return made

    check_goes_on(make, [(PICTURES[n : n + 1],) for n in range(6)], tmp_path)


def test_what_is_seen_in_training_begins_elsewhere_in_each_step(tmp_path):
    def make():
        picture = keras.Input((None, None, 3))
        seen = layers.Conv2D(1, 1, strides=2, kernel_initializer="ones", name="seen")(picture)
        own = kc.training.PerceptualLoss(keras.Model(picture, seen), content=["seen"], style=[])
        network = identity()
        network.layers[-1].kernel.assign(0.5 * network.layers[-1].kernel)
        made = kc.training.PerceptualTrainer(network, own, variation_weight=0.0, shift=1)
        made.compile(keras.optimizers.SGD(1e-12))
        return made

    # One place in four has a value: a stride of 2 sees it or does not.
    spots = np.zeros((1, 8, 8, 3), "float32")
    spots[:, ::2, ::2] = 2.0
    trainer = make()
    told = [trainer.train_on_batch(spots, return_dict=True)["content"] for _ in range(16)]
    assert {round(float(each), 3) for each in told} == {0.0, 9.0}
    assert trainer.test_on_batch(spots, return_dict=True)["content"] == pytest.approx(9)
    check_goes_on(make, [(spots,)] * 6, tmp_path)


def test_super_resolution_learns_from_pairs():
    keras.utils.set_random_seed(2)
    network = kc.models.super_resolution(4, filters=2, blocks=1)
    trainer = kc.training.PerceptualTrainer(
        network, perception(), content_weight=0.0, variation_weight=0.0, pixel_weight=1.0
    )
    trainer.compile(keras.optimizers.Adam(0.01))
    small = PICTURES.reshape(6, 3, 4, 4, 4, 3).mean(axis=(2, 4))
    history = trainer.fit(small, PICTURES, batch_size=3, epochs=6, verbose=0).history
    assert history["pixels"][-1] < history["pixels"][0] and history["content"][-1] == 0


def test_levels_of_vgg_are_the_papers_layers():
    network = kc.models.VGG16(input_shape=(None, None, 3), include_top=False, weights=None)
    found = kc.training.PerceptualLoss(network)
    assert found.content == ("stage3_relu3",)
    assert found.style == ("stage1_relu2", "stage2_relu2", "stage3_relu3", "stage4_relu3")


def test_pictures_are_no_level_where_the_first_convolution_takes_a_step():
    network = kc.models.SqueezeNet1_1(input_shape=(64, 64, 3), width=0.1, weights=None)
    found = kc.training.PerceptualLoss(network)
    maps = found.maps(PICTURES[:1].repeat(3, axis=1).repeat(3, axis=2))
    sides = [48, *(maps[name].shape[1] for name in found.style)]
    assert len(sides) == 5 and all(b <= a // 2 for a, b in itertools.pairwise(sides))
    assert found.content == found.style[2:3]


def test_descending_on_the_pixels_lowers_the_same_loss():
    pytest.importorskip("scipy")
    own = perception()
    found = kc.training.descend_to_style(own, PICTURES[0], STYLE, steps=15)
    assert found.losses[-1] < 0.5 * found.losses[0]
    assert found.picture.shape == PICTURES[0].shape
    assert found.picture.min() >= 0 and found.picture.max() <= 255
    trainer = kc.training.PerceptualTrainer(identity(), own, style=STYLE)
    trainer.compile("sgd")
    logs = trainer.test_on_batch(PICTURES[:1], return_dict=True)
    assert logs["loss"] == pytest.approx(found.losses[0], rel=1e-4)


def test_pictures_of_other_sizes_or_values_are_refused():
    own, network = perception(), kc.models.super_resolution(4, filters=1, blocks=1)
    trainer = kc.training.PerceptualTrainer(network, own, pixel_weight=1.0)
    trainer.compile("sgd")
    with pytest.raises(kc.InputError, match=r"fit\(small, large\)"):
        trainer.train_on_batch(PICTURES, PICTURES)
    assert np.isfinite(trainer.train_on_batch(PICTURES[:, ::4, ::4], PICTURES)).all()
    for style in (STYLE[..., :1], STYLE * np.nan, STYLE - 256):
        with pytest.raises(kc.InputError, match="style has"):
            kc.training.PerceptualTrainer(identity(), own, style=style)
    with pytest.raises(kc.InputError, match="content has"):
        kc.training.descend_to_style(own, PICTURES[0] * np.nan, STYLE, steps=1)
    with pytest.raises(kc.InputError, match="seed=-1.*Pass seed=0"):
        kc.training.descend_to_style(own, PICTURES[0], STYLE, steps=1, start="noise", seed=-1)
    with pytest.raises(kc.InputError, match="weight of style is -1"):
        kc.training.descend_to_style(own, PICTURES[0], STYLE, steps=1, style_weight=-1.0)


def test_small_and_large_pictures_are_looked_at():
    network = kc.models.super_resolution(4, filters=1, blocks=1)
    trainer = kc.training.PerceptualTrainer(network, perception(), pixel_weight=1.0)
    trainer.compile("sgd")
    small = PICTURES[:, ::4, ::4]
    for pair in ((small / 255, PICTURES), (small, PICTURES / 255)):
        with pytest.raises(kc.InputError, match=r"pictures \* 255"):
            trainer.fit(*pair, verbose=0)
    for large in (np.arange(6), PICTURES[..., 0] / 255, PICTURES[..., :1]):
        with pytest.raises(kc.InputError, match=r"fit\(small, large\)"):
            trainer.fit(small, large, verbose=0)
    trainer.fit(small, PICTURES, verbose=0)


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda x: x * np.nan, "finite numbers"),
        (lambda x: x + np.inf, "finite numbers"),
        (lambda x: x / 50 - 2.1, "between 0 and 255"),
        (lambda x: x * 257, "between 0 and 255"),
        (lambda x: x * 2 - 255, "between 0 and 255"),
        (lambda x: x / 255, r"pictures \* 255"),
    ],
)
def test_one_range_holds_for_all_that_takes_pictures(change, told):
    """What a training refuses, the descent and the finished network refuse too."""
    trainer = kc.training.PerceptualTrainer(identity(), perception(), style=STYLE)
    trainer.compile("sgd")
    other = change(PICTURES)
    for attempt in (
        lambda: trainer.fit(other, verbose=0),
        lambda: trainer.predict(other, verbose=0),
        lambda: kc.models.transform_pictures(identity(), other),
        lambda: kc.training.descend_to_style(perception(), other[0], STYLE, steps=1),
        lambda: kc.training.PerceptualTrainer(identity(), perception(), style=other[0]),
    ):
        with pytest.raises(kc.InputError, match=told):
            attempt()
    # What rounds to the range, and dark pictures of whole numbers, are in it.
    trainer.fit(PICTURES * 1.0001 - 0.2, verbose=0)
    kc.models.transform_pictures(identity(), np.ones((1, 4, 4, 3), "uint8"))


def test_what_is_prepared_has_to_fit_the_network():
    picture = keras.Input((None, None, 1))
    grey = keras.Model(picture, layers.Conv2D(2, 3, name="seen")(picture))
    with pytest.raises(kc.InputError, match=r"keras\.ops\.mean\(pictures, axis=-1, keepdims"):
        kc.training.PerceptualLoss(grey).maps(PICTURES)
    for lost in (lambda x: x[..., 0], lambda x: x[..., :1]):
        own = kc.training.PerceptualLoss(seeing(), prepare=lost)
        with pytest.raises(kc.InputError, match="Let prepare keep the axes"):
            own.maps(PICTURES)
    mended = kc.training.PerceptualLoss(
        grey, prepare=lambda x: keras.ops.mean(x, axis=-1, keepdims=True)
    )
    assert mended.maps(PICTURES)["seen"].shape == (6, 10, 14, 2)


def test_a_layer_is_named_once():
    for named in ({"content": ["second", "second"]}, {"style": ["first", "second", "first"]}):
        with pytest.raises(kc.InputError, match="more than once"):
            perception(**named)


def test_layers_of_the_style_weigh_what_they_are_given():
    plain, weighed = perception(), perception(style={"first": 2.0, "second": 0.5})
    maps, grams = plain.maps(PICTURES), plain.style_of(STYLE)
    first, second = plain.style_distances(maps, grams).values()
    found = weighed.style_distance(weighed.maps(PICTURES), grams)
    np.testing.assert_allclose(found, 2 * np.asarray(first) + 0.5 * np.asarray(second), rtol=1e-5)
    assert (plain.style_distance(maps, grams) == first + second).numpy().all()
    with pytest.raises(kc.InputError, match="weight of first is -1"):
        perception(style={"first": -1.0})


def test_a_descent_does_not_stop_where_the_loss_is_small():
    pytest.importorskip("scipy")
    seen = kc.training.PerceptualLoss(
        seeing(), content=["second"], style=["first"], prepare=lambda x: 0.1 * (x / 255 - 0.5)
    )
    found = kc.training.descend_to_style(
        seen, PICTURES[0], STYLE, steps=15, variation_weight=0.0, start="noise"
    )
    assert 0 < found.losses[-1] < 0.8 * found.losses[0] < 1e-6


def test_no_loss_at_all_is_refused():
    with pytest.raises(kc.InputError, match="pixel_weight=1"):
        kc.training.PerceptualTrainer(
            identity(), perception(), content_weight=0.0, variation_weight=0.0
        )
    # Of no layers there is no content, and of no picture no style.
    own = perception(content=[])
    with pytest.raises(kc.InputError, match="layers that were not given.*pixel_weight=1"):
        kc.training.PerceptualTrainer(identity(), own, variation_weight=0.0)
    trainer = kc.training.PerceptualTrainer(identity(), own, style=STYLE)
    assert {name for name, weight in trainer.weights_of.items() if weight} == {"style", "variation"}


def test_weights_that_would_count_nothing_are_refused():
    own = perception(content=[])
    for idle, told, given in (
        ({"content_weight": 7.0}, "without layers of it", {"style": STYLE}),
        ({"style_weight": 7.0}, "without a style", {"pixel_weight": 1.0}),
        ({"shift": 3}, "where nothing is seen", {"pixel_weight": 1.0}),
    ):
        with pytest.raises(kc.InputError, match=f"{told}, where it counts nothing.*Leave"):
            kc.training.PerceptualTrainer(identity(), own, **idle, **given)
        kc.training.PerceptualTrainer(identity(), own, **given)
        none = dict.fromkeys(idle, 0)
        kc.training.PerceptualTrainer(identity(), own, **none, **given)


def test_pictures_of_other_values_or_too_small_ones_are_refused():
    trainer = kc.training.PerceptualTrainer(identity(), perception(), shift=11)
    trainer.compile(keras.optimizers.SGD(1e-9))
    for values, told in ((PICTURES / 255, r"\* 255"), (PICTURES / 127.5 - 1, r"\* 127.5")):
        with pytest.raises(kc.InputError, match=told):
            trainer.fit(values, verbose=0)
    with pytest.raises(kc.InputError, match="12 rows.*shift=11.*sides of 13 and more"):
        trainer.fit(PICTURES, verbose=0)
    network = kc.models.VGG11(input_shape=(None, None, 3), include_top=False, weights=None)
    deep = kc.training.PerceptualLoss(network)
    with pytest.raises(kc.InputError, match="7 rows or columns.*stride of 8.*sides of 8 and more"):
        deep.style_of(STYLE[:7, :9])
    assert len(deep.style_of(STYLE[:8, :9])) == 4
    own = kc.training.PerceptualLoss(network, content=[], style=deep.style[:2])
    assert len(own.style_of(STYLE[:2, :2])) == 2


def on_a_backend():
    """Losses of a style network that is trained; of steps that are small."""
    own = perception()
    draw = np.random.default_rng(3)
    own.capture.model.set_weights(
        [draw.normal(0, 0.3, w.shape) for w in own.capture.model.get_weights()]
    )
    trainer = kc.training.PerceptualTrainer(identity(), own, style=STYLE, pixel_weight=1.0)
    trainer.network.layers[-1].bias.assign([20.0, -10.0, 5.0])
    trainer.compile(keras.optimizers.SGD(1e-3))
    history = trainer.fit(PICTURES, batch_size=6, epochs=2, verbose=0).history
    # Of even pictures all parts are alike, wherever an engine's numbers let them begin.
    even = np.full((2, 8, 8, 3), 100, "float32")
    picture = keras.Input((None, None, 3))
    seen = layers.Conv2D(1, 1, strides=2, kernel_initializer="ones", name="seen")(picture / 255)
    own = kc.training.PerceptualLoss(keras.Model(picture, seen), content=["seen"], style=[])
    moving = kc.training.PerceptualTrainer(trainer.network, own, variation_weight=0.0, shift=2)
    moving.compile(keras.optimizers.SGD(1e-3))
    moved = moving.fit(even, batch_size=2, epochs=2, verbose=0).history
    return [np.array([*history["loss"], *history["style"], *moved["loss"]])]
