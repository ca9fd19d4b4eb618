"""Optimizers: Keras's own beside the courses' formulas, and steps that must not be taken.

`g` is the gradient, `lr` the learning rate, `t` counts steps from 1; states start at zero.

| rule | courses | Keras | difference |
|---|---|---|---|
| SGD | `w -= lr g` | the same | |
| momentum | `v = a v - lr g; w += v` | the same | PyTorch has `v = a v + g; w -= lr v`: another step when `lr` changes |
| Nesterov | `g` at `w + a v`; `v = a v - lr g; w += v` | `g` at `w`; `v = a v - lr g; w += a v - lr g` | Keras's `w` is the courses' `w + a v` |
| RMSprop | `r = p r + (1 - p) g^2; w -= lr g / sqrt(r + e)` | the same, `e = 1e-7` | PyTorch has `sqrt(r) + e` |
| RMSprop with momentum | `m = a m + lr g / sqrt(r + e); w -= m` | the same | some books look ahead, as Nesterov does |
| Adam | `m, v` averages of `g, g^2`; `w -= lr m' / (sqrt(v') + e)`, `m' = m / (1 - b1^t)`, `v'` alike | `w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + e)` | Keras's `e = 1e-7` acts as `e / sqrt(1 - b2^t)`, at first 3.2e-6; its correction rounds `b1, b2` to float32, a first step 6e-6 too short |
| Adagrad | `s += g^2; w -= lr g / (sqrt(s) + e)` | `w -= lr g / sqrt(s + e)` | Keras's `s` starts at 0.1 |

| clipping | formula | argument in Keras |
|---|---|---|
| global norm | `g *= min(1, c / norm)`, of all gradients together | `global_clipnorm` |
| norm of each weight | the same, one by one | `clipnorm` |
| value | every entry to between `-c` and `c` | `clipvalue` |

The rule of Pascanu, Mikolov, Bengio ("On the difficulty of training recurrent neural networks",
ICML 2013) is `global_clipnorm`. A norm that is infinite or not a number makes every weight NaN
under it, which `SkipNonFinite` prevents.

The average of the weights over the last steps is Keras's own too: `use_ema=True`, with the memory
that `averaging` gives. It is kept in the optimizer's variables, so that a training resumed by
`kc.training.fit` ends with the same average. Validation sees the weights themselves, or with
`keras.callbacks.SwapEMAWeights()` their average; not with its `swap_on_epoch=True`, under which
checkpoints would hold the average in place of the weights.
"""  # noqa: E501 - rows of a table cannot be broken

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import cast

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Name, Optimizer, Tensor


@registered
class SkipNonFinite(keras.optimizers.Optimizer):
    """An optimizer that leaves out, and counts, steps whose gradient is not finite.

    `SkipNonFinite(keras.optimizers.Adam(1e-3, global_clipnorm=1.0))` goes where the optimizer
    inside would. In a step whose gradients have a norm, over all weights, that is infinite or not
    a number, nothing changes but the counts: no weight and no state of the optimizer inside. (One
    number that is NaN is enough; so are numbers whose squares are too large to sum.)

    `int(optimizer.skipped)` is the number of steps left out, `optimizer.iterations` that of all
    steps; the optimizer inside counts the others, and by these goes its schedule.

    `kc.training.fit`, which stops at a loss that is not finite, goes on under this optimizer; the
    mean loss of such an epoch is not finite either. Averages that a layer keeps by itself, such as
    those of batch norm, are not spared, and end that training once they are not finite.

    Args:
        inner_optimizer: Keras optimizer, or its name.
        name: Name of the optimizer.

    Raises:
        InputError: At the first step under a strategy of `tf.distribute`, whose replicas would
            have to agree first; see `refuse_strategies`.

    Example:
        ```python
        optimizer = kc.training.SkipNonFinite(keras.optimizers.Adam(1e-3, global_clipnorm=1.0))
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(optimizer, "mse")
        model.fit(np.full((8, 4), np.nan), np.zeros((8, 1)), verbose=0)
        int(optimizer.skipped)  # 1
        ```
    """

    @checked
    def __init__(
        self,
        inner_optimizer: Optimizer = "adam",
        name: Name = "skip_non_finite",
    ) -> None:
        # Keras wants a rate; the one in use is that of the optimizer inside.
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = keras.optimizers.get(inner_optimizer)
        self.skipped = self.add_variable((), dtype="int", name="skipped")

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the states of the optimizer inside."""
        self.inner_optimizer.build(variables)
        super().build(variables)
        # In a function: variables in an attribute Keras takes for states of the optimizer.
        self.trained: Callable[[], list[keras.Variable]] = partial(list, variables)

    @property
    def variables(self) -> list[keras.Variable]:
        """Its own counts, then all of the optimizer inside."""
        return [*super().variables, *self.inner_optimizer.variables]

    def apply(
        self,
        grads: list[Tensor | None],
        trainable_variables: Iterable[keras.Variable] | None = None,
    ) -> None:
        """Make a step, or count it as skipped."""
        if not self.built:
            self.build(list(cast(Iterable[keras.Variable], trainable_variables)))
        if keras.backend.backend() == "jax":
            # A conditional may not assign there, so both outcomes are computed.
            trained = self.trained()
            changed = [*trained, *self.variables]
            values = [variable.value for variable in changed]
            count = len(trained)
            new = self.stateless_apply(values[count:], grads, values[:count])
            for variable, value in zip(changed, [*new[0], *new[1]], strict=True):
                variable.assign(value)
            return
        refuse_strategies()
        finite = norm_is_finite(grads)
        ops.cond(
            finite,
            lambda: _nothing(self.inner_optimizer.apply(grads, trainable_variables)),
            lambda: None,
        )
        self._count(finite)

    def stateless_apply(
        self,
        optimizer_variables: list[Tensor],
        grads: list[Tensor | None],
        trainable_variables: list[Tensor],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Make a step, or count it as skipped, on values in place of variables."""
        counting = super().variables
        finite, own = norm_is_finite(grads), len(counting)
        mapping = list(zip(counting, optimizer_variables[:own], strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            self._count(finite)
        counts = [scope.get_current_value(variable) for variable in counting]
        before = trainable_variables, optimizer_variables[own:]
        after = self.inner_optimizer.stateless_apply(before[1], grads, before[0])
        weights, states = (
            [ops.where(finite, *pair) for pair in zip(new, old, strict=True)]
            for new, old in zip(after, before, strict=True)
        )
        return weights, [*counts, *states]

    def _count(self, finite: Tensor) -> None:
        self.iterations.assign_add(1)
        self.skipped.assign_add(1 - ops.cast(finite, self.skipped.dtype))

    @property
    def learning_rate(self) -> keras.Variable:
        """That of the optimizer inside."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(
        self, value: float | keras.Variable | keras.optimizers.schedules.LearningRateSchedule
    ) -> None:
        self.inner_optimizer.learning_rate = value

    def scale_loss(self, loss: Tensor) -> Tensor:
        """As the optimizer inside does."""
        return self.inner_optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """As the optimizer inside does."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        inner = keras.saving.serialize_keras_object(self.inner_optimizer)
        return {"inner_optimizer": inner, "name": self.name}


@checked
def averaging(steps: float) -> dict[str, bool | float]:
    """Arguments for a Keras optimizer that leaves a model the average weights of its last steps.

    `m = b m + (1 - b) w` after every step, from the weights `w` after the first on, and
    `b = 1 - 1 / steps`: those of `steps` steps before count 1 / e as much as the last. At the end
    of training `m` takes the place of the weights. Checkpoints are averaged like this by the
    toolkits of translation. Polyak, Juditsky, "Acceleration of stochastic approximation by
    averaging", SIAM Journal on Control and Optimization 30, 1992.

    Args:
        steps: How far back the average reaches; 0 for none.

    Returns:
        `use_ema` and `ema_momentum`, or nothing.

    Raises:
        InputError: `steps` is between 0 and 1, or negative.

    Example:
        ```python
        kc.training.averaging(500)  # {"use_ema": True, "ema_momentum": 0.998}
        optimizer = keras.optimizers.Adam(1e-3, **kc.training.averaging(500))
        ```
    """
    if steps == 0:
        return {}
    if steps < 1:
        raise InputError(
            f"An average over {steps} steps was asked for",
            "0 for none, or 1 and above",
            "Give how many steps, or epochs, it should reach back.",
        )
    return {"use_ema": True, "ema_momentum": 1.0 - 1.0 / steps}


def norm_is_finite(gradients: Iterable[Tensor | None]) -> Tensor:
    """Whether the norm over all gradients is a number, as a boolean tensor."""
    squares = [ops.sum(ops.square(gradient)) for gradient in gradients if gradient is not None]
    return ops.isfinite(sum(ops.cast(square, "float32") for square in squares))


def _nothing(_: None) -> None:
    """Both outcomes of a conditional must return the same."""


def skipping(optimizer: keras.optimizers.Optimizer) -> SkipNonFinite | None:
    """The `SkipNonFinite` in the optimizer of a compiled model, or None.

    Args:
        optimizer: It, or what Keras puts around it in mixed precision.
    """
    return next((each for each in nested(optimizer) if isinstance(each, SkipNonFinite)), None)


def nested(
    optimizer: keras.optimizers.Optimizer | None,
) -> Iterator[keras.optimizers.Optimizer]:
    """An optimizer, then what it lies around: a guard, or Keras's own in mixed precision.

    Args:
        optimizer: The outermost; None is none.
    """
    while optimizer is not None:
        yield optimizer
        optimizer = getattr(optimizer, "inner_optimizer", None)


def refuse_strategies() -> None:
    """Refuse to go on where `SkipNonFinite` cannot be used: in the scope of `tf.distribute`.

    Raises:
        InputError: There is a strategy.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    if tf.distribute.has_strategy():
        raise InputError(
            f"Steps that are not finite were to be left out under "
            f"{type(tf.distribute.get_strategy()).__name__}",
            "SkipNonFinite (--skip-non-finite) without tf.distribute",
            "Train on one device, or use the optimizer inside.",
        )
