"""Sentences in, sentences out: alone and together, with an eye on the true translations."""

import functools
import gc
import weakref

import numpy as np
import pytest

import keras_classics as kc
from models.sequence.translators import weigh

ENGLISH = kc.data.Vocabulary("a the red blue house horse zebra".split())
FRENCH = kc.data.Vocabulary("un le rouge bleu maison cheval".split())
TEXTS = ["the red house", "a horse", "the blue horse house red", "zebra"]
LIMIT = 6


@functools.cache
def make(seed=0, **arguments):
    """A translator whose weights depend on the seed alone."""
    sizes = len(ENGLISH), len(FRENCH)
    return weigh(kc.models.translator(*sizes, units=8, **arguments), seed)


def said(model, **settings):
    """Texts and log-probabilities of all translations."""
    found = kc.models.translate(model, ENGLISH, FRENCH, TEXTS, max_words=LIMIT, **settings)
    texts, scores, _ = zip(*found, strict=True)
    return list(texts), list(scores)


def test_equal_translators_say_together_what_one_says():
    texts, scores = said(make())
    for models in ([make()], [make(), make()]):
        again, shared = said(models)
        assert again == texts
        np.testing.assert_allclose(shared, scores, rtol=1e-4)
    assert said([make(), make(seed=3)])[1] != scores


def test_what_the_beam_is_told_reaches_it():
    plain, _ = said(make(attention="additive"))
    longest, _ = said(make(attention="additive"), length_penalty="power", alpha=3.0)
    assert sum(map(len, longest)) > sum(map(len, plain))
    assert {len(text.split()) for text in said(make(), min_length=LIMIT + 1)[0]} == {LIMIT}
    with pytest.raises(kc.InputError, match="coverage=0.5"):
        said(make(), coverage=0.5)


def test_translators_of_other_vocabularies_do_not_write_together():
    other = kc.models.translator(len(ENGLISH), 7, units=8)
    with pytest.raises(kc.InputError, match=r"\[10, 7\] ids"):
        said([make(), other])


def test_together_unknown_words_are_replaced_if_all_look():
    with pytest.raises(kc.InputError, match="without attention"):
        said([make(attention="additive"), make()], replace=True)
    said([make(attention="additive"), make(seed=3, attention="luong_dot")], replace=True)


def test_perplexity_of_true_translations_by_hand():
    references = ["le rouge maison", "un cheval", "inconnu", "le bleu maison cheval rouge un le"]
    nats = count = 0
    for text, true in zip(TEXTS, references, strict=True):
        ids = FRENCH.encode(true, min(len(true.split()), LIMIT) + 2)
        x = {"source": np.array([ENGLISH.encode(text)]), "target_in": np.array([ids[:-1]])}
        logits = np.asarray(make()(x), "float64")[0]
        given = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
        nats -= sum(given[place, number] for place, number in enumerate(ids[1:]))
        count += len(ids) - 1
    assert count == 4 + 3 + 2 + 7
    for model in (make(), [make(), make()]):
        found = kc.models.translation_perplexity(
            model, ENGLISH, FRENCH, TEXTS, references, max_words=LIMIT, batch_size=3
        )
        assert found == pytest.approx(np.exp(nats / count), rel=1e-4)


def test_a_dictionary_translates_what_would_be_copied():
    model = make(seed=1, attention="additive")
    bias = model.get_layer("decoder").output_layer.bias
    before = np.array(bias)
    bias.assign(np.eye(len(FRENCH))[FRENCH.UNKNOWN] * 9.0)
    copied, _ = said(model, replace=True)
    known = {word: f"{word}er" for word in ENGLISH.words[4:]}
    translated, _ = said(model, replace=True, dictionary=known)
    bias.assign(before)
    assert any(word in known for text in copied for word in text.split())
    assert translated == [
        " ".join(known.get(word, word) for word in text.split()) for text in copied
    ]
    with pytest.raises(kc.InputError, match="never writes the unknown word"):
        said(model, dictionary=known)


def test_a_search_is_traced_once_whatever_the_weights_are(monkeypatch):
    traces, decode = [], kc.decoding.CompiledSearch.decode

    def counted(search, *encoded):
        traces.append(search)
        return decode(search, *encoded)

    monkeypatch.setattr(kc.decoding.CompiledSearch, "decode", counted)
    model, another = make.__wrapped__(seed=7), make.__wrapped__(seed=8)
    first = said(model)
    assert said(model) == first
    assert len(traces) == 1
    model.set_weights(another.get_weights())
    assert said(model) == said(another) != first
    assert len(traces) == 2
    narrow = said(model, width=1)
    assert narrow == said(another, width=1)
    assert len(traces) == 4
    together = said([model, make(seed=3)])
    assert said([model, make(seed=0)]) != together == said([model, make(seed=3)])


def test_a_kept_search_does_not_keep_its_translator():
    model = make.__wrapped__(seed=7)
    said(model)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
