"""A long chain of equal convolutions as a loop, so that a graph has the size of one layer.

    x = activation(convolve(pad(x), kernels[i]) + biases[i])        for i = 0, 1, ...

Each engine has one function that gives the three parts of its loop: the layer, the loop over
stacked weights, and a wrapper that forgets what happens inside a function and computes it again
when the gradient needs it. With segments of about the root of the depth, the memory of training
grows with that root: a segment keeps its input, and only one at a time has its layers' outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import keras

from keras_classics.core.types import Tensor

Function: TypeAlias = Callable[[Tensor], Tensor]
# From a tensor and weights to a tensor.
Layer: TypeAlias = Callable[..., Tensor]
# The layer, the loop over stacked weights and the wrapper that forgets.
Engine: TypeAlias = tuple[Layer, Layer, Callable[[Layer], Layer]]


def convolution_chain(
    x: Tensor,
    kernels: Tensor,
    biases: Tensor,
    *,
    activation: Function,
    padding: str,
    kept: int,
) -> Tensor:
    """Run the chain; gradients reach all three tensors.

    Args:
        x: `(batch, height, width, channels)`.
        kernels: `(depth, size, size, channels, channels)`, size odd.
        biases: `(depth, channels)`.
        activation: From tensor to tensor, element by element.
        padding: `"circular"` or `"same"`.
        kept: How many layers, the last, keep what they have computed for the gradient. The others
            are computed again, in segments of about the root of their number.

    Returns:
        Of the shape of `x`.
    """
    layer, loop, forgetting = _ENGINES[keras.config.backend()](x, kernels, activation, padding)
    layers = partial(loop, layer)
    again = kernels.shape[0] - kept
    if again:
        segment = math.isqrt(again)
        count = again // segment
        whole = count * segment
        segments = [
            keras.ops.reshape(stack[:whole], (count, segment, *stack.shape[1:]))
            for stack in (kernels, biases)
        ]
        x = loop(forgetting(layers), x, *segments)
        if whole < again:
            x = forgetting(layers)(x, kernels[whole:again], biases[whole:again])
    return layers(x, kernels[again:], biases[again:]) if kept else x


def _tensorflow(x: Tensor, kernels: Tensor, activation: Function, padding: str) -> Engine:
    import tensorflow as tf

    pad, mode = _tensorflow_padding(x, kernels.shape[1] // 2, padding)
    slope = _tensorflow_slope(activation)

    def convolve(x: Tensor, kernel: Tensor) -> Tensor:
        return tf.nn.conv2d(x, kernel, 1, mode)

    # With the gradients TensorFlow derives, a step took 1.6 times as long: that of circular padding
    # is many small slices and sums, where padding the gradient and convolving it does the same.
    @tf.custom_gradient
    def layer(
        x: Tensor, kernel: Tensor, bias: Tensor
    ) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, ...]]]:
        padded = pad(x)
        before = tf.nn.bias_add(convolve(padded, kernel), bias)
        after = activation(before)

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            upstream = slope(before, after, upstream)
            mirrored = tf.transpose(tf.reverse(kernel, (0, 1)), (0, 1, 3, 2))
            kernel_gradient = tf.raw_ops.Conv2DBackpropFilter(
                input=padded,
                filter_sizes=kernel.shape,
                out_backprop=upstream,
                strides=(1, 1, 1, 1),
                padding=mode,
            )
            bias_gradient = tf.reduce_sum(upstream, (0, 1, 2))
            return convolve(pad(upstream), mirrored), kernel_gradient, bias_gradient

        return after, gradient

    def loop(step: Layer, x: Tensor, *stacks: Tensor) -> Tensor:
        depth = stacks[0].shape[0]
        # Rows taken by index would each have a gradient as large as the whole stack.
        rows = [tf.TensorArray(s.dtype, depth, clear_after_read=False).unstack(s) for s in stacks]

        def body(index: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            weights = [
                tf.ensure_shape(row.read(index), stack.shape[1:])
                for row, stack in zip(rows, stacks, strict=True)
            ]
            return index + 1, tf.ensure_shape(step(x, *weights), x.shape)

        _, x = tf.while_loop(lambda index, _: index < depth, body, (0, x), maximum_iterations=depth)
        return x

    return layer, loop, tf.recompute_grad


def _tensorflow_padding(x: Tensor, amount: int, padding: str) -> tuple[Function, str]:
    """The function that pads before a convolution, and the padding left to the convolution."""
    import tensorflow as tf

    if padding == "same":
        return lambda x: x, "SAME"
    _, height, width, channels = keras.ops.shape(x)
    rows = tf.range(-amount, height + amount) % height
    columns = tf.range(-amount, width + amount) % width
    # One gather of pixels takes half the time of joining slices along either axis.
    pixels = tf.reshape(rows[:, None] * width + columns, (-1,))

    def pad(x: Tensor) -> Tensor:
        flat = tf.reshape(x, (-1, height * width, channels))
        shape = (-1, height + 2 * amount, width + 2 * amount, channels)
        return tf.reshape(tf.gather(flat, pixels, axis=1), shape)

    return pad, "VALID"


def _tensorflow_slope(
    activation: Function,
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The activation's gradient, from its output where that is enough: one tensor less to keep."""
    import tensorflow as tf

    from_output = {
        keras.activations.linear: lambda after, upstream: upstream,
        keras.activations.relu: lambda after, upstream: tf.raw_ops.ReluGrad(
            gradients=upstream, features=after
        ),
        keras.activations.tanh: lambda after, upstream: tf.raw_ops.TanhGrad(y=after, dy=upstream),
    }.get(activation)
    if from_output:
        return lambda before, after, upstream: from_output(after, upstream)

    def slope(before: Tensor, after: Tensor, upstream: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            tape.watch(before)
            after = activation(before)
        return tape.gradient(after, before, upstream)

    return slope


def _jax(x: Tensor, kernels: Tensor, activation: Function, padding: str) -> Engine:
    import jax
    from jax import lax
    from jax import numpy as jnp

    size, channels = kernels.shape[1], kernels.shape[-1]
    amount = size // 2
    _, height, width, _ = x.shape

    def convolve(x: Tensor, kernel: Tensor) -> Tensor:
        if jax.default_backend() != "cpu":
            return lax.conv_general_dilated(
                x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
        # Inside loops XLA's own convolution is nine times slower on CPUs than this product.
        taps = [
            x[:, row : row + height, column : column + width]
            for row in range(size)
            for column in range(size)
        ]
        return jnp.concatenate(taps, axis=-1) @ kernel.reshape(-1, channels)

    def layer(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        around = ((0, 0), (amount, amount), (amount, amount), (0, 0))
        padded = jnp.pad(x, around, mode="wrap" if padding == "circular" else "constant")
        return activation(convolve(padded, kernel) + bias)

    def loop(step: Layer, x: Tensor, *stacks: Tensor) -> Tensor:
        return lax.scan(lambda x, weights: (step(x, *weights), None), x, stacks)[0]

    return layer, loop, jax.checkpoint


def _torch(x: Tensor, kernels: Tensor, activation: Function, padding: str) -> Engine:
    from torch.nn import functional
    from torch.utils.checkpoint import checkpoint

    amount = kernels.shape[1] // 2

    def layer(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        # A view: torch keeps the memory as it is and calls it channels last.
        x = x.permute(0, 3, 1, 2)
        around = (amount,) * 4
        x = functional.pad(x, around, mode="circular" if padding == "circular" else "constant")
        x = functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias)
        return activation(x.permute(0, 2, 3, 1))

    def loop(step: Layer, x: Tensor, *stacks: Tensor) -> Tensor:
        for weights in zip(*(stack.unbind(0) for stack in stacks), strict=True):
            x = step(x, *weights)
        return x

    def forgetting(function: Layer) -> Layer:
        return partial(checkpoint, function, use_reentrant=False)

    return layer, loop, forgetting


_ENGINES = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
