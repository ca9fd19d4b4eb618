"""Pruning: weights that matter least are set to zero, and stay there.

Han, Pool, Tran, Dally, "Learning both weights and connections for efficient neural networks", NIPS
2015, by magnitude. Zhu and Gupta, "To prune, or not to prune", arXiv:1710.01878, the schedule.
Li, Kadav, Durdanovic, Samet, Graf, "Pruning filters for efficient ConvNets", ICLR 2017, filters by
L1. Frankle and Carbin, "The lottery ticket hypothesis", ICLR 2019, rewinding.

Zeros alone make no network faster, as dense kernels multiply them too, and no file smaller that is
not zipped. `strip` takes whole filters out, and then both are so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.compression.zero_channels import free_filters
from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_probability,
    check_rate,
    check_whole,
)
from keras_classics.core.finite_weights import check_finite
from keras_classics.core.graphs.graph import check_model
from keras_classics.core.keras_internals import layers_within

BY = ("global", "layer")
# Of recurrent layers, or of normalisations over several axes, they have two axes as kernels have.
_NO_KERNELS = ("bias", "gamma", "beta", "alpha")


class Masks:
    """Which weights of a model are left.

    Made by `prune`, `prune_filters` and `Masks.of`. `kc.callbacks.HoldWeights(masks)` keeps the
    others at zero while the model learns.

    Args:
        masks: Variables, each with a truth value for each of its numbers: whether it is left.
    """

    @checked
    def __init__(self, masks: Sequence[tuple[keras.Variable, np.ndarray]]) -> None:
        self.variables = [variable for variable, _ in masks]
        self.arrays = [np.asarray(mask, bool) for _, mask in masks]
        self._tensors: list[Any] | None = None

    @classmethod
    @checked
    def of(cls, model: keras.Model, *, keep: Sequence[str] = ()) -> Masks:
        """The masks that a model's zeros are: those of one that was pruned and loaded again.

        Args:
            model: The model.
            keep: As for `prune`.
        """
        variables = prunable(model, keep)
        return cls([(each, ops.convert_to_numpy(each) != 0) for each in variables])

    @property
    def sparsity(self) -> float:
        """The share of weights that are not left."""
        count = sum(mask.size for mask in self.arrays)
        return 1 - sum(int(mask.sum()) for mask in self.arrays) / max(count, 1)

    def hold(self) -> None:
        """Set to zero what is not left."""
        if self._tensors is None:
            self._tensors = [
                ops.convert_to_tensor(mask.astype(each.dtype))
                for each, mask in zip(self.variables, self.arrays, strict=True)
            ]
        for variable, mask in zip(self.variables, self._tensors, strict=True):
            variable.assign(variable.value * mask)

    @checked
    def rewind(self, model: keras.Model, weights: Sequence[np.ndarray]) -> None:
        """Give a model the weights it had early, and keep to zero what is not left.

        Args:
            model: The model the masks are of.
            weights: What its `get_weights()` gave then.

        Raises:
            InputError: They are of another model.
        """
        try:
            model.set_weights(weights)
        except ValueError as error:
            raise InputError(
                f"{len(weights)} weights were given to rewind {model.name!r} to",
                f"its own of an earlier time, {len(model.weights)}",
                "Keep model.get_weights() early in the training.",
            ) from error
        self.hold()


@checked
def prune(
    model: keras.Model, sparsity: float, *, by: str = "global", keep: Sequence[str] = ()
) -> Masks:
    """Set the smallest weights of a model to zero, in place.

        masks = kc.compression.prune(model, 0.8)
        model.fit(images, labels, callbacks=[kc.callbacks.HoldWeights(masks)])

    Pruned are kernels and the like, trainable weights of two axes or more; biases, and the numbers
    of normalisations and rectifiers, are not. What is zero already stays zero and counts.

    Args:
        model: Any model.
        sparsity: Share of the weights that become zero, from 0 to below 1.
        by: `"global"`: the smallest of all; `"layer"`: the same share of every kernel.
        keep: Names of layers that are left alone, such as the first and the last.

    Returns:
        Which weights are left.

    Raises:
        InputError: An argument is not admitted, a name is of no layer, or nothing can be pruned.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        masks = kc.compression.prune(model, 0.8)  # the smallest weights of the network are 0
        stay = kc.callbacks.HoldWeights(masks)  # a callback for `fit` that keeps them so
        ```
    """
    sparsity = check_rate("sparsity", sparsity, "Pass a share such as 0.8.")
    check_choice("by", by, BY)
    variables = prunable(model, keep)
    values = [np.abs(ops.convert_to_numpy(each).astype("float32")) for each in variables]
    for variable, array in zip(variables, values, strict=True):
        check_finite(variable, array)
    groups = [values] if by == "global" else [[each] for each in values]
    arrays: list[np.ndarray] = []
    for group in groups:
        left = _largest(np.concatenate([each.ravel() for each in group]), sparsity)
        edges = np.cumsum([each.size for each in group])[:-1]
        arrays += [
            part.reshape(each.shape)
            for part, each in zip(np.split(left, edges), group, strict=True)
        ]
    masks = Masks(list(zip(variables, arrays, strict=True)))
    masks.hold()
    return masks


@checked
def prune_filters(model: keras.Model, share: float, *, keep: Sequence[str] = ()) -> Masks:
    """Set whole filters to zero, those of the smallest sum of magnitudes in each layer, in place.

    What follows a filter is set to zero with it, its bias and its gain and shift in a
    normalisation, so that `strip` can take it out with equal outputs. Filters whose sum with others
    is taken, as at the end of a residual block, and the model's outputs are left.

    Args:
        model: A functional or built sequential model.
        share: Share of the filters of each layer, from 0 to below 1.
        keep: Names of layers that are left alone.

    Returns:
        Which weights are left.

    Raises:
        InputError: An argument is not admitted, a name is of no layer, the model has no graph of
            layers, or no layer has filters that can be taken out.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        masks = kc.compression.prune_filters(model, 0.5)
        small = kc.compression.strip(model)  # with half of the filters in each hidden layer
        ```
    """
    share = check_rate("share", share, "Pass a share such as 0.4.")
    _check_names(model, keep)
    arrays: dict[int, tuple[keras.Variable, np.ndarray]] = {}

    def drop(variable: keras.Variable, channels: np.ndarray) -> None:
        _, mask = arrays.setdefault(id(variable), (variable, np.ones(variable.shape, bool)))
        mask[..., channels] = False

    found = {layer: after for layer, after in free_filters(model).items() if layer.name not in keep}
    if not found:
        raise _nothing(model, "filters that can be taken out", keep)
    for layer, followers in found.items():
        kernel = ops.convert_to_numpy(layer.kernel)
        check_finite(layer.kernel, kernel)
        norms = np.abs(kernel).sum(axis=tuple(range(kernel.ndim - 1)))
        gone = np.flatnonzero(~_largest(norms, share))
        drop(layer.kernel, gone)
        if layer.use_bias:
            drop(layer.bias, gone)
        for norm, first in followers:
            # Without a gain, only a mean of zero lets zeros pass as they are.
            drop(norm.gamma if norm.scale else norm.moving_mean, first + gone)
            if norm.center:
                drop(norm.beta, first + gone)
    masks = Masks(list(arrays.values()))
    masks.hold()
    return masks


@checked
def cubic_sparsity(step: int, final: float, *, begin: int, end: int, initial: float = 0.0) -> float:
    """The sparsity at a step: `final + (initial - final) (1 - (step - begin) / (end - begin))^3`.

    Zhu and Gupta 2017. Before `begin` it is the initial one, from `end` on the final one.

    Args:
        step: Number of the step.
        final: Sparsity in the end.
        begin: Step at which pruning begins.
        end: Step at which it has ended, above `begin`.
        initial: Sparsity in the beginning.

    Raises:
        InputError: An argument is not admitted.
    """
    begin = check_whole("begin", begin, 0)
    end = check_whole("end", end, begin + 1)
    check_rate("final", final)
    check_probability("initial", initial)
    left = 1 - min(max((step - begin) / (end - begin), 0.0), 1.0)
    return final + (initial - final) * left**3


def prunable(model: keras.Model, keep: Sequence[str] = ()) -> list[keras.Variable]:
    """The weights of a model that pruning is about: kernels, tables and the like.

    Args:
        model: The model.
        keep: Names of layers that are left alone.

    Raises:
        InputError: A name is of no layer, or there are none.
    """
    check_model(model)
    if not model.built:
        raise InputError(
            f"The model {model.name!r} has no weights yet",
            "a model that has been built",
            "Call it once, or give it a keras.Input.",
        )
    _check_names(model, keep)
    kept = {
        id(variable)
        for layer in layers_within(model)
        if layer.name in keep
        for variable in layer.variables
    }
    found = [
        each
        for each in model.trainable_variables
        if len(each.shape) > 1 and each.name not in _NO_KERNELS and id(each) not in kept
    ]
    if not found:
        raise _nothing(model, "weights of two axes or more", keep)
    return found


@checked
def nonzeros(model: keras.Model) -> Mapping[str, tuple[int, int]]:
    """How many weights there are and how many are not zero, by variable."""
    arrays = {each.path: ops.convert_to_numpy(each) for each in model.weights}
    return {path: (array.size, int(np.count_nonzero(array))) for path, array in arrays.items()}


def _largest(values: np.ndarray, sparsity: float) -> np.ndarray:
    """Which values are left when a share of them, the smallest, goes; the first of equal ones."""
    # 0.29 of 100 is 28.999999999999996.
    gone = int(round(sparsity * len(values), 6))
    left = np.ones(len(values), bool)
    if gone:
        left[np.argpartition(values, gone - 1)[:gone]] = False
    return left


def _check_names(model: keras.Model, keep: Sequence[str]) -> None:
    known = tuple(layer.name for layer in layers_within(model) if layer is not model)
    for name in keep:
        check_choice(
            "keep", name, known, "Give names that model.summary(expand_nested=True) shows."
        )


def _nothing(model: keras.Model, what: str, keep: Sequence[str]) -> InputError:
    return InputError(
        f"The model {model.name!r} has no {what}" + " beside those that are kept" * bool(keep),
        "models with plain convolutions or dense layers that may change",
        "Keep fewer." if keep else "Give another model, or make this one's layers trainable.",
    )
