"""A small network learns from what a large one says: Keras's distillation, for any classifiers.

Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", arXiv:1503.02531.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_positive, check_probability
from keras_classics.core.graphs.graph import functional
from keras_classics.core.graphs.model_ends import ModelEnd, model_ends
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Tensor

# Smaller than any probability that counts.
_FLOOR = 1e-30


@registered
class ClassDistillation(keras.distillation.LogitsDistillation):
    """Keras's distillation of logits, of models that end in softmax or in logits.

    The logarithm of probabilities is as good as the logits: softmax takes both to the same, at any
    temperature.

    Args:
        temperature: What logits are divided by before both softmaxes are compared.
        teacher_probabilities: Whether the teacher ends in softmax.
        student_probabilities: Whether the student does.
    """

    @checked
    def __init__(
        self,
        temperature: float = 3.0,
        teacher_probabilities: bool = True,
        student_probabilities: bool = True,
    ) -> None:
        # Of the loss by its name, its default, Keras 3.15 takes no softmax before it compares.
        super().__init__(temperature=temperature, loss=keras.losses.KLDivergence())
        self.teacher_probabilities = teacher_probabilities
        self.student_probabilities = student_probabilities

    def compute_loss(
        self, teacher_outputs: Tensor, student_outputs: Tensor, **kwargs: Any
    ) -> Tensor:
        """The divergence of both, times the temperature squared."""
        teacher = _logits(teacher_outputs, self.teacher_probabilities)
        student = _logits(student_outputs, self.student_probabilities)
        return super().compute_loss(teacher, student, **kwargs)

    @classmethod
    def from_config(cls, config: Config) -> ClassDistillation:
        """The loss is always the divergence, which the configuration does not name."""
        return cls(**config)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            "temperature": self.temperature,
            "teacher_probabilities": self.teacher_probabilities,
            "student_probabilities": self.student_probabilities,
        }


@checked
def distiller(
    student: keras.Model,
    teacher: keras.Model,
    *,
    temperature: float = 3.0,
    student_share: float = 0.5,
) -> keras.distillation.Distiller:
    """A model that trains a student by labels and by what a teacher says.

    Both may be any classifier of the catalogue, or one's own, that ends in softmax or logits. The
    loss is `student_share * loss(labels, student) + (1 - student_share) * T^2 * KL(teacher /
    T, student / T)`. The student is trained in place; Keras freezes the teacher.

        distiller = kc.compression.distiller(student, teacher)
        distiller.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        distiller.fit(images, labels, epochs=10)

    Args:
        student: The model that learns.
        teacher: A trained model of the same inputs and classes.
        temperature: T.
        student_share: What the labels count, from 0 to 1.

    Raises:
        InputError: A model has no graph of layers or is no classifier, both differ in inputs or
            classes, or an argument is out of its range.

    Example:
        ```python
        teacher = kc.create_model("lenet_5_modern")
        layers = [keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
        student = keras.Sequential([keras.Input((32, 32, 1)), *layers])
        taught = kc.compression.distiller(student, teacher, temperature=4)
        taught.compile("adam", "sparse_categorical_crossentropy")
        taught.fit(np.zeros((8, 32, 32, 1), "float32"), np.arange(8), verbose=0)
        ```
    """
    temperature = check_positive("temperature", temperature)
    student_share = check_probability("student_share", student_share)
    ends = [_end(role, model) for role, model in (("student", student), ("teacher", teacher))]
    shapes = [
        ([tuple(x.shape[1:]) for x in functional(model).inputs], end.units)
        for model, end in zip((student, teacher), ends, strict=True)
    ]
    if student is teacher:
        raise InputError(
            f"{student.name!r} was given as both student and teacher, who is not trained",
            "two models",
            "Give a copy as the teacher: keras.models.clone_model, then set_weights.",
        )
    if shapes[0] != shapes[1]:
        told = [f"{' and '.join(map(str, inputs))} to {units} classes" for inputs, units in shapes]
        raise InputError(
            f"A student of {told[0]} was given to a teacher of {told[1]}",
            "two models of the same inputs and classes",
            "Build the student with the teacher's input_shape and classes.",
        )
    return keras.distillation.Distiller(
        teacher,
        student,
        ClassDistillation(temperature, *(end.kind == "softmax" for end in reversed(ends))),
        student_loss_weight=student_share,
    )


def _logits(outputs: Tensor, probabilities: bool) -> Tensor:
    # Half precision would make zero of the floor.
    outputs = ops.cast(outputs, "float32")
    return ops.log(ops.maximum(outputs, _FLOOR)) if probabilities else outputs


def _end(role: str, model: keras.Model) -> ModelEnd:
    first, *others = model_ends(functional(model))
    softmax = first.kind == "softmax" and first.gives_probabilities
    if others or not (softmax or first.kind == "logits") or first.units in (None, 1):
        raise InputError(
            f"{model.name!r}, with {1 + len(others)} outputs of which the first ends in "
            f"{first.kind}, was given as the {role}",
            "a model of one output that ends in softmax or logits of several classes",
            "Put keras.layers.Softmax() on the layer that gives the logits.",
        )
    return first
