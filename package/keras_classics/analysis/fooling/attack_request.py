"""What an attack is asked for, checked: the images, their classes, the bounds and the sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.fooling.perturbation_norms import Norm, flat, within
from keras_classics.analysis.fooling.victim import victim_of
from keras_classics.analysis.input_bounds import Pair, check_bounds, check_within
from keras_classics.core.errors import InputError, check_choice, check_whole, is_number
from keras_classics.core.user_warnings import warn_user

# A size of perturbations, or several of them.
Sizes = float | Sequence[float] | np.ndarray


class AttackRequest:
    """Images of a model that are to be misread; what all attacks ask of them.

    Args:
        model: The classifier.
        images: What it takes.
        labels: The class of each image; None for the predicted ones.
        bounds: Lowest and highest value of an image: numbers, or one for each channel.
        targets: The class that each image is to be taken for, or one for all; None where any other
            class will do.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is attacked.

    Attributes:
        images: float32, those of the attacked input; a copy.
        classes: int32 `(batch,)`: the class to leave.
        targets: int32 `(batch,)` or None: the class to reach.
        bounds: Of each channel.

    Raises:
        InputError: Something of it does not fit.
    """

    def __init__(
        self,
        model: keras.Model,
        images: Any,
        labels: ArrayLike | None,
        *,
        bounds: Pair,
        targets: ArrayLike | None = None,
        batch_size: int = 32,
        image: int | str | None = None,
    ) -> None:
        self.batch_size = check_whole("batch_size", batch_size)
        self.victim = victim_of(model)
        self._number = self.victim.image_number(image)
        self._inputs = self.victim.reader.arrays(images)
        self.images = np.array(self._inputs[self._number], "float32")
        self.bounds = check_bounds(bounds, self.images.shape[1:])
        check_within(self.images, self.bounds)
        self._count = self.victim.end.classes or 0
        given = _checked_classes("labels", labels, self._count, len(self.images))
        self.classes = self.present if given is None else given
        self.targets = _checked_classes("targets", targets, self._count, len(self.images))
        if self.targets is not None:
            self._check_targets(self.targets, given)

    @property
    def count(self) -> int:
        """Number of classes."""
        return self._count

    @cached_property
    def present(self) -> np.ndarray:
        """The class that the model gives each image as it is."""
        return self.logits(self.images).argmax(axis=1).astype("int32")

    def logits(self, images: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Logits of images that stand in some rows, by default in all."""
        found = self.victim.logits(self._given(images, rows), self.batch_size)
        _check_numbers(found)
        return found

    def fooled(self, images: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Whether each is what the attack wants: not of its class, or of its target."""
        return self.misread(self.logits(images, rows), rows)

    def misread(self, logits: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """The same of logits."""
        answers = logits.argmax(axis=1)
        if self.targets is None:
            return answers != _at(self.classes, rows)
        return answers == _at(self.targets, rows)

    def gradients(
        self,
        images: np.ndarray,
        rows: np.ndarray | None = None,
        loss: str = "log_odds",
        others: np.ndarray | None = None,
        classes: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the attack wants to be larger, and its gradients.

        Args:
            images: Those of some rows.
            rows: Which; all by default.
            loss: One of `LOSSES`. Against a class; towards the target where there is one, for
                losses of one class.
            others: For losses of two classes: the other one of each image.
            classes: For losses of two classes: the class to leave, the images' own by default.

        Returns:
            Logits `(batch, classes)`, losses `(batch,)`, gradients of the images' shape; the last
            two float64.
        """
        towards = self.targets is not None and others is None
        if classes is None:
            classes = _at(self.targets if towards else self.classes, rows)  # type: ignore[arg-type]
        logits, values, gradients = self.victim.gradients(
            loss,
            self._given(images, rows),
            classes,
            classes if others is None else others,
            image=self._number,
            batch_size=self.batch_size,
        )
        _check_numbers(logits, gradients)
        sign = -1.0 if towards else 1.0
        return logits, sign * values.astype("float64"), sign * gradients.astype("float64")

    def bounded(self, images: np.ndarray) -> np.ndarray:
        """Images as the model takes them: float32 within the bounds."""
        return self.bounds.clipped(images)

    def at_each(self, epsilon: Sizes, attack: Callable[[float], np.ndarray]) -> np.ndarray:
        """The results of an attack for one size, or for several with an axis more in front."""
        sizes, single = checked_sizes(epsilon)
        found = [attack(size) if size else self.images.copy() for size in sizes]
        return found[0] if single else np.stack(found)

    def cut_to(self, epsilon: Sizes | None, found: np.ndarray, norm: Norm) -> np.ndarray:
        """Results of an attack that looks for the nearest, made no longer than a size or several.

        Those that are longer are cut, and may fool no more; None leaves all as they are.
        """
        if epsilon is None:
            return found
        moved = found.astype("float64") - self.images
        return self.at_each(
            epsilon, lambda size: self.bounded(self.images + within(moved, norm, size))
        )

    def chunks(self) -> Iterator[np.ndarray]:
        """Rows of as many images as pass through the model together."""
        for start in range(0, len(self.images), self.batch_size):
            yield np.arange(start, min(start + self.batch_size, len(self.images)))

    def check_differentiable(self) -> None:
        """As `check_gradients`, at the images themselves."""
        self.check_gradients(self.gradients(self.images)[2])

    def check_gradients(self, gradients: np.ndarray, rows: np.ndarray | None = None) -> None:
        """Refuse a model without gradients, and count the images that have none.

        Raises:
            InputError: The gradient of every image is zero.
        """
        dead = (flat(gradients) == 0).all(axis=1)
        if rows is None and dead.all():
            raise InputError(
                "The gradient of the loss by every image is zero",
                "models that are differentiable at the images, which one of signs or steps is not",
                "Use kc.analysis.fooling.square, which needs no gradient.",
            )
        if dead.any():
            warn_user(
                f"{dead.sum()} of {len(dead)} images have a gradient of zero and stay as they are."
            )

    def first_inputs(self) -> list[np.ndarray]:
        """What the model takes for the first image."""
        return [each[:1] for each in self._inputs]

    def _given(self, images: np.ndarray, rows: np.ndarray | None) -> list[np.ndarray]:
        arrays = [_at(each, rows) for each in self._inputs]
        arrays[self._number] = images.astype("float32")
        return arrays

    def _check_targets(self, targets: np.ndarray, labels: np.ndarray | None) -> None:
        same = np.equal(targets, self.present)
        if labels is not None:
            same |= np.equal(targets, labels)
        if same.any():
            row = int(same.argmax())
            raise InputError(
                f"The target {targets[row]} was given for image {row}, "
                "which is of that class already",
                "targets other than the images' labels and present classes",
                "Leave such images out, or give them another target.",
            )


def checked_sizes(epsilon: Sizes) -> tuple[list[float], bool]:
    """Sizes of perturbations, and whether there is one that was given alone.

    Raises:
        InputError: One is no number, or negative.
    """
    single = np.ndim(epsilon) == 0
    given: list[Any] = [epsilon] if single else list(epsilon)  # type: ignore[arg-type]
    if not given or not all(is_number(each) and float(each) >= 0 for each in given):
        raise InputError(
            f"epsilon={epsilon!r} was given",
            "a number from 0 on in the units of the images, or several of them",
            "Pass a part of the range of bounds, such as epsilon=8 with bounds=(0, 255).",
        )
    return [float(each) for each in given], single


def check_sizes(epsilon: Sizes | None) -> None:
    """Refuse sizes before a long search, which None does not limit.

    Raises:
        InputError: One is no number, or negative.
    """
    if epsilon is not None:
        checked_sizes(epsilon)


def checked_norm(norm: str, allowed: tuple[Norm, ...] = ("linf", "l2")) -> Norm:
    """A norm that an attack has.

    Raises:
        InputError: It has not.
    """
    check_choice("norm", norm, allowed)
    return norm  # type: ignore[return-value]  # one of those allowed


def _checked_classes(
    argument: str, given: ArrayLike | None, count: int, images: int
) -> np.ndarray | None:
    if given is None:
        return None
    try:
        classes = np.asarray(given)
    except ValueError:  # rows of several lengths
        classes = np.empty(len(given), "object")  # type: ignore[arg-type]
    shapes = [(images,), ()] if argument == "targets" else [(images,)]
    whole = classes.dtype.kind in "iu" and classes.shape in shapes
    if not (whole and np.all((classes >= 0) & (classes < count))):
        number = f"{len(classes)} {argument}" if classes.ndim else f"{argument}={given!r}"
        if whole:
            number = f"{argument} from {classes.min()} to {classes.max()}"
        elif classes.ndim > 1:
            number = f"{argument} of shape {classes.shape}"
        elif classes.ndim and classes.dtype.kind not in "iu":
            number = f"{argument} of {classes.dtype}"
        raise InputError(
            f"For {images} images {number} were given",
            f"a whole number from 0 to {count - 1} for each image",
            f"Pass np.argmax({argument}, axis=1)."
            if classes.shape == (images, count)
            else f"Leave {argument} out for "
            + ("the predicted classes." if argument == "labels" else "any other class."),
        )
    return np.broadcast_to(classes.astype("int32"), (images,)).copy()


def _check_numbers(*arrays: np.ndarray) -> None:
    if not all(np.isfinite(each).all() for each in arrays):
        raise InputError(
            "The model's logits or their gradients are infinite or not a number",
            "models that give finite logits",
            "Look for broken weights: [w.path for w in model.weights if not "
            "np.isfinite(w).all()]; or for a root or logarithm of 0, which has no gradient.",
        )


def _at(array: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
    return array if rows is None else array[rows]
