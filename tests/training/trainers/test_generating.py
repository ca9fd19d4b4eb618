"""What holds for all that train networks to make pictures: what they are given, and half precision."""

import inspect
import re

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


MAKERS = pytest.mark.parametrize("make", [adversarial, coded, styled])


@MAKERS
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


def beyond(pictures):
    """Pictures that none of them is made for."""
    return 1000 * pictures


@MAKERS
def test_values_are_looked_at_wherever_arrays_come_in(make):
    model, pictures = make()
    other = beyond(pictures)
    options = {"batch_size": 4, "verbose": 0}
    for attempt in (
        lambda: model.fit(other, **options),
        lambda: model.fit([other], **options),
        lambda: model.fit(keras.ops.convert_to_tensor(other), **options),
        lambda: model.fit(pictures, validation_data=(other,), **options),
        lambda: model.fit(pictures, None, 4, 1, 0, None, 0.0, (other, None)),
        lambda: model.fit(((other,) for _ in range(2)), steps_per_epoch=1, verbose=0),
        lambda: model.evaluate(other, **options),
        lambda: model.train_on_batch(other),
        lambda: model.test_on_batch(other),
        lambda: model.predict(other, **options),
        lambda: model.predict_on_batch(other),
    ):
        with pytest.raises(kc.InputError, match="Pictures have values from"):
            attempt()
    # A call, which may be part of a step, looks at the shape alone.
    model(other)
    with pytest.raises(kc.InputError, match="Pictures of shape"):
        model(other[..., :1])
    for none in (pictures * np.nan, np.array(["a", "b"] * 96).reshape(1, 8, 8, 3)):
        with pytest.raises(kc.InputError, match="finite numbers|real numbers"):
            model.fit(none, **options)
    with pytest.raises(kc.InputError, match="No pictures"):
        model.fit(None)
    model.fit(((pictures,) for _ in range(2)), steps_per_epoch=2, verbose=0)


@MAKERS
def test_methods_keep_the_arguments_of_keras(make):
    model, _ = make()
    for name in ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch"):
        theirs = inspect.signature(getattr(keras.Model, name))
        assert inspect.signature(getattr(type(model), name)) == theirs


@MAKERS
def test_what_compile_would_not_heed_is_refused_and_the_rest_is_kept(make):
    model, pictures = make()
    for unheeded in ({"loss": "mse"}, {"loss_weights": 3.0}, {"metrics": ["mse"]}):
        (name,) = unheeded
        with pytest.raises(kc.InputError, match=rf"compile\({name}\).*Leave it out") as refused:
            model.compile(**unheeded)
        remedy = str(refused.value).split("than those: ")[1].rstrip(".")
        eval(remedy, {"keras": keras, "compile": model.compile})
        assert np.isfinite(model.train_on_batch(pictures)).all()
    model.compile(loss=None, metrics=None, run_eagerly=True)
    assert model.run_eagerly


def test_what_is_saved_is_compiled_again(tmp_path):
    model, pictures = coded()
    model.compile(keras.optimizers.Adam(3e-3), steps_per_execution=2)
    model.fit(pictures, batch_size=4, verbose=0)
    model.save(tmp_path / "coded.keras")
    twin = keras.saving.load_model(tmp_path / "coded.keras")
    assert twin.steps_per_execution == 2
    for found, wanted in zip(twin.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(found, wanted)


@MAKERS
def test_an_export_is_told_of_the_networks(make, tmp_path):
    model, _ = make()
    with pytest.raises(kc.InputError, match=r"Give a network of it, trainer\.") as refused:
        kc.export.export_model(model, tmp_path / "whole")
    for remedy in re.findall(r"trainer\.\w+", str(refused.value)):
        assert kc.analysis.model_ends(eval(remedy, {"trainer": model}))


@MAKERS
def test_a_list_or_a_dictionary_of_one_array_is_that_array(make):
    losses = []
    for way in range(3):
        keras.utils.set_random_seed(1)
        model, pictures = make()
        given = (pictures, [pictures], {model.reader.inputs[0].name: pictures})[way]
        logs = model.fit(given, batch_size=8, shuffle=False, verbose=0).history
        losses.append([logs[name][0] for name in sorted(logs)])
    np.testing.assert_allclose(losses[1:], losses[:1] * 2, rtol=1e-5)
    with pytest.raises(kc.InputError, match="2 tensors"):
        model.fit([pictures, pictures], verbose=0)
    for shape in ((8, 8, 8), (8, 8, 8, 1), (8, 8, 8, 8, 3)):
        with pytest.raises(kc.InputError, match=r"Pictures of shape .*pictures\[\.\.\., None\]"):
            model.fit(np.ones(shape, "float32"), verbose=0)


@MAKERS
def test_weights_of_pictures_are_refused_with_labels_and_without(make):
    model, pictures = make()
    weights, options = np.ones(len(pictures)), {"batch_size": 4, "verbose": 0}
    for attempt in (
        lambda: model.fit(pictures, sample_weight=weights, **options),
        lambda: model.fit(pictures, pictures, sample_weight=weights, **options),
        lambda: model.fit(pictures, validation_data=(pictures, None, weights), **options),
        lambda: model.evaluate(pictures, sample_weight=weights, **options),
        lambda: model.train_on_batch(pictures, sample_weight=weights),
    ):
        with pytest.raises(kc.InputError, match="Leave sample_weight out"):
            attempt()
    with pytest.raises(kc.InputError, match="Leave class_weight out"):
        model.fit(pictures, class_weight={0: 1.0}, **options)


@MAKERS
def test_a_file_of_weights_keeps_what_is_drawn_next(make, tmp_path):
    model, pictures = make()
    model.train_on_batch(pictures)
    model.draws.next()
    model.save_weights(tmp_path / "kept.weights.h5")
    twin, _ = make()
    assert (np.asarray(twin.draws.state) != np.asarray(model.draws.state)).any()
    twin.load_weights(tmp_path / "kept.weights.h5")
    np.testing.assert_array_equal(twin.draws.state, model.draws.state)
