"""Looking at variables."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
from keras import ops

from keras_classics.core.user_warnings import warn_user


def value_of(variable: keras.Variable) -> keras.KerasTensor:
    """The value of a variable as one tensor, for layers that use it more than once.

    Of several reads in one step TensorFlow's graph optimiser has let some come after the update,
    and the gradients then belonged to two values; `ops.convert_to_tensor` hands a variable through
    as it is.
    """
    return ops.reshape(variable, variable.shape)


def warn_of_no_numbers(source: object, variables: Iterable[keras.Variable]) -> None:
    """Say that variables have got values that are not a number, which spread to every output.

    They are kept: of a training that went wrong they are what is to be looked at.

    Args:
        source: Where the values are from, for the message.
        variables: The variables.
    """
    without = [
        variable.path
        for variable in variables
        if "float" in str(variable.dtype)
        and np.isnan(ops.convert_to_numpy(variable).astype("float32")).any()
    ]
    if without:
        more = f" and {len(without) - 1} more" if len(without) > 1 else ""
        warn_user(
            f"{source} has values that are not a number, in {without[0]}{more}; what the model "
            "computes with them is none either."
        )
