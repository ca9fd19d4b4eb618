"""Perceptrons and principal components in the space of a kernel.

Both are sums of kernels at the examples: what is linear in features that nobody writes down.
Freund, Schapire, "Large margin classification using the perceptron algorithm", Machine Learning 37,
1999; Schoelkopf, Smola, Mueller, "Nonlinear component analysis as a kernel eigenvalue problem",
Neural Computation 10, 1998.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_even, check_whole
from keras_classics.core.names import check_known
from keras_classics.core.types import Name, Whole
from keras_classics.layers.image.kernel_expansion import KernelExpansion
from keras_classics.models.image.perceptron import PerceptronHistory, check_labels

# Of the largest eigenvalue: what is smaller is rounding.
SMALLEST_EIGENVALUE = 1e-10
# What each kernel may be told.
SETTINGS = {"polynomial": ("degree", "offset"), "gaussian": ("width",)}
# Of the largest answer: how far single precision may be off.
_TOLERANCE = 1e-2


@checked
def kernel_perceptron(
    examples: np.ndarray | Sequence,
    *,
    units: Whole = 1,
    kernel: str = "gaussian",
    name: Name = "kernel_perceptron",
    **settings: Any,
) -> keras.Model:
    """Build a perceptron in the space of a kernel; `fit_kernel_perceptron` teaches it.

    Args:
        examples: What it will learn from and then answers by, `(examples, features)`.
        units: One for two classes, otherwise one for each class.
        kernel: `"linear"`, `"polynomial"` or `"gaussian"`.
        name: Name of the model.
        **settings: `degree` and `offset` of the polynomial, `width` of the Gaussian, and of all
            `dtype`; see `kc.layers.KernelExpansion`.

    Returns:
        A functional model from `(batch, features)` to the sums `(batch, units)`: positive where a
        unit says yes.

    Raises:
        InputError: An argument is not admitted, or the examples are no table of numbers.

    Example:
        ```python
        x, labels = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]), np.array([0, 1, 1, 0])
        xor = kc.models.kernel_perceptron(x, kernel="polynomial", degree=2)
        kc.models.fit_kernel_perceptron(xor, labels)
        xor(np.array([[-1, 1]]))  # above 0: yes
        ```
    """
    return _expansion(_table(examples), check_whole("units", units), kernel, settings, name)


@checked
def fit_kernel_perceptron(
    model: keras.Model, labels: np.ndarray, *, max_epochs: Whole = 100
) -> PerceptronHistory:
    """Train a kernel perceptron by Rosenblatt's rule, from zero.

    Examples come one by one, in order; where a unit's sum is not strictly on the example's side,
    the example's coefficient changes by 1 towards it. The mistakes are those of the perceptron
    without bias in the kernel's features, one by one: at most `(R / d)^2` where some direction
    separates the examples with margin `d` there and none is longer than `R` (Novikoff).

    Args:
        model: Of `kernel_perceptron`; its coefficients are replaced.
        labels: Class of each of its examples, int `(examples,)`; 0 and 1 for one unit.
        max_epochs: Greatest number of passes.

    Returns:
        Corrections of each unit, the passes that were made, and whether the last one was without
        a mistake.

    Raises:
        InputError: The labels are none of the model's classes, or not one for each example, or the
            model's numbers are too coarse for what was learned.

    Example:
        ```python
        x, labels = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]), np.array([0, 1, 1, 0])
        xor = kc.models.kernel_perceptron(x, kernel="polynomial")
        history = kc.models.fit_kernel_perceptron(xor, labels)
        (xor.predict(x, verbose=0)[:, 0] > 0) == labels  # all are right
        ```
    """
    layer, max_epochs = _expansion_of(model), check_whole("max_epochs", max_epochs)
    kept = keras.ops.convert_to_numpy(layer.kept)
    sides = check_labels(labels, len(kept), layer.units)
    gram = _gram(layer, kept)
    coefficients = np.zeros(sides.shape)
    sums = np.zeros(sides.shape)
    corrections = np.zeros(layer.units, int)
    epochs, converged = 0, False
    while epochs < max_epochs and not converged:
        epochs += 1
        before = corrections.copy()
        for row, side in enumerate(sides):
            wrong = side * sums[row] <= 0
            coefficients[row] += side * wrong
            sums += np.outer(gram[row], side * wrong)
            corrections += wrong
        converged = np.array_equal(corrections, before)
    layer.coefficients.assign(coefficients)
    _check_precision(model, kept, sums)
    return PerceptronHistory(corrections, epochs, converged)


@checked
def mistake_bounds(model: keras.Model, labels: np.ndarray) -> np.ndarray:
    """Novikoff's bound on the mistakes, by the margin that the trained units themselves have.

    The best margin is not known; that of any separating direction gives a bound.

    Args:
        model: Of `kernel_perceptron`, trained.
        labels: Class of each of its examples.

    Returns:
        `(R / d)^2` of each unit, float64 `(units,)`; infinite where it does not separate.

    Raises:
        InputError: The labels are none of the model's classes, or not one for each example.

    Example:
        ```python
        x, labels = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]), np.array([0, 1, 1, 0])
        xor = kc.models.kernel_perceptron(x, kernel="polynomial")
        history = kc.models.fit_kernel_perceptron(xor, labels)
        history.corrections  # [4]
        kc.models.mistake_bounds(xor, labels)  # [4.5]
        ```
    """
    layer = _expansion_of(model)
    kept, coefficients = (
        keras.ops.convert_to_numpy(each).astype("float64")
        for each in (layer.kept, layer.coefficients)
    )
    sides = check_labels(labels, len(kept), layer.units)
    gram = _gram(layer, kept)
    least = np.min(sides * (gram @ coefficients), axis=0)
    squared_norm = np.sum(coefficients * (gram @ coefficients), axis=0)
    bounds = np.full(layer.units, np.inf)
    longest = np.diag(gram).max()
    return np.divide(longest * squared_norm, least**2, out=bounds, where=least > 0)


@checked
def kernel_pca(
    examples: np.ndarray | Sequence,
    components: Whole,
    *,
    kernel: str = "gaussian",
    name: Name = "kernel_pca",
    **settings: Any,
) -> keras.Model:
    """Build the embedding into the principal components of examples in the space of a kernel.

    Centred there, as in the paper; the signs are those that make the entry of largest size of each
    component positive.

    Args:
        examples: `(examples, features)`.
        components: How many, the largest first.
        kernel: `"linear"` (ordinary principal components), `"polynomial"` or `"gaussian"`.
        name: Name of the model.
        **settings: As for `kernel_perceptron`.

    Returns:
        A functional model from `(batch, features)` to `(batch, components)`.

    Raises:
        InputError: An argument is not admitted, the examples have fewer components, or the
            model's numbers are too coarse for them.

    Example:
        ```python
        examples = np.random.default_rng(0).normal(size=(50, 8))
        model = kc.models.kernel_pca(examples, 2, width=4.0)
        model(examples).shape  # (50, 2)
        ```
    """
    rows, components = _table(examples), check_whole("components", components)
    model = _expansion(rows, components, kernel, settings, name)
    layer = model.get_layer("expansion")
    gram = _gram(layer, rows)
    centred = gram - gram.mean(0) - gram.mean(1, keepdims=True) + gram.mean()
    values, vectors = np.linalg.eigh(centred)
    values, vectors = values[::-1], vectors[:, ::-1]
    there = int(np.sum(values > SMALLEST_EIGENVALUE * values[0]))
    if components > there:
        raise InputError(
            f"components={components} was given for {len(rows)} examples",
            f"at most the {there} that they have with this kernel",
            f"Pass components={there} or fewer, or more examples."
            if there
            else "Pass examples that differ.",
        )
    largest = np.abs(vectors[:, :components]).argmax(0), np.arange(components)
    directions = vectors[:, :components] * np.sign(vectors[largest])
    coefficients = directions / np.sqrt(values[:components])
    # Centring is linear in the kernel: it goes into coefficients and bias.
    coefficients = coefficients - coefficients.mean(0)
    layer.coefficients.assign(coefficients)
    bias = -gram.mean(0) @ coefficients
    layer.bias.assign(bias)
    _check_precision(model, rows, gram @ coefficients + bias)
    return model


def _expansion(
    rows: np.ndarray, units: int, kernel: str, settings: dict[str, Any], name: str
) -> keras.Model:
    own = {name: value for name, value in settings.items() if name != "dtype"}
    check_known(f"the {kernel} kernel", own, SETTINGS.get(kernel, ()))
    # Small sums of large terms: in half precision they would have another sign than was learned.
    settings = {"dtype": "float32", **settings}
    layer = KernelExpansion(units, len(rows), kernel, name="expansion", **settings)
    vector = keras.Input((rows.shape[1],), name="vector")
    model = keras.Model(vector, layer(vector), name=name)
    layer.kept.assign(rows)
    return model


def _expansion_of(model: keras.Model) -> KernelExpansion:
    for layer in model.layers:
        # What was centred, as kernel_pca does it, has a bias.
        if isinstance(layer, KernelExpansion) and not np.any(layer.bias):
            return layer
    raise InputError(
        f"The model {model.name!r} was given, which has no examples, or a bias beside them",
        "a model of kc.models.kernel_perceptron",
        "Build one: kc.models.kernel_perceptron(examples).",
    )


def _gram(layer: KernelExpansion, rows: np.ndarray) -> np.ndarray:
    """The kernel at all pairs of examples; what overflows is refused."""
    with np.errstate(over="ignore", invalid="ignore"):
        gram = layer.gram(rows, rows)
    if not (gram < np.finfo("float32").max).all():
        raise _too_coarse(rows, "the kernel of two is no finite number in single precision")
    return gram


def _check_precision(model: keras.Model, rows: np.ndarray, expected: np.ndarray) -> None:
    """Refuse a model that does not answer what was found in double precision."""
    found = model.predict(rows, verbose=0)
    off = np.max(np.abs(found - expected), initial=0.0) / max(np.max(np.abs(expected)), 1e-30)
    if not off <= _TOLERANCE:
        raise _too_coarse(rows, f"answers are off by {off:.2g} of the largest")


def _too_coarse(rows: np.ndarray, why: str) -> InputError:
    return InputError(
        f"Examples with numbers up to {np.abs(rows).max():.3g} were given, for which {why}",
        "examples around zero, of the size of one",
        "Pass them, and what you ask later, as (x - x.mean(0)) / x.std(0) of the examples.",
    )


def _table(examples: np.ndarray | Sequence) -> np.ndarray:
    rows = check_even("examples", examples)
    known = rows.ndim == 2 and rows.size and rows.dtype.kind in "biuf"
    if not known or not np.isfinite(rows).all():
        raise InputError(
            f"Examples of shape {rows.shape} and type {rows.dtype} were given",
            "a table (examples, features) of finite numbers",
            "Pass pictures.reshape(len(pictures), -1) for pictures.",
        )
    if np.abs(rows).max() > np.finfo("float32").max:
        raise _too_coarse(rows, "single precision has no number")
    return rows.astype("float64")
