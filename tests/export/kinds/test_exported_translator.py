"""Shipped translators: strings in, strings out, the same as in the process that trained them."""

import json
import unicodedata

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.tokenization import tokenize
from keras_classics.data.texts.dictionary import dictionary_units
from models.sequence.translators import weigh
from support import run_without_us

ENGLISH = kc.data.Vocabulary("a red blue circle square left right of the".split())
FRENCH = kc.data.Vocabulary("un cercle carré rouge bleu à gauche droite du".split())
DICTIONARY = {"shirt": "chemise blanche", "Square": "place", "blue": "azur", "red": "écarlate"}
TEXTS = ["A red circle, left of the t-shirt!", "the\u202fsquare", "", "l'Étoile DU blue zèbre"]


def make(**arguments):
    return weigh(kc.models.translator(len(ENGLISH), len(FRENCH), units=8, **arguments))


def test_words_are_split_alike_inside_and_outside_the_graph():
    import tensorflow as tf

    from keras_classics.export.kinds.text_in_graph import GraphVocabulary, tokenize_in_graph

    # Every composed character of the first scripts; beyond, TensorFlow knows an older Unicode.
    characters = [chr(code) for code in range(1, 0x2C00) if not 0x300 <= code < 0x370]
    texts = [f"a{c}b" for c in characters if unicodedata.normalize("NFC", c) == c]
    texts += ["a \u2764\ufe0f b", "\U0001f468\u200d\U0001f469", "\u200d", "k\u200dk \ufe0e"]
    inside = tokenize_in_graph(tf.constant([*TEXTS, *texts])).to_list()
    differing = [
        (text, [word.decode() for word in words])
        for text, words in zip([*TEXTS, *texts], inside, strict=True)
        if [word.decode() for word in words] != tokenize(text)
    ]
    assert differing == []
    encoded = GraphVocabulary(ENGLISH).encode(tokenize_in_graph(tf.constant(TEXTS)))
    length = encoded.shape[1]
    np.testing.assert_array_equal(encoded, [ENGLISH.encode(text, length) for text in TEXTS])


SERVE = """
import json, sys
sys.modules["keras_classics"] = None
import tensorflow as tf
for name in [name for name in sys.modules if name.split(".")[0] == "keras"]:
    sys.modules[name] = None
model = tf.saved_model.load(PATH)
answer = model.serve(tf.constant(TEXTS))
lines = [[text.decode() for text in row] for row in answer.pop("translations").numpy()]
print("RESULT" + json.dumps({"translations": lines} | {k: v.numpy().tolist() for k, v in answer.items()}))
"""


def in_process(model, unknown, dictionary):
    """Translations, scores and alignments by what a user would write."""
    encoder, decoder = kc.models.split_translator(model)
    length = max(len(ENGLISH.encode(text)) for text in TEXTS)
    source = np.array([ENGLISH.encode(text, length) for text in TEXTS])
    limits = FRENCH.search_limits(6)
    limits["banned"] = (0, 1) if unknown else limits["banned"]
    found = kc.decoding.CompiledSearch(decoder, width=4, n_best=3, **limits)(encoder(source))
    translations = [[FRENCH.decode(row) for row in rows] for rows in np.asarray(found.ids)]
    if unknown:
        units = dictionary and dictionary_units(dictionary, ENGLISH, FRENCH)
        for text, rows, alignments in zip(TEXTS, translations, found.alignments, strict=True):
            words = ["", *tokenize(text), ""]
            rows[:] = [
                " ".join(
                    kc.decoding.replace_unknowns(row.split(), weights, words, dictionary=units)
                )
                for row, weights in zip(rows, alignments, strict=True)
            ]
    return translations, found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unknown", "dictionary", "arguments"),
    [
        (False, None, {"context": "every_step", "reverse_source": True}),
        (True, DICTIONARY, {"attention": "additive", "bidirectional": True}),
        (True, None, {"attention": "luong_general", "cell": "lstm", "depth": 2,
                      "reverse_source": True}),
    ],
)  # fmt: skip
def test_the_exported_model_says_the_same_where_neither_keras_nor_we_are(
    unknown, dictionary, arguments, tmp_path
):
    model = make(**arguments)
    if unknown:
        bias = np.zeros(len(FRENCH))
        bias[FRENCH.UNKNOWN] = 1.0
        model.get_layer("decoder").output_layer.bias.assign(bias)
    kc.export.export_translator(
        model, ENGLISH, FRENCH, tmp_path / "model",
        max_words=6, width=4, n_best=3, replace_unknowns=unknown, dictionary=dictionary,
    )  # fmt: skip
    paths = f"PATH, TEXTS = {str(tmp_path / 'model')!r}, {TEXTS!r}\n"
    answer = json.loads(run_without_us(paths + SERVE).split("RESULT")[1])
    translations, found = in_process(model, unknown, dictionary)
    assert [row for n, row in enumerate(answer["translations"]) if TEXTS[n]] == [
        row for n, row in enumerate(translations) if TEXTS[n]
    ]
    np.testing.assert_allclose(answer["scores"], found.scores, rtol=1e-4)
    np.testing.assert_allclose(answer["log_probabilities"], found.log_probabilities, rtol=1e-4)
    assert ("alignments" in answer) == ("attention" in arguments)
    if unknown:
        np.testing.assert_allclose(answer["alignments"], found.alignments, atol=1e-5)
        written = " ".join(" ".join(row) for row in answer["translations"]).split()
        assert set(written) - set(FRENCH.words), "nothing was copied"
        translated = {word for entry in (dictionary or {}).values() for word in entry.split()}
        assert bool(set(written) & translated) == bool(dictionary)


def test_no_sentences_have_no_translations(tmp_path):
    import tensorflow as tf

    kc.export.export_translator(
        make(), ENGLISH, FRENCH, tmp_path / "m", max_words=6, width=2, n_best=1
    )
    shipped = tf.saved_model.load(str(tmp_path / "m"))
    answer = shipped.serve(tf.constant([], tf.string))
    assert {name: tensor.shape[0] for name, tensor in answer.items()} == dict.fromkeys(answer, 0)


def test_unknown_words_become_what_was_looked_at_most():
    alignments = np.array([[0.9, 0.1, 0.0, 0.0], [0.4, 0.1, 0.3, 0.2], [0.0, 0.0, 0.2, 0.8]])
    words, source = ["<unknown>", "<unknown>", "rouge"], ["", "zèbre", "red", ""]
    replaced = kc.decoding.replace_unknowns(words, alignments, source)
    assert replaced == ["zèbre", "red", "rouge"]
    known = {"red": "rouge vif", "rouge": "unused"}
    translated = kc.decoding.replace_unknowns(words, alignments, source, dictionary=known)
    assert translated == ["zèbre", "rouge vif", "rouge"]
    assert kc.decoding.replace_unknowns(words, alignments, ["", ""]) == words
    with pytest.raises(kc.InputError, match="5 positions"):
        kc.decoding.replace_unknowns(words, alignments, [*source, "more"])


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ({}, {"source_vocabulary": FRENCH, "target_vocabulary": kc.data.Vocabulary(["un"])},
         "13 words and this one 5"),
        ({}, {"replace_unknowns": True}, "without attention"),
        ({}, {"dictionary": DICTIONARY}, "never writes the unknown word"),
        ({}, {"pair": ("en", "fr")}, "Allowed: None"),
    ],
)  # fmt: skip
def test_export_refuses_what_does_not_fit(arguments, settings, message, tmp_path):
    vocabularies = {"source_vocabulary": ENGLISH, "target_vocabulary": FRENCH}
    with pytest.raises(ValueError, match=message):
        kc.export.export_translator(
            make(**arguments), path=tmp_path / "model", max_words=6, **{**vocabularies, **settings}
        )
