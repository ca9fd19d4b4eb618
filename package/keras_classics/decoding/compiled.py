"""Decoding compiled once for a decoder layer, on whichever backend Keras runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import keras
from keras import ops, tree

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.types import Tensor
from keras_classics.decoding.beam import WIDTH, beam_search
from keras_classics.decoding.ensemble import Ensemble
from keras_classics.decoding.greedy import greedy
from keras_classics.decoding.hypotheses import Decoded, Hypotheses
from keras_classics.decoding.sampling import sample
from keras_classics.decoding.step import State, prepared_step, rows

# From what was encoded and a prefix to sentences.
Run: TypeAlias = Callable[[Any, Tensor | None], Decoded | Hypotheses]
METHODS: dict[str, Callable[..., Decoded | Hypotheses]] = {
    "greedy": greedy,
    "sample": sample,
    "beam_search": beam_search,
}


class CompiledSearch:
    """A decoder layer and a way of decoding, made into one function of what was encoded.

    Compiled at the first call and again for each new shape of the input, never for new weights:
    TensorFlow traces a `tf.function` over the layer's variables, JAX jits a function that receives
    their values, PyTorch runs as it is without recording gradients.

    Args:
        layer: A built layer with `initial_state(encoded) -> state` and
            `step(token, state) -> (logits, state)`, or an `Ensemble` of such layers.
        method: `"greedy"`, `"sample"` or `"beam_search"`.
        jit_compile: On TensorFlow, whether XLA compiles the search: a few seconds for each shape
            of the input, then up to twice as fast. Turn it off where most batches have a shape of
            their own. (XLA draws other random numbers from the same seed.)
        frozen: Whether the weights never change again, as those of an export. A layer's products of
            them are then made now, for all searches to come, instead of in each search that feeds
            enough ids to be faster with them; see `kc.layers.RecurrentDecoder.prepared_step`.
        **options: The keyword arguments of the method, except `prefix`.

    Raises:
        InputError: Unknown method, or a layer or model that makes no steps.

    Example:
        ```python
        decoder = kc.layers.RecurrentDecoder(30, 16)
        encoded = np.random.default_rng(0).normal(size=(2, 16)).astype("float32")
        decoder.build((2, 5), (2, 16))
        search = kc.decoding.CompiledSearch(
            decoder, start=1, end=2, max_length=5, width=3, jit_compile=False
        )
        search(encoded).ids  # (2, 1, 5), the best sentence of each
        ```
    """

    def __init__(
        self,
        layer: keras.layers.Layer | Ensemble,
        method: str = "beam_search",
        *,
        jit_compile: bool = True,
        frozen: bool = False,
        **options: Any,
    ) -> None:
        """See the class."""
        check_choice("method", method, tuple(METHODS))
        if not (hasattr(layer, "initial_state") and hasattr(layer, "step")):
            raise InputError(
                f"{getattr(layer, 'name', layer)!r} was given to be searched, which has no "
                "initial_state and step",
                "a layer that decodes, or an Ensemble of such",
                'Of a captioner or translator give model.get_layer("decoder").',
            )
        self.layer = layer
        self.method = method
        self.options = options
        self._step = prepared_step(layer, None) if frozen else None
        compile_for: dict[str, Callable[[CompiledSearch], Run]] = {
            "tensorflow": partial(_tensorflow, jit_compile),
            "jax": _jax,
            "torch": _torch,
        }
        self._run = compile_for[keras.config.backend()](self)

    @checked
    def __call__(self, encoded: Any, prefix: Tensor | None = None) -> Decoded | Hypotheses:
        """Decode a batch.

        Args:
            encoded: What the layer's `initial_state` takes: tensors or arrays, nested at will.
            prefix: int `(batch, length)`, padded on the right, or None.

        Returns:
            What the method returns.
        """
        encoded = tree.map_structure(ops.convert_to_tensor, encoded)
        return self._run(encoded, None if prefix is None else ops.convert_to_tensor(prefix))

    @checked
    def decode(self, encoded: Any, prefix: Tensor | None = None) -> Decoded | Hypotheses:
        """Decode without compiling; or inside the caller's own compiled function.

        Args:
            encoded: What the layer's `initial_state` takes: tensors, nested at will.
            prefix: int `(batch, length)`, padded on the right, or None.

        Returns:
            What the method returns.
        """
        state = self.layer.initial_state(encoded)
        step = self._step or prepared_step(self.layer, self._fed(state))
        return METHODS[self.method](step, state, prefix=prefix, **self.options)

    def _fed(self, state: State) -> int:
        """How many ids a search is sure to feed: sentences end sooner, or batches are unknown."""
        width = self.options.get("width", WIDTH) if self.method == "beam_search" else 1
        batch = rows(state)
        return batch * width * self.options["max_length"] // 2 if isinstance(batch, int) else 0


def _tensorflow(jit_compile: bool, search: CompiledSearch) -> Run:
    import tensorflow as tf

    # Layers written on keras.ops have nothing for autograph to rewrite.
    return tf.function(search.decode, autograph=False, jit_compile=jit_compile)


def _jax(search: CompiledSearch) -> Run:
    import jax

    seed = search.options.get("seed")
    drawn = [seed.state] if isinstance(seed, keras.random.SeedGenerator) else []

    @jax.jit
    def pure(
        values: list[Tensor], encoded: Any, prefix: Tensor | None
    ) -> tuple[Decoded | Hypotheses, list[Tensor]]:
        variables = [*search.layer.variables, *drawn]
        with keras.StatelessScope(zip(variables, values, strict=True)) as scope:
            result = search.decode(encoded, prefix)
        return result, [scope.get_current_value(variable) for variable in drawn]

    def run(encoded: Any, prefix: Tensor | None) -> Decoded | Hypotheses:
        variables = [*search.layer.variables, *drawn]
        result, advanced = pure([variable.value for variable in variables], encoded, prefix)
        for variable, value in zip(drawn, advanced, strict=True):
            variable.assign(value)
        return result

    return run


def _torch(search: CompiledSearch) -> Run:
    import torch

    return torch.no_grad()(search.decode)
