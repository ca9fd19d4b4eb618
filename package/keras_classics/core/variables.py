"""Reading variables."""

from __future__ import annotations

import keras
from keras import ops


def value_of(variable: keras.Variable) -> keras.KerasTensor:
    """The value of a variable as one tensor, for layers that use it more than once.

    Of several reads in one step TensorFlow's graph optimiser has let some come after the update,
    and the gradients then belonged to two values; `ops.convert_to_tensor` hands a variable through
    as it is.
    """
    return ops.reshape(variable, variable.shape)
