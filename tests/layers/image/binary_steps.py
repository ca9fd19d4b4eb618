"""One training step of binary layers in float64, on whichever backend is set."""

import keras
import numpy as np

from keras_classics.layers import BinaryConv2D, BinaryDense
from support import reckon_in

CONVOLUTION = {"kernel_size": (3, 2), "strides": 2, "padding": 1}
CASES = {
    "weights": {"binarize": "weights"},
    "clipped_identity": {},
    "approx_sign": {"estimator": "approx_sign"},
    "swish_sign": {"estimator": "swish_sign"},
    "no_input_scale": {"input_scale": False},
    "center_clamp": {"center_clamp": True},
}


class Shift(keras.layers.Layer):
    """Adds a weight to the input: its gradient is the one with respect to the input."""

    def build(self, input_shape):
        self.shift = self.add_weight(shape=(1, *input_shape[1:]), initializer="zeros")

    def call(self, inputs):
        return inputs + self.shift


def drawn():
    """Input, weights and the gradient with respect to the output, for both kinds of layer."""
    draw = np.random.default_rng(7)
    shapes = {
        "dense": ((1, 5), (5, 3), (1, 3)),
        "convolution": ((1, 5, 6, 4), (3, 2, 4, 3), (1, 3, 4, 3)),
    }
    drawn = {kind: [draw.normal(size=shape) for shape in own] for kind, own in shapes.items()}
    for _, kernel, _ in drawn.values():
        # The limits themselves, and zero, whose sign is +1.
        kernel.flat[:3] = 1, -1, 0
    return drawn


def results():
    """Outputs and weights after a step of gradient descent at rate 1, by kind and case."""
    reckon_in("float64")
    found = {"backend": np.asarray(keras.config.backend())}
    for kind, (x, kernel, upstream) in drawn().items():
        for case, arguments in CASES.items():
            convolution = kind == "convolution"
            layer = (
                BinaryConv2D(3, **CONVOLUTION, **arguments)
                if convolution
                else BinaryDense(3, **arguments)
            )
            image = keras.Input(x.shape[1:])
            shift = Shift()
            model = keras.Model(image, layer(shift(image)))
            layer.kernel.assign(kernel)
            found[f"{kind}_{case}_output"] = keras.ops.convert_to_numpy(model(x))
            # Eagerly: in a graph TensorFlow lets the shift's update, in a third of all runs, come
            # before the product that the kernel's gradient is made of.
            model.compile(
                keras.optimizers.SGD(1.0), lambda y, p: keras.ops.sum(y * p), run_eagerly=True
            )
            model.train_on_batch(x, upstream)
            for name, weight in (("kernel", layer.kernel), ("input", shift.shift)):
                found[f"{kind}_{case}_{name}"] = keras.ops.convert_to_numpy(weight)
    return found
