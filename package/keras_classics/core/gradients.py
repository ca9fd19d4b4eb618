"""Pure functions of tensors differentiated and compiled, on every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from keras import ops

Tensor = keras.KerasTensor


def value_and_gradients(
    function: Callable[..., Tensor], arguments: Sequence[Tensor]
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


def _tensorflow(function, arguments):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(arguments)
        value = function(*arguments)
    zero = tf.UnconnectedGradients.ZERO
    return value, tape.gradient(value, arguments, unconnected_gradients=zero)


def _jax(function, arguments):
    import jax

    numbers = tuple(range(len(arguments)))
    value, gradients = jax.value_and_grad(function, numbers)(*arguments)
    return value, list(gradients)


def _torch(function, arguments):
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
