"""Variational autoencoders: bounds by hand, and where the likelihood is known, the likelihood."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from training.killed_training import check_goes_on

DRAW = np.random.default_rng(0)
PICTURES = (DRAW.uniform(size=(24, 8, 8, 2)) > 0.5).astype("float32")


def halves(**options):
    keras.utils.set_random_seed(1)
    options = dict(latent=3, units=(6,), **options)
    shape = (8, 8, 2)
    return kc.models.vae_encoder(shape, **options), kc.models.vae_decoder(shape, **options)


def trainer(**arguments):
    model = kc.training.VAETrainer(*halves(), **arguments)
    model.compile(keras.optimizers.Adam(0.01))
    return model


def linear_gaussian(deviation=0.5, loosened=1.0):
    """x = W z + b + noise, of which likelihood and posterior are known.

    The columns of W are orthogonal, so that the posterior is one of independent numbers.
    """
    draw = np.random.default_rng(5)
    table, _ = np.linalg.qr(draw.normal(size=(8, 2)))
    table, start = table * [2.0, 0.7], draw.normal(size=8)
    picture, code = keras.Input((2, 2, 2)), keras.Input((2,))
    flat = layers.Flatten()(picture)
    outputs = {name: layers.Dense(2, name=name)(flat) for name in ("mean", "log_variance")}
    encoder = keras.Model(picture, outputs)
    decoder = keras.Model(code, layers.Reshape((2, 2, 2))(layers.Dense(8)(code)))
    decoder.set_weights([table.T, start])
    precision = np.square(table).sum(axis=0) / deviation**2 + 1
    gain = table / deviation**2 / precision
    encoder.get_layer("mean").set_weights([gain, -start @ gain])
    spread = np.log(loosened / precision)
    encoder.get_layer("log_variance").set_weights([np.zeros((8, 2)), spread])
    pictures = draw.normal(size=(6, 2)) @ table.T + start + deviation * draw.normal(size=(6, 8))
    covariance = table @ table.T + deviation**2 * np.eye(8)
    apart = pictures - start
    exact = -0.5 * (
        np.einsum("bi,ij,bj->b", apart, np.linalg.inv(covariance), apart)
        + np.linalg.slogdet(2 * np.pi * covariance)[1]
    )
    model = kc.training.VAETrainer(encoder, decoder, likelihood="gaussian", deviation=deviation)
    return model, pictures.reshape(-1, 2, 2, 2).astype("float32"), exact


def test_with_the_posterior_itself_every_bound_is_the_likelihood():
    model, pictures, exact = linear_gaussian()
    for samples in (1, 7):
        found = model.importance_bound(pictures, samples=samples)
        assert found.dtype == "float64"
        np.testing.assert_allclose(found, exact, atol=2e-5)


def test_otherwise_it_grows_with_the_samples_up_to_the_likelihood():
    model, pictures, exact = linear_gaussian(loosened=3.0)
    # Every copy has other codes.
    copies = np.repeat(pictures[:1], 100, axis=0)
    means = [model.importance_bound(copies, samples=k).mean() for k in (1, 5, 50)]
    assert means[0] + 0.3 < means[1] < means[2] < exact[0] + 0.05
    assert means[2] == pytest.approx(exact[0], abs=0.1)
    # What one sample lacks is in expectation the divergence of the code from the posterior.
    gap = 2 * 0.5 * (3.0 - 1 - np.log(3.0))
    assert exact[0] - means[0] == pytest.approx(gap, abs=0.6)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("bound, samples", [("elbo", 2), ("iwae", 4)])
def test_the_loss_is_the_bound_by_hand(likelihood, bound, samples):
    counting = {"kl_weight": 0.5} if bound == "elbo" else {}
    counting |= {"deviation": 0.7} if likelihood == "gaussian" else {}
    given = trainer(likelihood=likelihood, bound=bound, samples=samples, **counting).get_config()
    model = kc.training.VAETrainer.from_config(given)
    model.compile("sgd")
    answer = {k: ops.convert_to_numpy(v).astype("float64") for k, v in model(PICTURES).items()}
    mean, log_variance = answer["mean"][:, None], answer["log_variance"][:, None]
    seed = keras.random.SeedGenerator(0)
    noise = ops.convert_to_numpy(keras.random.normal((24, samples, 3), seed=seed))
    codes = mean + np.exp(log_variance / 2) * noise
    made = ops.convert_to_numpy(model.decoder(codes.reshape(-1, 3).astype("float32")))
    made = made.reshape(24, samples, 8, 8, 2).astype("float64")
    if likelihood == "bernoulli":
        chance = 1 / (1 + np.exp(-made))
        pixels = np.where(PICTURES[:, None] == 1, np.log(chance), np.log(1 - chance))
    else:
        apart = (PICTURES[:, None] - made) / 0.7
        pixels = -0.5 * apart**2 - np.log(0.7 * np.sqrt(2 * np.pi))
    # Summed over pixels and channels.
    likelihoods = pixels.reshape(24, samples, -1).sum(axis=2)
    kl = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=(1, 2))
    logs = model.test_on_batch(PICTURES, return_dict=True)
    assert logs["reconstruction"] == pytest.approx(-likelihoods.mean(), rel=1e-5)
    assert logs["kl"] == pytest.approx(kl.mean(), rel=1e-4)
    active = (mean[:, 0].var(axis=0) > 0.01).sum()
    assert logs["active_units"] == active > 0
    if bound == "elbo":
        assert logs["loss"] == pytest.approx(logs["reconstruction"] + logs["kl"] / 2, rel=1e-5)
        return
    normal = -0.5 * np.square(codes).sum(axis=2)
    own = -0.5 * (noise**2 + log_variance).sum(axis=2)
    weights = np.exp(likelihoods + normal - own)
    assert logs["loss"] == pytest.approx(-np.log(weights.mean(axis=1)).mean(), rel=1e-5)


def test_pictures_are_the_chances_of_codes_that_are_normal():
    model = trainer()
    codes = model.latents(2000, seed=1)
    assert codes.std() == pytest.approx(1, rel=0.05) and abs(codes.mean()) < 0.05
    logits = ops.convert_to_numpy(model.decoder(codes[:4]))
    np.testing.assert_allclose(model.generate(codes[:4]), 1 / (1 + np.exp(-logits)), atol=1e-6)
    bounds = [model.importance_bound(PICTURES[:1], samples=2, seed=seed) for seed in (0, 0, 1)]
    assert bounds[0] == bounds[1] != bounds[2]
    halved = halves(filters=(4, 6), activation="relu")
    layers_of = [x for half in halved for x in half.layers if "conv" in x.name]
    assert [x.activation.__name__ for x in layers_of] == 3 * ["relu"]


def test_log_variances_are_cut():
    model = trainer()
    layer = model.encoder.get_layer("log_variance")
    layer.set_weights([np.zeros((6, 3)), np.array([1e4, -1e4, 1.0])])
    found = ops.convert_to_numpy(model(PICTURES[:1])["log_variance"])
    np.testing.assert_allclose(found, [[10, -10, 1]])
    assert np.isfinite(model.train_on_batch(PICTURES)).all()


def test_a_convolutional_one_learns_and_comes_back(tmp_path):
    options = dict(filters=(4, 6), activation="relu")
    model = kc.training.VAETrainer(*halves(**options), samples=2, bound="iwae")
    model.compile(keras.optimizers.Adam(0.02))
    stripes = np.zeros((32, 8, 8, 2), "float32")
    stripes[::2, :4], stripes[1::2, :, :4] = 1, 1
    history = model.fit(stripes, batch_size=8, epochs=6, verbose=0).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    model.save(tmp_path / "vae.keras")
    twin = keras.saving.load_model(tmp_path / "vae.keras")
    np.testing.assert_array_equal(twin.generate(3), model.generate(3))
    np.testing.assert_array_equal(twin.reconstruct(stripes[:3]), model.reconstruct(stripes[:3]))
    assert model.generate(3).min() >= 0 and model.generate(3).max() <= 1


def test_a_training_goes_on_where_it_was_killed(tmp_path):
    batches = [(PICTURES[4 * n : 4 * n + 4],) for n in range(6)]
    check_goes_on(lambda: trainer(bound="iwae", samples=2), batches, tmp_path)


def test_pictures_without_a_likelihood_are_refused():
    model = trainer()
    with pytest.raises(kc.InputError, match="Divide those of 0 to 255 by 255"):
        model.importance_bound(255 * PICTURES[:2])
    assert np.isfinite(model.importance_bound(255 * PICTURES[:2] / 255, samples=2)).all()
    with pytest.raises(kc.InputError, match=r"picture\[None\]"):
        model.importance_bound(PICTURES[0])
    with pytest.raises(kc.InputError, match="seed=-1"):
        model.importance_bound(PICTURES[:1], seed=-1)
    assert model.reconstruct(PICTURES[:0]).shape == (0, 8, 8, 2)
    for values, told in ((255 * PICTURES, "by 255"), (2 * PICTURES - 1, r"\(pictures \+ 1\) / 2")):
        with pytest.raises(kc.InputError, match=told):
            model.fit(values, verbose=0)
    apart = kc.training.VAETrainer(*halves(), likelihood="gaussian")
    assert np.isfinite(apart.importance_bound(255 * PICTURES[:2], samples=2)).all()


def test_pictures_without_their_last_axis_are_refused():
    """Likelihoods of all pairs of pictures would be summed."""
    shape = (8, 8, 1)
    model = kc.training.VAETrainer(
        kc.models.vae_encoder(shape, latent=3, units=(6,)),
        kc.models.vae_decoder(shape, latent=3, units=(6,)),
    )
    model.compile("sgd")
    grey = PICTURES[..., 0]
    for way in (model.fit, model.evaluate):
        with pytest.raises(kc.InputError, match=r"pictures\[\.\.\., None\]"):
            way(grey, verbose=0)
    with pytest.raises(kc.InputError, match=r"pictures\[\.\.\., None\]"):
        model.importance_bound(grey)
    model.fit(grey[..., None], verbose=0)


def test_arguments_that_would_count_nothing_are_refused():
    for idle in ({"bound": "iwae", "kl_weight": 2.0}, {"deviation": 2.0}):
        with pytest.raises(kc.InputError, match="counts nothing.*Leave (kl_weight|deviation) out"):
            trainer(**idle)
        trainer(**{name: value for name, value in idle.items() if name == "bound"})


def test_a_decoder_gives_logits_where_they_are_due():
    encoder, decoder = halves()
    ended = keras.Model(decoder.input, ops.sigmoid(decoder.output))
    with pytest.raises(kc.InputError, match="Leave that activation out"):
        kc.training.VAETrainer(encoder, ended)
    # Means may lie where they like.
    kc.training.VAETrainer(encoder, ended, likelihood="gaussian")
    with pytest.raises(kc.InputError, match=r"Build it on a keras\.Input"):
        kc.training.VAETrainer(encoder, keras.Sequential([layers.Dense(128)]))


def test_a_bound_does_not_draw_all_its_codes_at_once(monkeypatch):
    model, pictures, _ = linear_gaussian(loosened=2.0)
    whole = model.importance_bound(pictures[:2], samples=500, batch_size=500)
    sizes, begin = [], np.random.default_rng

    class Draw:
        def __init__(self, seed):
            self.rng = begin(seed)

        def normal(self, size):
            sizes.append(size)
            return self.rng.normal(size=size)

    monkeypatch.setattr(np.random, "default_rng", Draw)
    parts = model.importance_bound(pictures[:2], samples=500, batch_size=200)
    assert sizes == 2 * [(200, 2), (200, 2), (100, 2)]
    np.testing.assert_allclose(parts, whole, rtol=1e-6)


def test_the_manifold_is_even_in_probability():
    keras.utils.set_random_seed(1)
    two = kc.training.VAETrainer(
        kc.models.vae_encoder((4, 4, 1), latent=2, units=(3,)),
        kc.models.vae_decoder((4, 4, 1), latent=2, units=(3,)),
    )
    found = two.manifold(5)
    assert found.shape == (25, 4, 4, 1)
    # The middle is the most likely code, the corner that of probabilities of 1/10.
    end = 1.2815516
    codes = np.array([[0, 0], [-end, -end], [-end, end]], "float32")
    np.testing.assert_allclose(found[[12, 0, 4]], two.generate(codes), atol=1e-6)
    with pytest.raises(kc.InputError, match="latent=2"):
        trainer().manifold(3)


def test_a_code_that_says_nothing_is_warned_of():
    model = trainer(kl_weight=1e4)
    watch = kc.callbacks.WarnOfCollapse()
    for each in ("mean", "log_variance"):
        layer = model.encoder.get_layer(each)
        layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    with pytest.warns(UserWarning, match="codes say next to nothing"):
        history = model.fit(PICTURES, epochs=2, verbose=0, callbacks=[watch]).history
    assert history["active_units"][0] == 0


def test_halves_that_do_not_fit_are_refused():
    encoder, _ = halves()
    with pytest.raises(kc.InputError, match="Build both alike"):
        kc.training.VAETrainer(encoder, kc.models.vae_decoder((8, 8, 2), latent=4))
    with pytest.raises(kc.InputError, match="divisible by 4"):
        kc.models.vae_encoder((6, 8, 2), filters=(2, 2))


def on_a_backend():
    """Bounds whose codes are NumPy's; those of training are the engine's own."""
    history = trainer(bound="iwae", samples=3).fit(PICTURES, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    model, pictures, _ = linear_gaussian(loosened=2.0)
    return [model.importance_bound(pictures, samples=5)]
