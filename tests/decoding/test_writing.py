"""Writing with a language model: it goes on from its prime and from what it wrote itself."""

import numpy as np
import pytest
from keras import ops

import keras_classics as kc

ALPHABET = kc.data.Alphabet("\nabcd")


@pytest.fixture(scope="module")
def decoder():
    model = kc.models.language_model(len(ALPHABET), 8, initial_range=2.0, seed=5)
    return kc.models.split_language_model(model)


def by_hand(decoder, prime, length):
    text = prime
    for _ in range(length):
        ids = ALPHABET.encode(text)[None]
        logits, _ = decoder.record(ids, decoder.first_states(1))
        text += ALPHABET.decode([int(np.argmax(ops.convert_to_numpy(logits)[0, -1]))])
    return text[len(prime) :]


@pytest.mark.parametrize("prime", ["", "d", "abcb"])
def test_the_surest_text_is_that_of_reading_everything_again_each_time(decoder, prime):
    writer = kc.decoding.TextWriter(decoder, ALPHABET, prime=prime, length=12, top_k=1)
    assert writer(2) == [by_hand(decoder, prime or "\n", 12)] * 2


def test_texts_differ_from_call_to_call_and_repeat_with_the_seed(decoder):
    def writer():
        return kc.decoding.TextWriter(decoder, ALPHABET, length=40, seed=3, temperature=2.0)

    first, second = writer(), writer()
    assert first(2) == second(2)
    texts = first(2)
    assert texts == second(2) and texts[0] != texts[1]
    assert set(len(text) for text in texts) == {40}


def test_faulty_wishes_are_refused(decoder):
    with pytest.raises(kc.InputError, match="'x', which the alphabet lacks"):
        kc.decoding.TextWriter(decoder, ALPHABET, prime="ax")
    with pytest.raises(kc.InputError, match="length=0"):
        kc.decoding.TextWriter(decoder, ALPHABET, length=0)
    with pytest.raises(kc.InputError, match="temperature=0"):
        kc.decoding.TextWriter(decoder, ALPHABET, temperature=0)(1)
