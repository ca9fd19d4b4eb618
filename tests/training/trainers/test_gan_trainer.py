"""Adversarial nets: both losses by hand, whose gradients go where, and a model like any other."""

import re
import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from training.killed_training import check_goes_on

PICTURES = np.random.default_rng(0).uniform(-1, 1, (24, 8, 8, 1)).astype("float32")


def networks(seed=1):
    keras.utils.set_random_seed(seed)
    generator = kc.models.dcgan_generator((8, 8, 1), filters=4, latent=3)
    return generator, kc.models.dcgan_discriminator((8, 8, 1), filters=4)


def trainer(optimizers=("sgd", "sgd"), **arguments):
    made = kc.training.GANTrainer(*networks(), **arguments)
    made.compile(*optimizers)
    return made


def plain(latent=2):
    """Networks without statistics, whose answers can be made again."""
    keras.utils.set_random_seed(3)
    code, picture = keras.Input((latent,)), keras.Input((4, 4, 1))
    generator = keras.Model(code, layers.Reshape((4, 4, 1))(layers.Dense(16, "tanh")(code)))
    return generator, keras.Model(picture, layers.Dense(1)(layers.Flatten()(picture)))


@pytest.mark.parametrize("loss, smoothing", [("non_saturating", 0.0), ("minimax", 0.1)])
def test_losses_and_steps_are_the_papers(loss, smoothing):
    generator, discriminator = plain()
    model = kc.training.GANTrainer(generator, discriminator, loss=loss, smoothing=smoothing)
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.3))
    real = PICTURES[:6, :4, :4]
    latents = ops.convert_to_numpy(
        keras.random.uniform((6, 2), -1, 1, seed=keras.random.SeedGenerator(0))
    )
    (kernel, bias), (by, start) = generator.get_weights(), discriminator.get_weights()
    made = np.tanh(latents @ kernel + bias)
    on_real, on_made = (x.reshape(6, -1) @ by + start for x in (real, made))
    d_real, d_made = (1 / (1 + np.exp(-x)) for x in (on_real, on_made))
    keep = 1 - smoothing
    own = -(keep * np.log(d_real) + (1 - keep) * np.log(1 - d_real) + np.log(1 - d_made)).mean()
    others = {"non_saturating": -np.log(d_made), "minimax": np.log(1 - d_made)}[loss].mean()
    # What the logits' gradients are.
    by_made = {"non_saturating": d_made - 1, "minimax": -d_made}[loss] / 6
    step = np.concatenate([(d_real - keep) / 6, d_made / 6])
    expected_by = by - 0.1 * np.concatenate([real.reshape(6, -1), made]).T @ step
    expected_kernel = kernel - 0.3 * latents.T @ (by_made @ by.T * (1 - made**2))

    found = model.train_on_batch(real, return_dict=True)
    assert found["discriminator_loss"] == pytest.approx(own, rel=1e-5)
    assert found["generator_loss"] == pytest.approx(others, rel=1e-5)
    assert found["loss"] == pytest.approx(own + others, rel=1e-5)
    assert found["real_score"] == pytest.approx(d_real.mean(), rel=1e-5)
    assert found["made_score"] == pytest.approx(d_made.mean(), rel=1e-5)
    spread = made.std(axis=0).mean() / real.std(axis=0).mean()
    assert found["diversity"] == pytest.approx(spread, rel=1e-4)
    np.testing.assert_allclose(discriminator.get_weights()[0], expected_by, atol=1e-6)
    np.testing.assert_allclose(generator.get_weights()[0], expected_kernel, atol=1e-6)


def test_real_and_made_pictures_are_normalised_apart_and_the_generator_moves_no_statistics():
    keras.utils.set_random_seed(5)
    picture = keras.Input((8, 8, 1))
    x = layers.BatchNormalization(momentum=0.5)(picture)
    own = keras.Model(picture, layers.Dense(1)(layers.Flatten()(x)))
    model = kc.training.GANTrainer(networks()[0], own)
    model.compile(keras.optimizers.SGD(1e-9), keras.optimizers.SGD(1e-9))
    real = (PICTURES + 1.5) / 2
    model.train_on_batch(real)
    latents = keras.random.uniform((24, 3), -1, 1, seed=keras.random.SeedGenerator(0))
    made = ops.convert_to_numpy(model.generator(latents, training=True))
    # Once the real ones, then the made ones, and no third time.
    expected = 0.5 * (0.5 * real.mean()) + 0.5 * made.mean()
    assert own.layers[1].moving_mean.numpy()[0] == pytest.approx(expected, abs=1e-4)


def test_the_real_side_is_smoothed_in_training_alone():
    real, found = PICTURES[:6, :4, :4], {}
    for smoothing in (0.0, 0.5):
        for way in ("test_on_batch", "train_on_batch"):
            model = kc.training.GANTrainer(*plain(), smoothing=smoothing)
            model.compile("sgd", "sgd")
            on_real = float(ops.mean(model.discriminator(real)))
            told = getattr(model, way)(real, return_dict=True)
            found[way, smoothing] = float(told["discriminator_loss"])
    assert abs(on_real) > 0.01
    assert found["test_on_batch", 0.5] == pytest.approx(found["test_on_batch", 0.0], rel=1e-6)
    apart = found["train_on_batch", 0.5] - found["train_on_batch", 0.0]
    assert apart == pytest.approx(0.5 * on_real, rel=1e-3)


@pytest.mark.parametrize("latent, deviation, most", [("uniform", 3**-0.5, 1.0), ("normal", 1, 9)])
def test_pictures_are_made_of_numbers_about_zero(latent, deviation, most):
    given = trainer(latent=latent, smoothing=0.1, loss="minimax", seed=3).get_config()
    model = kc.training.GANTrainer.from_config(given)
    assert (model.latent, model.smoothing, model.form, model.seed) == (latent, 0.1, "minimax", 3)
    for found in (model.latents(2000, seed=1), ops.convert_to_numpy(model._latents(2000))):
        assert found.shape == (2000, 3)
        assert found.std() == pytest.approx(deviation, rel=0.05)
        assert abs(found.mean()) < 0.05 and 0.99 < np.abs(found).max() <= most


def test_callbacks_move_the_rates_of_both_optimizers():
    model = trainer((keras.optimizers.Adam(4e-4), keras.optimizers.Adam(2e-4)))
    slower = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 4)
    history = model.fit(PICTURES[:8], verbose=0, callbacks=[slower]).history

    def rates():
        return [float(part.learning_rate) for part in model.optimizer.parts]

    assert rates() == pytest.approx([1e-4, 5e-5]) and history["learning_rate"] == rates()[:1]
    # As half precision wraps it.
    keras.optimizers.LossScaleOptimizer(model.optimizer).learning_rate = 3e-4
    assert rates() == pytest.approx([3e-4, 1.5e-4])
    # Warmed up from 0, or out of what is no number, the second is still half of the first.
    for rate in (0.0, np.nan, np.inf, 1e-3):
        model.optimizer.learning_rate = rate
    assert rates() == pytest.approx([1e-3, 5e-4])
    # Set alone, it has another part from then on.
    model.optimizer.parts[1].learning_rate = 2e-3
    model.optimizer.learning_rate = 1e-4
    assert rates() == pytest.approx([1e-4, 2e-4])
    for part in trainer((None, None)).optimizer.parts:
        assert isinstance(part, keras.optimizers.Adam) and part.beta_1 == 0.5
        assert float(part.learning_rate) == pytest.approx(2e-4)


def test_pictures_that_the_generator_cannot_make_are_refused():
    grey = (PICTURES[:8] + 1) * 127.5
    model = trainer()
    with pytest.raises(kc.InputError, match="between -1 and 1.*pictures / 127.5 - 1"):
        model.fit(grey, verbose=0)
    model.fit(grey / 127.5 - 1, verbose=0)
    dense = kc.models.gan_generator((8, 8, 1), latent=3, units=(4,))
    model = kc.training.GANTrainer(dense, networks()[1])
    model.compile("sgd", "sgd")
    assert model.picture_range == (0, 1) and trainer().picture_range == (-1, 1)
    for pictures, whose in ((grey, "0 to 255 there"), (PICTURES, "-1 to 1")):
        with pytest.raises(kc.InputError, match="values between 0 and 1") as refused:
            model.fit(pictures, verbose=0)
        remedy = re.search(f"those of {whose}: ([^;]*[^;.])", str(refused.value))[1]
        brought = eval(remedy, {"pictures": pictures})
        # All of the range, and not a part of it.
        assert 0 <= brought.min() < 0.01 and 0.99 < brought.max() <= 1
        model.fit(brought, verbose=0)


def test_a_batch_of_one_says_nothing_of_diversity():
    watch = kc.callbacks.WarnOfCollapse(patience=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        history = trainer().fit(PICTURES[:2], batch_size=1, verbose=0, callbacks=[watch]).history
    assert np.isnan(history["diversity"]).all()
    whole = trainer().train_on_batch(PICTURES[:8], return_dict=True)["diversity"]
    history = trainer().fit(PICTURES[:9], batch_size=8, shuffle=False, verbose=0).history
    assert history["diversity"] == pytest.approx([float(whole)], rel=1e-5)


def test_it_is_saved_with_both_optimizers(tmp_path):
    model = trainer(("adam", keras.optimizers.Adam(3e-4)))
    model.fit(PICTURES, batch_size=8, verbose=0)
    model.save(tmp_path / "gan.keras")
    twin = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(twin.generate(5), model.generate(5))
    rates = [float(part.learning_rate) for part in twin.optimizer.parts]
    assert rates == pytest.approx([1e-3, 3e-4])
    for found, expected in zip(twin.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_training_goes_on_where_it_was_killed(tmp_path):
    batches = [(PICTURES[4 * n : 4 * n + 4],) for n in range(6)]
    check_goes_on(lambda: trainer(("adam", "adam")), batches, tmp_path)


def test_half_precision_trains():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = trainer((None, None))
    finally:
        keras.config.set_dtype_policy("float32")
    before = [w.copy() for w in model.get_weights()]
    logs = model.fit(PICTURES, batch_size=8, verbose=0).history
    assert all(np.isfinite(values).all() for values in logs.values())
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_grid_of_the_same_numbers_is_drawn_and_collapse_is_warned_of(tmp_path):
    model = trainer()
    code = keras.Input((3,))
    # The code counts nothing.
    one = keras.Model(code, layers.Reshape((8, 8, 1))(layers.Dense(64, "tanh")(0.0 * code)))
    model = kc.training.GANTrainer(one, model.discriminator)
    model.compile()
    draws = kc.callbacks.Generated(tmp_path, pictures=4)
    with pytest.warns(UserWarning, match="hardly differ"):
        model.fit(
            PICTURES, batch_size=12, epochs=2, verbose=0,
            callbacks=[draws, kc.callbacks.WarnOfCollapse()],
        )  # fmt: skip
    assert [each.name for each in sorted(tmp_path.iterdir())] == [
        "generated-epoch-0001.png",
        "generated-epoch-0002.png",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer().fit(
            PICTURES * 0.1, epochs=2, verbose=0, callbacks=[kc.callbacks.WarnOfCollapse()]
        )


@pytest.mark.parametrize(
    "end, wide",
    [
        (lambda x: layers.Reshape((4, 4, 1))(ops.tanh(layers.Dense(16)(x))), 1),
        (lambda x: layers.UpSampling2D()(layers.Reshape((2, 2, 1))(layers.Dense(4, "tanh")(x))), 1),
        (
            lambda x: keras.Sequential(
                [keras.Input((2,)), layers.Dense(16, "tanh"), layers.Reshape((4, 4, 1))]
            )(x),
            1,
        ),
        (lambda x: 127.5 * layers.Reshape((4, 4, 1))(layers.Dense(16, "tanh")(x)) + 127.5, 127.5),
        (lambda x: layers.Reshape((4, 4, 1))(layers.Dense(16)(x)), None),
    ],
    ids=["operation", "enlarged", "nested", "scaled", "unbounded"],
)
def test_what_a_generator_can_make_is_read_from_its_graph(end, wide):
    code = keras.Input((2,))
    model = kc.training.GANTrainer(keras.Model(code, end(code)), plain()[1])
    model.compile("sgd", "sgd")
    grey = (PICTURES[:8, :4, :4] + 1) * 127.5
    if wide == 1:
        assert model.picture_range == (-1, 1)
        with pytest.raises(kc.InputError, match="pictures / 127.5 - 1"):
            model.fit(grey, verbose=0)
        grey = grey / 127.5 - 1
    elif wide:
        assert model.picture_range == (0, 255)
        with pytest.raises(kc.InputError, match=r"pictures / 255 \* 255 \+ 0"):
            model.fit(10 * grey, verbose=0)
    else:
        assert model.picture_range == (-1, 1)
    model.fit(grey, verbose=0)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "relu", "tanh"])
def test_a_discriminator_that_ends_in_an_activation_is_refused(activation):
    generator, discriminator = plain()
    ended = layers.Activation(activation)(discriminator.output)
    with pytest.raises(kc.InputError, match="Leave that activation out"):
        kc.training.GANTrainer(generator, keras.Model(discriminator.input, ended))

    class Own(layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    # What cannot be seen into is taken at its word, and a scale is none.
    for logits in (Own()(discriminator.output), 2 * discriminator.output):
        kc.training.GANTrainer(generator, keras.Model(discriminator.input, logits))


def test_a_part_that_scales_its_loss_is_refused():
    """Its gradients would be divided by what the loss was never multiplied with."""
    sgd = keras.optimizers.SGD
    for part in (sgd(1.0, loss_scale_factor=8.0), keras.optimizers.LossScaleOptimizer(sgd(1.0))):
        with pytest.raises(kc.InputError, match="without loss_scale_factor"):
            trainer((part, sgd(1.0)))
    trainer((sgd(1.0), sgd(1.0)))


def test_layers_are_frozen_and_set_free_after_compile():
    model = kc.training.GANTrainer(*plain())
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), run_eagerly=True)
    judge = model.discriminator
    judge.layers[-1].trainable = False
    before = [w.copy() for w in model.get_weights()]
    model.train_on_batch(PICTURES[:4, :4, :4])
    moved = [(a != b).any() for a, b in zip(before, model.get_weights(), strict=True)]
    # The generator's two alone.
    assert moved == [True, True, False, False]
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), run_eagerly=True)
    judge.layers[-1].trainable = True
    with pytest.raises(kc.InputError, match="2 weights.*Compile the model again"):
        model.train_on_batch(PICTURES[:4, :4, :4])
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), run_eagerly=True)
    model.train_on_batch(PICTURES[:4, :4, :4])
    assert (judge.get_weights()[0] != before[2]).any()


def test_networks_of_which_nothing_is_known_are_refused():
    generator, judge = plain()
    unbuilt = keras.Sequential([layers.Dense(16), layers.Reshape((4, 4, 1))])
    with pytest.raises(kc.InputError, match=r"Build it on a keras\.Input"):
        kc.training.GANTrainer(unbuilt, judge)
    named = keras.Model(judge.input, {"logit": judge.output})
    with pytest.raises(kc.InputError, match=r"dictionary of logit.*keras\.Model\(input, output"):
        kc.training.GANTrainer(generator, named)
    code = keras.Input((None,))
    open_code = keras.Model(
        code, layers.Reshape((4, 4, 1))(ops.tile(ops.mean(code, 1, keepdims=True), (1, 16)))
    )
    with pytest.raises(kc.InputError, match="generator from .batch, latent"):
        kc.training.GANTrainer(open_code, judge)
    dense = layers.Dense(16)
    code, picture = keras.Input((2,)), keras.Input((4, 4, 1))
    shared = (
        keras.Model(code, layers.Reshape((4, 4, 1))(dense(layers.Dense(16)(code)))),
        keras.Model(picture, layers.Dense(1)(dense(layers.Flatten()(picture)))),
    )
    with pytest.raises(kc.InputError, match="2 weights in common.*layers of its own"):
        kc.training.GANTrainer(*shared)


def test_networks_that_do_not_fit_are_refused():
    generator, _ = networks()
    with pytest.raises(kc.InputError, match="one image_shape"):
        kc.training.GANTrainer(generator, kc.models.dcgan_discriminator((16, 16, 1), filters=2))
    same = keras.optimizers.Adam()
    with pytest.raises(kc.InputError, match="different objects"):
        trainer((same, same))


def test_what_is_not_for_two_networks_is_refused():
    model = trainer()
    with pytest.raises(kc.InputError, match="discriminator_optimizer, generator_optimizer"):
        model.compile(optimizer="adam")
    with pytest.raises(kc.InputError, match=r"\(count, 3\)"):
        model.generate(np.zeros((2, 5), "float32"))
    assert model.generate(np.zeros((0, 3), "float32")).shape == (0, 8, 8, 1)
    # A step that fails leaves no half-built states behind.
    model = trainer(("adam", "adam"))
    with pytest.raises(ValueError, match="shape"):
        model.fit(np.zeros((8, 16, 16, 1), "float32"), verbose=0)
    assert np.isfinite(model.train_on_batch(PICTURES[:8])).all()


def on_a_backend():
    """Losses and weights after a step that does not depend on what is drawn."""
    generator, discriminator = plain(latent=1)
    draw = np.random.default_rng(4)
    for model in (generator, discriminator):
        model.set_weights([draw.normal(0, 0.5, w.shape) for w in model.get_weights()])
    # Whatever is drawn, the same is made.
    generator.set_weights([np.zeros((1, 16)), generator.get_weights()[1]])
    model = kc.training.GANTrainer(generator, discriminator)
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    found = model.train_on_batch(PICTURES[:6, :4, :4], return_dict=True)
    history = trainer(("adam", "adam")).fit(PICTURES, batch_size=8, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    names = ("discriminator_loss", "generator_loss", "loss")
    return [np.asarray(found[name]) for name in names] + [
        generator.get_weights()[1],
        *discriminator.get_weights(),
    ]
