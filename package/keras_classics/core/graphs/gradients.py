"""Pure functions of tensors differentiated and compiled, on every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import keras
from keras import ops

from keras_classics.core.types import Tensor

Function = Callable[..., Tensor]
# From `tap` to one number, see `tapped_gradients`.
Tapping = Callable[[Callable[[Tensor], Tensor]], Tensor]


def unrecorded() -> AbstractContextManager[Any]:
    """A context in which nothing is kept for gradients: PyTorch would keep every step."""
    if keras.config.backend() != "torch":
        return nullcontext()
    import torch

    return torch.no_grad()


def value_and_gradients(
    function: Function, arguments: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Evaluate a function and differentiate it.

    Args:
        function: From tensors to one number.
        arguments: Floating-point tensors, or variables, whose values are taken.

    Returns:
        The value, and one gradient for each argument, of its shape: zeros for an argument that
        the value does not depend on.
    """
    # Keras hands a variable through `convert_to_tensor` as it is; this makes it a tensor.
    arguments = [ops.stop_gradient(ops.convert_to_tensor(argument)) for argument in arguments]
    return _ENGINES[keras.backend.backend()](function, arguments)


def _tensorflow(function: Function, arguments: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(arguments)
        value = function(*arguments)
    zero = tf.UnconnectedGradients.ZERO
    return value, tape.gradient(value, arguments, unconnected_gradients=zero)


def _jax(function: Function, arguments: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    import jax

    numbers = tuple(range(len(arguments)))
    value, gradients = jax.value_and_grad(function, numbers)(*arguments)
    return value, list(gradients)


def _torch(function: Function, arguments: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    import torch

    with torch.enable_grad():
        leaves = [argument.detach().requires_grad_() for argument in arguments]
        value = function(*leaves)
    gradients = torch.autograd.grad(value, leaves, allow_unused=True)
    found = zip(gradients, leaves, strict=True)
    return value.detach(), [torch.zeros_like(x) if g is None else g for g, x in found]


_ENGINES = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}


def compiled(function: Callable) -> Callable:
    """Compile a pure function of (nested lists of) tensors, where the backend gains by it.

    TensorFlow traces it and JAX compiles it, once for each set of shapes; PyTorch runs it as it is.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, reduce_retracing=True)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def compiled_update(
    optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]
) -> Callable[[list[Tensor]], None]:
    """Compile an optimizer's step, where the backend gains by it.

    Args:
        optimizer: Built for the variables.
        variables: What it moves.

    Returns:
        From one gradient for each variable to nothing: variables and optimizer have moved.
    """
    variables = list(variables)

    def update(gradients: list[Tensor]) -> None:
        optimizer.apply(gradients, variables)

    if keras.backend.backend() == "jax":
        return _jax_update(optimizer, variables)
    return compiled(update)


def _jax_update(
    optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]
) -> Callable[[Sequence[Tensor]], None]:
    import jax

    pure = jax.jit(optimizer.stateless_apply)

    def update(gradients: Sequence[Tensor]) -> None:
        own = optimizer.variables
        values = [[each.value for each in group] for group in (own, variables)]
        moved, advanced = pure(values[0], gradients, values[1])
        for variable, value in zip([*variables, *own], [*moved, *advanced], strict=True):
            variable.assign(value)

    return update


def tapped_gradients(
    function: Tapping,
) -> tuple[list[Tensor], list[Tensor]]:
    """Differentiate a function by tensors that only arise while it runs, in the one run.

    Nothing is recorded for the backward pass before the first of them.

    Args:
        function: From `tap` to one number. `tap(tensor)` returns the tensor that the function has
            to go on with.

    Returns:
        The tapped tensors in the order of the calls, and the gradient for each, of its shape:
        zeros where the number does not depend on it.
    """
    return _TAPPED[keras.backend.backend()](function)


def _tapped_tensorflow(function: Tapping) -> tuple[list[Tensor], list[Tensor]]:
    import tensorflow as tf

    tapped: list[Tensor] = []

    def tap(tensor: Tensor) -> Tensor:
        tape.watch(tensor)
        tapped.append(tensor)
        return tensor

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        value = function(tap)
    zero = tf.UnconnectedGradients.ZERO
    return tapped, tape.gradient(value, tapped, unconnected_gradients=zero)


def _tapped_jax(function: Tapping) -> tuple[list[Tensor], list[Tensor]]:
    import jax

    def shapes() -> list[Tensor]:
        met: list[Tensor] = []

        def tap(tensor: Tensor) -> Tensor:
            met.append(tensor)
            return tensor

        function(tap)
        return met

    # What arises within cannot be an argument, but what is added to it can.
    def shifted(offsets: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        tapped: list[Tensor] = []
        left = iter(offsets)

        def tap(tensor: Tensor) -> Tensor:
            tapped.append(tensor)
            return tensor + next(left)

        return function(tap), tapped

    offsets = [jax.numpy.zeros(x.shape, x.dtype) for x in jax.eval_shape(shapes)]
    gradients, tapped = jax.grad(shifted, has_aux=True)(offsets)
    return tapped, gradients


def _tapped_torch(function: Tapping) -> tuple[list[Tensor], list[Tensor]]:
    import torch

    tapped: list[Tensor] = []

    def tap(tensor: Tensor) -> Tensor:
        if not tensor.requires_grad:
            tensor = tensor.detach().requires_grad_()
        tapped.append(tensor)
        return tensor

    with torch.enable_grad():
        value = function(tap)
    found: Sequence[Tensor | None] = [None] * len(tapped)
    if value.requires_grad:
        found = torch.autograd.grad(value, tapped, allow_unused=True)
    pairs = zip(found, tapped, strict=True)
    gradients = [torch.zeros_like(x) if g is None else g for g, x in pairs]
    return [x.detach() for x in tapped], gradients


_TAPPED = {"tensorflow": _tapped_tensorflow, "jax": _tapped_jax, "torch": _tapped_torch}


def ruled_gradient(
    function: Callable[[Tensor], Tensor], tensor: Tensor, rule: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """A function of a tensor through which gradients pass back by a rule of one's own.

    Args:
        function: Gives a new tensor of the same shape.
        tensor: What it is called on.
        rule: From that tensor and the gradient of what was given to the gradient of the tensor.
    """

    @ops.custom_gradient
    def call(x: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
        def gradient(*arguments: Tensor, upstream: Tensor | None = None) -> Tensor:
            return rule(x, arguments[-1] if upstream is None else upstream)

        return function(x), gradient

    return call(tensor)


def rectified_gradient(tensor: Tensor) -> Tensor:
    """The tensor itself; the gradient that passes back through it loses what is negative."""
    # PyTorch treats an input that is handed back as no new tensor.
    return ruled_gradient(lambda x: x * 1, tensor, lambda x, gradient: ops.relu(gradient))


def compiled_over(layer: keras.layers.Layer, function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors that calls a layer and leaves no trace in it.

    The function reads the layer's variables as they are at each call, trained in between or not;
    what it would change in them, such as the state of random generators, is dropped. PyTorch
    records nothing for gradients by the variables.

    Args:
        layer: A built layer or model.
        function: From (nested) tensors to (nested) tensors.

    Returns:
        The compiled function, of the same arguments.
    """

    def within(values: Sequence[Any], *arguments: Any) -> Any:
        with keras.StatelessScope(zip(layer.variables, values, strict=True) if values else None):
            return function(*arguments)

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # Layers written on keras.ops have nothing for autograph to rewrite.
        return tf.function(partial(within, ()), autograph=False, reduce_retracing=True)
    if keras.backend.backend() == "jax":
        import jax

        traced = jax.jit(within)
        return lambda *arguments: traced([x.value for x in layer.variables], *arguments)
    return lambda *arguments: within([x.value.detach() for x in layer.variables], *arguments)


def pushforward(function: Callable[[Tensor], Tensor], argument: Tensor, tangent: Tensor) -> Tensor:
    """How the value of a function changes along a direction: its Jacobian times a vector.

    It is found by differentiating the gradient by what it is the gradient of, in which it is
    linear: so it goes through whatever has a gradient, those of one's own included.

    Args:
        function: From a floating-point tensor to another.
        argument: Where.
        tangent: The direction, of the shape of the argument.

    Returns:
        Of the shape of the function's value.
    """
    if keras.config.backend() == "torch":
        import torch

        _, found = torch.autograd.functional.jvp(function, argument, tangent)
        return found.detach()

    def pulled(upstream: Tensor) -> Tensor:
        def product(x: Tensor) -> Tensor:
            return ops.sum(function(x) * upstream)

        _, (gradient,) = value_and_gradients(product, [argument])
        return ops.sum(gradient * tangent)

    _, (found,) = value_and_gradients(pulled, [ops.zeros_like(function(argument))])
    return found
