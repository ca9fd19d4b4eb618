"""What makes pictures is trained and makes them alike on every engine; one process each."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import run_on
from training.trainers import test_gan_trainer, test_perceptual, test_vae_trainer

CODE = """
import numpy as np
from training.test_pictures_on_engines import everything
np.savez(r"{path}", *everything())
"""


def everything():
    found = test_gan_trainer.on_a_backend() + test_vae_trainer.on_a_backend()
    found += test_perceptual.on_a_backend()
    draw = np.random.default_rng(0)
    picture = draw.integers(0, 256, (9, 14, 3)).astype("uint8")
    for model in (
        kc.models.style_network(filters=1, blocks=1),
        kc.models.super_resolution(4, filters=1, blocks=1, normalization="none", residual=True),
    ):
        model.set_weights([draw.normal(0, 0.1, w.shape) for w in model.get_weights()])
        found += [each.astype("float32") for each in kc.models.transform_pictures(model, [picture])]
    return [keras.ops.convert_to_numpy(each) for each in found]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_engines_agree(backend, tmp_path):
    path = tmp_path / "found.npz"
    run_on(backend, CODE.format(path=path))
    with np.load(path) as found:
        for name, expected in zip(found.files, everything(), strict=True):
            # Pictures are whole numbers, of which one may be rounded the other way.
            tolerance = 1.0 if expected.ndim == 3 and expected.max() > 20 else 2e-5
            np.testing.assert_allclose(found[name], expected, rtol=2e-3, atol=tolerance)
