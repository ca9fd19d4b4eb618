"""Grids of what is made of the same numbers, in one scale, and when a collapse is warned of."""

import types
import warnings

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.callbacks import generated_pictures


@pytest.fixture
def drawn(monkeypatch):
    """The pictures of each page, as they are drawn."""
    pages = []
    monkeypatch.setattr(
        generated_pictures,
        "draw_tiles",
        lambda path, pictures, **_: pages.append(np.stack(pictures)),
    )
    return pages


def maker(picture, **options):
    made = np.asarray(picture, "float32").reshape(1, 2, 2, 1)
    return types.SimpleNamespace(
        latents=lambda count, seed: None, generate=lambda latents: made, **options
    )


def draw(folder, model, **options):
    pages = kc.callbacks.Generated(folder, model=model, **options)
    pages.prepare()
    for number in (1, 2):
        pages.draw(folder / f"{number}.png", f"epoch {number}")


def test_a_model_that_makes_no_pictures_is_refused(tmp_path):
    picture = keras.Input((2, 2, 1))
    with pytest.raises(kc.InputError, match="no latents and no generate.*model=trainer"):
        draw(tmp_path, keras.Model(picture, keras.layers.Flatten()(picture)))


def test_every_page_is_of_the_same_numbers(tmp_path, drawn):
    keras.utils.set_random_seed(1)
    model = kc.training.GANTrainer(
        kc.models.dcgan_generator((8, 8, 1), filters=2, latent=3),
        kc.models.dcgan_discriminator((8, 8, 1), filters=2),
    )
    draw(tmp_path, model, pictures=4, seed=2)
    expected = (model.generate(model.latents(4, seed=2)) + 1) / 2
    for page in drawn:
        np.testing.assert_allclose(page, expected, atol=1e-6)


@pytest.mark.parametrize(
    "options, given, picture, page",
    [
        # A Gaussian's means pass 0: the page is none of -1 to 1.
        ({"picture_range": (0.0, 1.0)}, {}, [-0.01, 0, 0.5, 1], [0, 0, 0.5, 1]),
        # And of -1 to 1 one without negative values is no page of 0 to 1.
        ({"picture_range": (-1.0, 1.0)}, {}, [0, 0.05, 0.5, 1], [0.5, 0.525, 0.75, 1]),
        ({}, {}, [-0.5, 0, 0.5, 1], [0, 0, 0.5, 1]),
        ({"picture_range": (0.0, 1.0)}, {"bounds": (-2, 2)}, [-2, 0, 1, 2], [0, 0.5, 0.75, 1]),
    ],
)
def test_pages_of_a_run_have_one_scale(tmp_path, drawn, options, given, picture, page):
    draw(tmp_path, maker(picture, **options), pictures=1, **given)
    assert len(drawn) == 2
    np.testing.assert_allclose(drawn[1].ravel(), page, atol=1e-6)


def test_bounds_that_are_none_are_refused(tmp_path):
    for bounds in ((1, 0), (0, 1, 2)):
        with pytest.raises(kc.InputError, match=r"Give bounds=\(0, 1\)"):
            kc.callbacks.Generated(tmp_path, bounds=bounds)
    kc.callbacks.Generated(tmp_path, bounds=(0, 1))


@pytest.mark.parametrize("name, low, high", [("diversity", 0.19, 0.21), ("kl", 0.49, 0.51)])
def test_a_collapse_is_two_epochs_in_a_row_below_the_bound(name, low, high):
    watch = kc.callbacks.WarnOfCollapse()
    watch.on_train_begin()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for epoch, value in enumerate((low, high, low, high, float("nan"), low)):
            watch.on_epoch_end(epoch, {name: value})
    with pytest.warns(UserWarning, match="Collapse") as told:
        watch.on_epoch_end(6, {name: low})
    assert ("smaller deviation" in str(told[0].message)) == (name == "kl")
