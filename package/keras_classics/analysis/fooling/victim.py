"""A model under attack: its logits and their gradients by the images, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from weakref import WeakKeyDictionary

import keras
import numpy as np
from keras import ops

from keras_classics.analysis.fooling.attack_losses import LOSSES
from keras_classics.core.errors import InputError, is_whole
from keras_classics.core.graphs.floating_inputs import check_floating_input
from keras_classics.core.graphs.gradients import compiled_over, tapped_gradients
from keras_classics.core.graphs.graph import check_intact, functional
from keras_classics.core.graphs.model_logits import ModelLogits
from keras_classics.core.types import Tensor


class Victim:
    """The logits of a classifier `(batch, classes)`, and gradients of losses of them.

    What is compiled is kept and sees the weights as they are at each call. It holds the layers of
    the model but not the model, which can go when its user lets it go.

    Args:
        model: A functional or built sequential classifier; of several outputs the first counts.

    Attributes:
        reader: The reading of the model.

    Raises:
        InputError: The model has no graph, or its first output is no vector of classes.
    """

    def __init__(self, model: keras.Model) -> None:
        form = functional(model)
        self.reader = ModelLogits(keras.Model(form.inputs, form.outputs, name=form.name))
        self.end = self.reader.ends[0]
        self._check_classifies()
        self._compiled: dict[tuple, Callable] = {}

    def is_of(self, model: keras.Model) -> bool:
        """Whether this is the model as it stands: layers may have been added to it."""
        pairs = zip(self.reader.model.outputs, model.outputs, strict=False)
        return all(own is other for own, other in pairs)

    def image_number(self, image: int | str | None) -> int:
        """Which input is attacked: the one named, or the first with four axes, or the first.

        Raises:
            InputError: There is none such, or it is of whole numbers and has no gradient.
        """
        inputs = self.reader.model.inputs
        names = [x.name for x in inputs]
        number: int | str
        if image is None:
            number = next((n for n, x in enumerate(inputs) if len(x.shape) == 4), 0)
        else:
            number = names.index(image) if image in names else image
        if not is_whole(number) or number not in range(len(inputs)):
            raise InputError(
                f"image={image!r} was given",
                "an input of the model, by name or number: "
                + ", ".join(f"{name!r} ({n})" for n, name in enumerate(names)),
                "Leave image out for the first.",
            )
        check_floating_input(self.reader.model, int(number))
        return int(number)

    def logits(self, inputs: Sequence[np.ndarray], batch_size: int) -> np.ndarray:
        """Logits float32 `(batch, classes)` in inference mode; two of one unit.

        Args:
            inputs: In the order of the model's, a row for each image.
            batch_size: Greatest number of images that pass through the model together.
        """
        if ("logits",) not in self._compiled:
            self._compiled["logits",] = compiled_over(self.reader.model, self.logits_of)
        (found,) = self._by_batches(
            lambda *given: (self._compiled["logits",](list(given)),), inputs, batch_size
        )
        return found

    def gradients(
        self,
        loss: str,
        inputs: Sequence[np.ndarray],
        classes: np.ndarray,
        others: np.ndarray,
        *,
        image: int,
        batch_size: int,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A loss of each image and its gradient by the image.

        Args:
            loss: One of `LOSSES`.
            inputs: As for `logits`.
            classes: int32 `(batch,)`.
            others: int32 `(batch,)`, which only some losses read.
            image: Number of the input that is differentiated by.
            batch_size: As for `logits`.

        Returns:
            Logits `(batch, classes)`, losses `(batch,)`, and gradients of the images' shape; all
            float32.
        """
        key = (loss, image)
        if key not in self._compiled:
            self._compiled[key] = compiled_over(self.reader.model, self.gradient_of(loss, image))

        def step(*given: Tensor) -> tuple[Tensor, ...]:
            *tensors, own, other = given
            return self._compiled[key](tensors, own, other)

        whole = [each.astype("int32") for each in (classes, others)]
        logits, values, found = self._by_batches(step, [*inputs, *whole], batch_size)
        return logits, values, found

    def is_random(self, inputs: Sequence[np.ndarray]) -> bool:
        """Whether the model answers the same differently when it is asked again.

        Args:
            inputs: As for `logits`; its random generators stay where they are.
        """
        with keras.StatelessScope():
            one, other = (
                self._by_batches(lambda *given: (self.logits_of(list(given)),), inputs, 32)[0]
                for _ in range(2)
            )
        return not np.array_equal(one, other)

    def logits_of(self, inputs: list[Tensor]) -> Tensor:
        """The same of tensors, for what is compiled elsewhere."""
        logits = self.reader.class_logits(self.reader.logits(inputs))
        # The softmax of these two is the sigmoid of the one.
        return ops.concatenate([-logits, logits], -1) / 2 if logits.shape[-1] == 1 else logits

    def gradient_of(self, loss: str, image: int) -> Callable[..., tuple[Tensor, ...]]:
        """What `gradients` does with tensors, for what is compiled elsewhere.

        Args:
            loss: One of `LOSSES`.
            image: Number of the input that is differentiated by.

        Returns:
            From the model's inputs, classes and others to logits, losses and gradients.
        """

        def step(inputs: list[Tensor], classes: Tensor, others: Tensor) -> tuple[Tensor, ...]:
            def function(tap: Callable[[Tensor], Tensor]) -> Tensor:
                given = [tap(x) if n == image else x for n, x in enumerate(inputs)]
                logits = tap(self.logits_of(given))
                return ops.sum(tap(LOSSES[loss](logits, classes, others)))

            # Taps hand out values too, so that one pass gives all three.
            (_, logits, values), (gradient, _, _) = tapped_gradients(function)
            return logits, values, ops.cast(gradient, "float32")

        return step

    def _by_batches(
        self,
        step: Callable[..., tuple[Tensor, ...]],
        arrays: Sequence[np.ndarray],
        batch_size: int,
    ) -> list[np.ndarray]:
        dtypes = [x.dtype for x in self.reader.model.inputs]
        dtypes += ["int32"] * (len(arrays) - len(dtypes))
        parts = []
        for rows, count in _batches(len(arrays[0]), batch_size):
            pairs = zip(arrays, dtypes, strict=True)
            given = [ops.convert_to_tensor(x[rows], dtype=dtype) for x, dtype in pairs]
            parts.append([ops.convert_to_numpy(each)[:count] for each in step(*given)])
        return [np.concatenate(own) for own in zip(*parts, strict=True)]

    def _check_classifies(self) -> None:
        output = self.reader.model.outputs[0]
        rank = len(output.shape) + self.end.dropped
        if rank != 2 or self.end.classes in (0, None) or (self.end.classes or 0) < 2:
            raise InputError(
                f"{self.reader.model.name!r} answers in the shape {tuple(output.shape)}",
                "classifiers of two classes or more, which answer (batch, classes)",
                "Put a pooling and a classifier on it.",
            )


_victims: WeakKeyDictionary[keras.Model, Victim] = WeakKeyDictionary()


def victim_of(model: keras.Model) -> Victim:
    """The victim that a model is, the same one at every call while its graph is the same."""
    check_intact(model)
    known = _victims.get(model)
    if known is None or not known.is_of(model):
        known = _victims[model] = Victim(model)
    return known


def _batches(count: int, batch_size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Rows of each batch and how many of them count.

    JAX compiles for every number of rows: the last is filled up to a power of two.
    """
    for start in range(0, count, batch_size):
        rows = np.arange(start, min(start + batch_size, count))
        size = len(rows)
        if keras.config.backend() == "jax":
            filled = min(batch_size, 1 << (size - 1).bit_length())
            rows = np.pad(rows, (0, filled - size), mode="edge")
        yield rows, size
