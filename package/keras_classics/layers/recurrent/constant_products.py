"""Products of a step that no step changes: every id's vector times the kernel of the first layer.

While a decoder writes, each step looks up the vectors of ids and multiplies them by the input
kernel. Both are constant, so the products are: a table of `vocabulary` rows, as wide as the gates
of the layer, takes their place, and a step only looks up. Making the table multiplies `vocabulary`
vectors, and it has several times their numbers: `constant_products` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import keras
from keras import ops

from keras_classics.core.graphs.variables import value_of
from keras_classics.core.types import Tensor
from keras_classics.layers.recurrent.hoisted import GRU, LSTM

# From inputs and states of a layer to its output and next states, as `cell(inputs, states)`.
CellStep: TypeAlias = Callable[[Tensor | None, Sequence[Tensor]], tuple[Tensor, list[Tensor]]]


class ConstantProducts:
    """What ids give to the sums of a recurrent layer, multiplied once.

    Args:
        layer: An LSTM or a GRU, built, whose equations are known.
        vectors: What every id is fed as, `(vocabulary, features)`; None where that is its one-hot
            vector, whose products are the rows of the kernel.
    """

    def __init__(self, layer: LSTM | GRU, vectors: Tensor | None) -> None:
        cast = partial(ops.cast, dtype=layer.compute_dtype)
        equations, bias, weights = layer.equations()
        kernel = cast(value_of(layer.cell.kernel))
        features = kernel.shape[0] if vectors is None else vectors.shape[1]
        table = kernel if vectors is None else ops.matmul(cast(vectors), kernel[:features])
        self._table = table if bias is None else table + cast(bias)
        self._beside = kernel[features:]
        self._equations, self._weights = equations, [cast(weight) for weight in weights]

    def cell(self, token: Tensor) -> CellStep:
        """The step of the layer's cell for one feeding of ids.

        Args:
            token: Ids `(rows,)`.

        Returns:
            A function of what is fed besides the ids' vectors, behind them, `(rows, features)` or
            None, and of the layer's states.
        """
        affine = ops.take(self._table, token, axis=0)

        def step(beside: Tensor | None, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
            sums = affine if beside is None else affine + ops.matmul(beside, self._beside)
            states, _ = self._equations.forward(sums, states, self._weights)
            return states[0], states

        return step


def constant_products(
    layer: keras.layers.Layer, vectors: Tensor | None, fed: int | None, parameters: int
) -> ConstantProducts | None:
    """The products, where the layer's equations are known and a table saves more than it costs.

    Args:
        layer: The lowest recurrent layer, built.
        vectors: What every id is fed as, `(vocabulary, features)`; None where that is its one-hot
            vector, and the table, being the kernel, costs nothing.
        fed: How many ids a search will feed, over all its rows and steps. The table is made for
            that search, so it must not multiply more vectors than the search would. None where it
            is made once for all searches to come: then it only must not double the memory. (Where
            it would, the vocabulary is so large that the logits take the time anyway.)
        parameters: How many numbers the whole decoder holds.
    """
    if not (isinstance(layer, LSTM | GRU) and layer.has_equations):
        return None
    if vectors is not None:
        vocabulary, width = vectors.shape[0], layer.cell.kernel.shape[1]
        if vocabulary > fed if fed is not None else vocabulary * width > parameters:
            return None
    return ConstantProducts(layer, vectors)
