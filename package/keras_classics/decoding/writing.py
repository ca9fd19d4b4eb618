"""From a language model to text."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError
from keras_classics.decoding.compiled import CompiledSearch


class TextWriter:
    """Writes text by sampling from a language model, character after character.

    Args:
        decoder: Has `first_states(batch)`, `initial_state(states)`, `step(token, state)` and
            `variables`, as `kc.models.split_language_model` gives it.
        alphabet: Has `encode(text)`, `decode(ids)` and `characters`, as `kc.data.Alphabet`.
        prime: What is read before writing; a line end where there is none, or the first of the
            alphabet if it lacks one.
        length: Characters to write.
        temperature: See `kc.decoding.filter_logits`.
        top_k: See `kc.decoding.filter_logits`.
        top_p: See `kc.decoding.filter_logits`.
        seed: Of the draws; every call draws on.

    Raises:
        InputError: The prime has characters that the alphabet lacks, or a number is not admitted.

    Example:
        ```python
        alphabet = kc.data.Alphabet("to be or not to be")
        model = kc.models.language_model(len(alphabet), 8, 1)
        decoder = kc.models.split_language_model(model)
        write = kc.decoding.TextWriter(decoder, alphabet, prime="to ", length=20)
        write()  # what an untrained network makes of it
        ```
    """

    @checked
    def __init__(
        self,
        decoder: Any,
        alphabet: Any,
        *,
        prime: str = "",
        length: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> None:
        if length < 1:
            raise InputError(f"length={length} was given", "1 and above", "Give more characters.")
        first = "\n" if "\n" in alphabet.characters else alphabet.characters[0]
        start, *forced = alphabet.encode(prime or first).tolist()
        self.decoder = decoder
        self.alphabet = alphabet
        self.forced = forced
        self.search = CompiledSearch(
            decoder,
            "sample",
            # XLA would compile for longer than one text takes.
            jit_compile=False,
            start=start,
            end=None,
            # No id of an alphabet is padding.
            pad=-1,
            max_length=length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=keras.random.SeedGenerator(seed),
        )

    @checked
    def __call__(self, count: Count = 1) -> list[str]:
        """Write `count` texts at once; the prime is not repeated in them."""
        prefix = np.tile(np.array(self.forced, "int32"), (count, 1)) if self.forced else None
        found = self.search(self.decoder.first_states(count), prefix)
        ids = keras.ops.convert_to_numpy(found.ids)
        return [self.alphabet.decode(row) for row in ids]
