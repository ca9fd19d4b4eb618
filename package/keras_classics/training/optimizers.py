"""Optimizers: Keras's own beside the courses' formulas, and steps that must not be taken.

`g` is the gradient, `lr` the learning rate, `t` counts steps from 1; states start at zero.

| rule | courses | Keras | difference |
|---|---|---|---|
| SGD | `w -= lr g` | the same | |
| momentum | `v = a v - lr g; w += v` | the same | PyTorch has `v = a v + g; w -= lr v`: another step when `lr` changes |
| Nesterov | `g` at `w + a v`; `v = a v - lr g; w += v` | `g` at `w`; `v = a v - lr g; w += a v - lr g` | Keras's `w` is the courses' `w + a v` |
| RMSprop | `r = p r + (1 - p) g^2; w -= lr g / sqrt(r + e)` | the same, `e = 1e-7` | PyTorch has `sqrt(r) + e` |
| RMSprop with momentum | `m = a m + lr g / sqrt(r + e); w -= m` | the same | some books look ahead, as Nesterov does |
| Adam | `m, v` averages of `g, g^2`; `w -= lr m' / (sqrt(v') + e)`, `m' = m / (1 - b1^t)`, `v'` alike | `w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + e)` | Keras's `e = 1e-7` acts as `e / sqrt(1 - b2^t)`, at first 3.2e-6 |
| Adagrad | `s += g^2; w -= lr g / (sqrt(s) + e)` | `w -= lr g / sqrt(s + e)` | Keras's `s` starts at 0.1 |

| clipping | formula | argument in Keras |
|---|---|---|
| global norm | `g *= min(1, c / norm)`, of all gradients together | `global_clipnorm` |
| norm of each weight | the same, one by one | `clipnorm` |
| value | every entry to between `-c` and `c` | `clipvalue` |

The rule of Pascanu, Mikolov, Bengio ("On the difficulty of training recurrent neural networks",
ICML 2013) is `global_clipnorm`. A norm that is infinite or not a number makes every weight NaN
under it, which `SkipNonFinite` prevents.
"""  # noqa: E501 - rows of a table cannot be broken

from __future__ import annotations

import keras
from keras import ops

from keras_classics.core.errors import explain
from keras_classics.core.registration import registered


@registered
class SkipNonFinite(keras.optimizers.Optimizer):
    """An optimizer that leaves out, and counts, steps whose gradient is not finite.

    `SkipNonFinite(keras.optimizers.Adam(1e-3, global_clipnorm=1.0))` goes where the optimizer
    inside would. In a step whose gradients have a norm, over all weights, that is infinite or not
    a number, nothing changes but the counts: no weight and no state of the optimizer inside. (One
    number that is NaN is enough; so are numbers whose squares are too large to sum.)

    `int(optimizer.skipped)` is the number of steps left out, `optimizer.iterations` the number of
    all; the optimizer inside counts the others, and by these goes its schedule. Losses that are not
    finite are no gradients: Keras's `TerminateOnNaN` ends the training on them.

    Args:
        optimizer: Keras optimizer, or its name.
        name: Name of the optimizer.

    Raises:
        ValueError: The optimizer inside has stepped already.
    """

    def __init__(self, optimizer="adam", name: str = "skip_non_finite"):
        # The rate of the optimizer inside is the one in use; this one only satisfies Keras.
        super().__init__(learning_rate=0.0, name=name)
        self.optimizer = keras.optimizers.get(optimizer)

    @property
    def learning_rate(self):
        """That of the optimizer inside."""
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.optimizer.learning_rate = value

    @property
    def variables(self):
        """Its own counts and all of the optimizer inside."""
        return [*self._variables, *self.optimizer.variables]
