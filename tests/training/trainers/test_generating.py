"""Whatever trains networks that make pictures does so in half precision."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc

PICTURES = np.random.default_rng(0).uniform(size=(8, 8, 8, 3)).astype("float32")
POLICIES = ("mixed_float16", "mixed_bfloat16")


def adversarial():
    shape = (8, 8, 3)
    model = kc.training.GANTrainer(
        kc.models.dcgan_generator(shape, latent=3, filters=2),
        kc.models.dcgan_discriminator(shape, filters=2),
    )
    model.compile()
    return model, 2 * PICTURES - 1


def coded():
    halves = kc.models.vae_encoder, kc.models.vae_decoder
    model = kc.training.VAETrainer(*(half((8, 8, 3), latent=2, units=(4,)) for half in halves))
    model.compile("adam")
    return model, PICTURES


def styled():
    picture = keras.Input((None, None, 3))
    seeing = keras.Model(picture, layers.Conv2D(3, 3, name="seen")(picture))
    model = kc.training.PerceptualTrainer(
        kc.models.style_network(filters=1, blocks=1),
        kc.training.PerceptualLoss(seeing, prepare=lambda x: x / 255),
        style=255 * PICTURES[0],
    )
    model.compile("adam")
    return model, 255 * PICTURES


@pytest.mark.parametrize("make", [adversarial, coded, styled])
def test_half_precision_has_nearly_the_loss_of_single_and_trains(make):
    keras.utils.set_random_seed(1)
    single, pictures = make()
    wanted = single.evaluate(pictures, batch_size=8, verbose=0, return_dict=True)["loss"]
    for policy in POLICIES:
        keras.config.set_dtype_policy(policy)
        keras.utils.set_random_seed(1)
        try:
            half, _ = make()
        finally:
            keras.config.set_dtype_policy("float32")
        found = half.evaluate(pictures, batch_size=8, verbose=0, return_dict=True)["loss"]
        assert found == pytest.approx(wanted, rel=0.02)
        before = half.get_weights()
        logs = half.fit(pictures, batch_size=4, verbose=0).history
        assert all(np.isfinite(values).all() for values in logs.values())
        assert any((a != b).any() for a, b in zip(before, half.get_weights(), strict=True))
