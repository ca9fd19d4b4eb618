"""Translators: training and stepping agree, padding is nothing, and all comes apart and back."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from models.sequence.translators import (
    FORMS,
    SOURCE_IDS,
    TARGET_IDS,
    build,
    logits,
    make,
    results,
    sentences,
    stepped,
    weigh,
)
from support import check_gradients, check_round_trip, run_on

forms = pytest.mark.parametrize("form", FORMS)
ATTENTIVE = [form for form, arguments in FORMS.items() if arguments.get("attention")]


@forms
def test_teacher_forcing_equals_stepping(form):
    x = sentences()
    forced = logits(make(form), x)
    np.testing.assert_allclose(stepped(make(form), x)[0], forced, rtol=1e-4, atol=1e-5)
    assert np.abs(forced[0] - forced[1]).max() > 0.1


@forms
def test_padding_changes_nothing(form):
    x, model = sentences(), make(form)
    longer = {**x, "source": np.pad(x["source"], [(0, 0), (0, 4)])}
    np.testing.assert_allclose(logits(model, longer), logits(model, x), atol=1e-6)


@pytest.mark.parametrize("form", ATTENTIVE)
def test_alignments_are_shares_of_the_words_and_never_of_padding(form):
    x = sentences()
    alignments = stepped(make(form), x)[1]
    np.testing.assert_allclose(alignments.sum(axis=1), 1.0, rtol=1e-5)
    assert np.all(alignments[x["source"] == 0] == 0)


@pytest.mark.parametrize("form", ["sutskever", "luong_general"])
def test_a_reversing_translator_is_a_plain_one_given_reversed_sources(form):
    x, arguments = sentences(), {**FORMS[form], "reverse_source": False}
    plain = weigh(kc.models.translator(SOURCE_IDS, TARGET_IDS, units=8, **arguments))
    turned = {**x, "source": np.array(kc.layers.ReverseSequence()(x["source"]))}
    np.testing.assert_allclose(logits(make(form), x), logits(plain, turned), atol=1e-5)
    if form == "luong_general":
        # What is looked at is told by its place in the source as it was written.
        ours, theirs = stepped(make(form), x)[1], stepped(plain, turned)[1]
        mirrored = np.array(kc.layers.ReverseSequence()(theirs, mask=x["source"] != 0))
        np.testing.assert_allclose(ours, mirrored, atol=1e-5)


def elman(weights, x):
    """Outputs at every step, by hand."""
    kernel, recurrent, bias = weights
    h, outputs = np.zeros((len(x), len(recurrent))), []
    for step in x.swapaxes(0, 1):
        h = np.tanh(step @ kernel + h @ recurrent + bias)
        outputs.append(h)
    return np.stack(outputs, axis=1)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kept", [1, 2])
def test_an_encoding_is_the_papers(bidirectional, reverse, kept):
    model = weigh(
        kc.models.translator(
            SOURCE_IDS, TARGET_IDS, units=8, encoder_units=3, depth=2, cell="elman", dropout=0.5,
            bidirectional=bidirectional, reverse_source=reverse, attention="additive",
        )
    )  # fmt: skip
    source = np.random.default_rng(1).integers(3, SOURCE_IDS, (4, 6))
    dropping = model.get_layer("encoder_dropout")
    # As if everything that is kept were scaled up by two, and all were kept.
    dropping.call = lambda x, training=False: 2 * x if training else x
    encoder, _ = kc.models.split_translator(model)
    found = {key: np.asarray(x) for key, x in encoder(source, training=kept == 2).items()}

    x = np.asarray(model.get_layer("source_embedding").embeddings)[source] * kept
    x, states = x[:, ::-1] if reverse else x, []
    for level in (1, 2):
        x = x * kept if level == 2 else x
        weights = [w.numpy() for w in model.get_layer(f"encoder_{level}").weights]
        forwards, ends = elman(weights[:3], x), []
        made = [forwards]
        if bidirectional:
            made.append(elman(weights[3:], x[:, ::-1])[:, ::-1])
            ends = [made[1][:, 0]]
        x, end = np.concatenate(made, axis=-1), np.concatenate([forwards[:, -1], *ends], axis=-1)
        kernel, bias = model.get_layer(f"bridge_{level}").get_weights()
        states.append(np.tanh(end @ kernel + bias))
    np.testing.assert_allclose(found["states"], np.concatenate(states, axis=-1), atol=1e-5)
    np.testing.assert_allclose(found["memory"], x[:, ::-1] if reverse else x, atol=1e-5)
    assert found["mask"].all()
    assert dropping.rate == 0.5


@pytest.mark.parametrize("form", ["cho_deep", "bahdanau", "luong_general"])
def test_saves_and_comes_apart_without_loss(form, tmp_path):
    x, model = sentences(), make(form)
    loaded = check_round_trip(model, x, tmp_path)
    np.testing.assert_allclose(stepped(loaded, x)[0], logits(model, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["bahdanau_deep", "luong_concat"])
def test_every_weight_learns(form):
    model = kc.models.translator(SOURCE_IDS, TARGET_IDS, units=8, dropout=0.1, **FORMS[form])
    x = sentences()
    check_gradients(weigh(model), x, logits(model, x).shape)


@pytest.mark.parametrize("form", ["gru", "bahdanau", "luong_general"])
def test_a_beam_as_wide_as_all_sentences_finds_the_best_of_all(form):
    encoder, decoder = kc.models.split_translator(make(form))
    state = decoder.initial_state(encoder(sentences()["source"]))
    settings = {
        "start": 1, "end": 2, "max_length": 4, "n_best": 3, "banned": (0, 1, *range(6, TARGET_IDS))
    }  # fmt: skip
    every = kc.decoding.exhaustive(decoder.step, state, **settings)
    found = kc.decoding.beam_search(decoder.step, state, width=27, **settings)
    np.testing.assert_array_equal(found.ids, every.ids)
    np.testing.assert_allclose(found.scores, every.scores, rtol=1e-4)
    if form != "gru":
        np.testing.assert_allclose(found.alignments, every.alignments, atol=1e-5)


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


# sequence.md 8.5: three well-known tutorial networks. The vocabularies of 7,853 and 5,893 words are
# derived: with them the counts come out exactly. Each LSTM of theirs has a second, redundant bias.
@pytest.mark.parametrize(
    ("published", "redundant", "arguments"),
    [
        (13_898_501, 4 * 4 * 512, {"cell": "lstm", "depth": 2}),
        (14_219_781, 0, {"context": "every_step", "readout": "concatenated"}),
        (20_518_405, 0, {"bidirectional": True, "attention": "additive",
                         "readout": "concatenated"}),
    ],
)  # fmt: skip
def test_published_parameter_counts(published, redundant, arguments):
    arguments = {"cell": "gru_reset_after", "embedding_size": 256, **arguments}
    model = kc.models.translator(7853, 5893, units=512, **arguments)
    assert trainable(model) == published - redundant


def test_sutskevers_recurrent_parameters():
    # sequence.md 8.1: 32 M in four LSTM layers of 1,000 on either side, without biases.
    def recurrent(units):
        return 2 * 4 * 4 * units * (units + units)

    assert recurrent(1000) == 64_000_000
    model = kc.models.translator(9, 9, cell="lstm", units=20, depth=4, reverse_source=True)
    kernels = [w for w in model.trainable_weights if "lstm_cell" in w.path and "bias" not in w.path]
    assert sum(int(np.prod(weight.shape)) for weight in kernels) == recurrent(20)


def test_scheduled_sampling_reaches_the_decoder():
    model, x = build("luong_dot"), sentences()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=False)
    schedule = kc.callbacks.ScheduledSampling("linear", k=1.0, slope=0.25)
    history = model.fit(x, x["target_in"], batch_size=2, epochs=2, verbose=0, callbacks=[schedule])
    np.testing.assert_allclose(history.history["gold_probability"], [0.5, 0.0], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"context": "always"}, "context='always'"),
        ({"context": "every_step", "attention": "additive"}, "context='every_step'"),
        ({"attention": "luong"}, "luong_general"),
        ({"attention": "luong_dot", "bidirectional": True}, "luong_general"),
    ],
)
def test_refuses_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        kc.models.translator(9, 9, units=4, **arguments)


SIZES = {"en": 17, "nl": 15}, {"fr": 13, "nl": 11}
PAIRS = [("en", "fr"), ("nl", "fr"), ("en", "nl")]


def multilingual(pairs=PAIRS, **arguments):
    model = kc.models.multilingual_translator(*SIZES, pairs, units=8, **arguments)
    draw, x = np.random.default_rng(0), {}
    for source, target in pairs:
        x[f"{source}_{target}_source"] = draw.integers(1, 11, (4, 6))
        x[f"{source}_{target}_target_in"] = draw.integers(1, 11, (4, 5))
    return weigh(model), x


def test_what_enters_the_shared_middle_and_its_layers_is_dropped():
    model, x = multilingual([("en", "fr")], dropout=0.4, depth=2, attention="additive")
    for name in ("en_encoder_dropout", "middle_dropout"):
        dropping = model.get_layer(name)
        assert dropping.rate == 0.4
        dropping.call = lambda x, training=False: 2 * x if training else x
    encoder, _ = kc.models.split_translator(model, ("en", "fr"))
    embedded = model.get_layer("en_source_embedding")(x["en_fr_source"])
    read = 2 * embedded
    for name in ("en_encoder_1", "middle_1", "middle_2"):
        read = model.get_layer(name)(read)[0] * (1 if name == "middle_2" else 2)
    found = encoder(x["en_fr_source"], training=True)["memory"]
    np.testing.assert_allclose(found, read, atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"attention": "additive", "bidirectional": True, "reverse_source": True, "cell": "lstm"}],
    ids=["plain", "attention"],
)
def test_multilingual_translators_come_apart_by_pairs(arguments, tmp_path):
    model, x = multilingual(**arguments)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    together = model.predict_on_batch(x)
    for source, target in PAIRS:
        pair = f"{source}_{target}"
        encoder, decoder = kc.models.split_translator(loaded, (source, target))
        alone = decoder(x[f"{pair}_target_in"], encoder(x[f"{pair}_source"]))
        np.testing.assert_allclose(alone, together[pair], atol=1e-5)


def test_pairs_share_the_middle_and_the_language_they_have_in_common():
    def parameters(pairs):
        return trainable(multilingual(pairs)[0])

    def names(pairs):
        model, _ = multilingual(pairs)
        return {weight.path.split("/")[0] for weight in model.trainable_weights}

    one, two = [("en", "fr")], [("en", "fr"), ("nl", "fr")]
    assert names(two) - names(one) == {"nl_source_embedding", "nl_encoder_1"}
    assert names([*one, ("en", "nl")]) - names(one) == {"nl_decoder"}
    # Fifteen Dutch words and one GRU of the course's form.
    assert parameters(two) - parameters(one) == 15 * 8 + 3 * 8 * (8 + 8 + 1)


def test_pairs_train_side_by_side():
    pairs = PAIRS[:2]
    model, x = multilingual(pairs)
    y = {f"{s}_{t}": x[f"{s}_{t}_target_in"] for s, t in pairs}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss, jit_compile=False)
    history = model.fit(x, y, epochs=8, verbose=0).history
    for pair in y:
        assert history[f"{pair}_loss"][-1] < history[f"{pair}_loss"][0]


@pytest.mark.parametrize("pairs", [[("fr", "en")], [("nl", "nl")], []], ids=str)
def test_pairs_need_two_languages_with_vocabularies(pairs):
    with pytest.raises(ValueError, match=r"\('nl', 'fr'\)"):
        kc.models.multilingual_translator(*SIZES, pairs, units=4)


def test_a_pair_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="Allowed: en_fr, en_nl, nl_fr"):
        kc.models.split_translator(multilingual()[0])
    with pytest.raises(ValueError, match="Allowed: None"):
        kc.models.split_translator(make("gru"), ("en", "fr"))


ELSEWHERE = """
import numpy as np
from models.sequence.translators import results
np.savez(PATH, **results())
"""


@pytest.fixture(scope="module")
def ours():
    return results()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_translate_alike(backend, ours, tmp_path):
    path = tmp_path / "results.npz"
    run_on(backend, f"PATH = {str(path)!r}\n" + ELSEWHERE, timeout=600)
    with np.load(path) as theirs:
        assert str(theirs["backend"]) == backend
        for name, value in ours.items():
            if name.startswith("same_"):
                np.testing.assert_allclose(theirs[name], value, rtol=1e-3, atol=1e-4, err_msg=name)
