"""The first adversarial nets, counted by hand."""

import numpy as np

import keras_classics as kc


def test_sizes_are_the_authors():
    generator, discriminator = kc.models.gan_generator(), kc.models.gan_discriminator()
    assert generator.count_params() == 101 * 1200 + 1201 * 1200 + 1201 * 784
    assert discriminator.count_params() == 785 * 1200 + 241 * 1200 + 241
    rates = [x.rate for x in discriminator.layers if x.name.startswith("dropout")]
    assert rates == [0.2, 0.5, 0.5]


def test_dropout_does_not_stop_a_training():
    trainer = kc.training.GANTrainer(
        kc.models.gan_generator((4, 6, 1), latent=3, units=(5,)),
        kc.models.gan_discriminator((4, 6, 1), units=(4,), pieces=2),
    )
    trainer.compile()
    pictures = np.random.default_rng(0).uniform(size=(8, 4, 6, 1)).astype("float32")
    assert np.isfinite(trainer.train_on_batch(pictures)).all()
    assert 0 <= trainer.generate(3).min() and trainer.generate(3).max() <= 1
