"""Compile by a recipe: its learning-rate schedule, optimizer, coupled weight decay and loss."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.cards.recipe import (
    Cosine,
    Drops,
    Exponential,
    Linear,
    Recipe,
    step,
)
from keras_classics.core.errors import InputError, check_choice

# A short training that suits small data: with batch normalisation a high rate and its decay, as
# in the one-cycle policy; without it Adam at a rate that deep plain networks bear.
_SHORT: dict[str, Any] = {
    "schedule": Cosine(warmup=0.15),
    "normalization": step("mean_std"),
}
QUICK_NORMALIZED: dict[str, Any] = {
    "learning_rate": 0.1,
    "batch_size": 64,
    "iterations": 4_500,
    "options": {"momentum": 0.9, "nesterov": True},
    "weight_decay": 5e-4,
}
QUICK_PLAIN: dict[str, Any] = {
    "learning_rate": 1e-3,
    "batch_size": 32,
    "iterations": 2_400,
    "optimizer": "Adam",
    "options": {"global_clipnorm": 5.0},
}

# In fewer, the averages that batch normalisation evaluates with have not followed the weights.
_FEWEST_STEPS = 50


@checked
def quick_recipe(model: keras.Model, *, mirror: bool = True) -> Recipe:
    """A short recipe for small data, whatever the model.

    Args:
        model: A built model; what suits it depends on its having batch normalisation.
        mirror: Whether a mirrored picture is still of its class, as digits are not.
    """
    normalized = _normalized(model)
    # Objects that may not be mirrored are mostly characters, which fill their pictures.
    shift = step("pad_crop", padding=1 / 8 if mirror else 1 / 16)
    augmentation = (shift, step("flip")) if mirror else (shift,)
    return Recipe(
        **_SHORT,
        **(QUICK_NORMALIZED if normalized else QUICK_PLAIN),
        augmentation=augmentation,
        note="short, ours",
    )


def _normalized(model: keras.Model) -> bool:
    return any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)


def learning_rate(
    recipe: Recipe, *, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The rate at each step, as Keras has it.

    Args:
        recipe: The recipe.
        steps: Steps of the whole training; a training shorter or longer than the recipe's keeps
            the shape of its schedule.
    """
    schedules, first = keras.optimizers.schedules, recipe.learning_rate
    unit = steps / recipe.length
    match recipe.schedule:
        case None:
            return first
        case Drops(at=at) as drops:
            rates = [first]
            for factor in drops.factors:
                rates.append(rates[-1] * factor)
            # Keras counts a boundary to the rate before it: the paper's drop comes at it.
            boundaries = [max(0, round(time * unit) - 1) for time in at]
            return schedules.PiecewiseConstantDecay(boundaries, rates)
        case Cosine(warmup=warmup):
            rise = round(warmup * steps)
            if not rise:
                return schedules.CosineDecay(first, steps)
            return schedules.CosineDecay(
                0.0, max(1, steps - rise), warmup_target=first, warmup_steps=rise
            )
        case Linear(end=end):
            return schedules.PolynomialDecay(first, steps, end_learning_rate=first * end)
        case Exponential(factor=factor, every=every):
            return schedules.ExponentialDecay(
                first, max(1, round(every * unit)), factor, staircase=True
            )


@checked
def compile_model(
    model: keras.Model,
    recipe: Recipe,
    *,
    steps_per_epoch: int,
    epochs: int | None = None,
    guard: Callable[[keras.optimizers.Optimizer], keras.optimizers.Optimizer] | None = None,
) -> None:
    """Compile a classifier as its recipe says; targets are one-hot, `(batch, classes)`.

    Of a training too short for the averages of batch normalisation a warning tells: its validation
    says nothing of what was learned.

    Args:
        model: A built classifier. With several outputs each gets the loss, and the targets are a
            tuple.
        recipe: The recipe.
        steps_per_epoch: Batches in an epoch.
        epochs: Length of the training; the recipe's by default.
        guard: Put around the optimizer, such as `kc.training.SkipNonFinite`.

    Raises:
        InputError: The recipe weighs the losses of other outputs than the model has.
    """
    outputs = len(model.outputs)
    if outputs != len(recipe.loss_weights):
        raise InputError(
            f"A model of {outputs} outputs met a recipe for {len(recipe.loss_weights)}",
            "a recipe with a loss weight for each output",
            "Build the model with the recipe's own builder arguments.",
        )
    epochs = epochs or recipe.epochs_of(steps_per_epoch)
    if epochs * steps_per_epoch < _FEWEST_STEPS and _normalized(model):
        warnings.warn(
            f"After {epochs * steps_per_epoch} steps the averages of batch normalisation are far "
            "from its batches, and validation tells nothing: train for "
            f"{math.ceil(_FEWEST_STEPS / steps_per_epoch)} epochs or more, or in smaller batches",
            stacklevel=2,
        )
    rate = learning_rate(recipe, steps=epochs * steps_per_epoch)
    decay_weights(model, recipe.weight_decay, recipe.decayed)
    losses = [
        keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
        for _ in range(outputs)
    ]
    metrics = [["accuracy"], *([[]] * (outputs - 1))]
    single = outputs == 1
    optimizer = getattr(keras.optimizers, recipe.optimizer)(rate, **recipe.options)
    model.compile(
        guard(optimizer) if guard else optimizer,
        loss=losses[0] if single else losses,
        loss_weights=None if single else list(recipe.loss_weights),
        metrics=metrics[0] if single else metrics,
    )


@checked
def decay_weights(model: keras.Model, rate: float, decayed: str = "kernels") -> None:
    """Let weights decay as the papers mean it: `rate * weight` is added to the gradient.

    That is half as large a Keras L2 penalty, which passes through momentum with the gradient; the
    `weight_decay` of Keras optimizers passes it by. The penalty is part of the reported loss.

    Args:
        model: A built model.
        rate: The paper's lambda; 0 takes an earlier decay away.
        decayed: `"kernels"`, weights of two and more axes, or `"all"`.

    Raises:
        InputError: `decayed` is neither.
    """
    check_choice("decayed", decayed, ("kernels", "all"))
    penalty = keras.regularizers.L2(rate / 2) if rate else None
    for weight in model.trainable_weights:
        if decayed == "all" or len(weight.shape) > 1:
            weight.regularizer = penalty
