"""What trainers of networks that make pictures have in common."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.picture_values import check_shape
from keras_classics.core.types import Config, Optimizer, Tensor, Whole

# Where its random numbers have got to, in a file of the weights.
DRAWS = "draws"
# What `compile` takes beside optimizers, and what a trainer with losses of its own does not heed.
COMPILING = ("auto_scale_loss", "jit_compile", "run_eagerly", "steps_per_execution")
UNHEEDED = ("loss", "loss_weights", "metrics", "weighted_metrics")


def _looking(name: str) -> Any:
    """A method of Keras's that looks at its pictures first."""
    theirs = getattr(keras.Model, name)
    signature = inspect.signature(theirs)

    @functools.wraps(theirs)
    def method(self: PictureTrainer, *arguments: Any, **options: Any) -> Any:
        call = signature.bind(self, *arguments, **options)
        self.looked_at(call)
        return theirs(*call.args, **call.kwargs)

    # Not every backend's has a docstring.
    method.__doc__ = "As Keras has it, of pictures that have been looked at."
    return method


class PictureTrainer(keras.Model):
    """A model with losses of its own that looks at the pictures it is given first.

    `fit`, `evaluate`, `predict` and those of one batch look at arrays and tensors, and refuse
    values that the losses are not made for, and weights. Of what comes batch by batch the shape is
    looked at, but the values only of a generator's first batch: a dataset would have to be begun
    twice. Where the trainer is called, the shape is all: within a step no values are known.

    What is derived has `draws`, a seed generator, which is saved with the weights.
    """

    # The arguments of `from_config` and attributes that are networks, and the optimizers' names.
    network_names: tuple[str, ...] = ()
    optimizer_names: tuple[str, ...] = ("optimizer",)

    fit = _looking("fit")
    evaluate = _looking("evaluate")
    predict = _looking("predict")
    train_on_batch = _looking("train_on_batch")
    test_on_batch = _looking("test_on_batch")
    predict_on_batch = _looking("predict_on_batch")

    @checked
    def compile(self, optimizer: Optimizer = "rmsprop", loss: Any = None, **arguments: Any) -> None:
        """Prepare for `fit`.

        Args:
            optimizer: Keras optimizer, or its name.
            loss: None; the losses are the trainer's own.
            **arguments: `run_eagerly`, `jit_compile`, `steps_per_execution`, `auto_scale_loss`, as
                Keras's `compile` takes.

        Raises:
            InputError: A loss or another argument is given.
        """
        self.check_compiling({"loss": loss, **arguments})
        super().compile(optimizer=optimizer, **arguments)

    def check_compiling(self, arguments: Mapping[str, Any]) -> None:
        """Refuse what Keras's `compile` takes and the trainer would not heed.

        Args:
            arguments: By name, without optimizers.

        Raises:
            InputError: There is one.
        """
        # In files they stand as None.
        absent = {name for name in UNHEEDED if arguments.get(name) is None}
        if unknown := sorted(arguments.keys() - {*COMPILING, *absent}):
            them = "it" if len(unknown) == 1 else "them"
            given = ", ".join(
                f"{each}=keras.optimizers.Adam(2e-4)" for each in self.optimizer_names
            )
            raise InputError(
                f"compile({', '.join(unknown)}) was given to {self.name!r}, which has losses and "
                "measures of its own",
                ", ".join((*self.optimizer_names, *COMPILING)),
                f"Leave {them} out, and name no more than those: compile({given}).",
            )

    def compile_from_config(self, config: Config) -> None:
        """See Keras, which leaves a `compile` that is not its own to be called here."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def reader(self) -> keras.Model:
        """The network that is given the pictures."""
        raise NotImplementedError

    def check_values(self, pictures: np.ndarray) -> None:
        """Refuse pictures whose values are not as they should be.

        Args:
            pictures: An array that is not empty.

        Raises:
            InputError: They are not.
        """
        raise NotImplementedError

    def check_wanted(self, wanted: Any) -> None:
        """Refuse what is given beside the pictures; by default it is not used.

        Args:
            wanted: Whatever `fit` was given as `y`.
        """

    def pictures_of(self, given: Any) -> Tensor:
        """The one tensor in what Keras hands on of what was given.

        Raises:
            InputError: There are several, or its shape is not what the network takes.
        """
        wanted = getattr(self.reader, "inputs", None) or []
        found = only_tensor(
            given, f"to {self.name!r} for each batch", "one, of pictures", "Give fit(pictures)."
        )
        # A subclassed network has no shape to compare with.
        if len(wanted) == 1:
            check_shape(self.name, found.shape, (None, *wanted[0].shape[1:]))
        return found

    def save_own_variables(self, store: Any) -> None:
        """Keep what is drawn next too, which Keras leaves out."""
        super().save_own_variables(store)
        store[DRAWS] = self.draws.state

    def load_own_variables(self, store: Any) -> None:
        """Go on drawing where the saved model was; older files say nothing of it."""
        rest = {name: store[name] for name in store.keys() if name != DRAWS}
        super().load_own_variables(rest)
        if DRAWS in store.keys():
            self.draws.state.assign(np.asarray(store[DRAWS]))

    def looked_at(self, call: inspect.BoundArguments) -> None:
        """Look at what a method of Keras's is called with.

        Args:
            call: Its arguments, in which iterators are replaced.

        Raises:
            InputError: Pictures have values that the losses are not made for, or weights.
        """
        given = call.arguments
        for name in ("sample_weight", "class_weight"):
            refuse_weights(given.get(name), name)
        given["x"] = self._pictures(given.get("x"), given.get("y"))
        if given.get("validation_data") is not None:
            x, y, weights = keras.utils.unpack_x_y_sample_weight(given["validation_data"])
            refuse_weights(weights)
            x = self._pictures(x, y)
            given["validation_data"] = x if y is None else (x, y)

    def _pictures(self, x: Any, y: Any) -> Any:
        if x is None:
            raise InputError(
                f"No pictures were given to {self.name!r}",
                "an array of pictures, or what gives batches of them",
                "Give fit(pictures).",
            )
        if isinstance(x, types.GeneratorType):
            return self._first_looked_at(x)
        self.check_pictures(x, y)
        return x

    def _first_looked_at(self, batches: Iterable[Any]) -> Iterator[Any]:
        for number, batch in enumerate(batches):
            if number == 0:
                x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
                self.check_pictures(x, y)
            yield batch

    def check_pictures(self, x: Any, y: Any = None) -> None:
        """Refuse arrays or tensors of another shape, or of other values.

        Args:
            x: Pictures; what comes in batches is passed over.
            y: What is wanted of them.

        Raises:
            InputError: They are not what the trainer takes.
        """
        if arrays := arrays_in(x):
            self.pictures_of(arrays)
            if arrays[0].size:
                self.check_values(arrays[0])
            if y is not None:
                self.check_wanted(y)


def only_tensor(given: Any, whereto: str, allowed: str, remedy: str) -> Tensor:
    """The one tensor in what Keras hands on.

    Args:
        given: A tensor, or a list or dict of one.
        whereto: What tensors are given to, or as what, as the error has it.
        allowed: As for `InputError`.
        remedy: Likewise.

    Raises:
        InputError: There are none, or several.
    """
    found = keras.tree.flatten(given)
    if len(found) != 1:
        raise InputError(f"{len(found)} tensors were given {whereto}", allowed, remedy)
    return found[0]


def arrays_in(given: Any) -> list[np.ndarray]:
    """The arrays in what `fit` was given, and its tensors as such; not what comes in batches."""
    leaves = keras.tree.flatten(given)
    return [
        ops.convert_to_numpy(each) if ops.is_tensor(each) else np.asarray(each)
        for each in leaves
        if hasattr(each, "__array__")
    ]


def made_of(model: keras.Model, latents: np.ndarray, batch_size: Whole) -> np.ndarray:
    """What a generator makes in inference mode, float32 `(count, height, width, channels)`.

    Args:
        model: From `(batch, latent)` to pictures.
        latents: `(count, latent)`; there may be none.
        batch_size: How many are made together.

    Raises:
        InputError: The numbers are not as many as the generator takes.
    """
    batch, size = check_whole("batch_size", batch_size), model.inputs[0].shape[1]
    if latents.ndim != 2 or latents.shape[1] != size:
        raise InputError(
            f"latents of shape {latents.shape} was given",
            f"(count, {size}), as {model.name!r} takes them",
            "Draw some with the trainer's latents(count), or give the count itself.",
        )
    parts = [latents[start : start + batch] for start in range(0, len(latents), batch)]
    made = [ops.convert_to_numpy(model(x.astype("float32"), training=False)) for x in parts]
    none = np.zeros((0, *model.outputs[0].shape[1:]), "float32")
    return np.concatenate([none, *made]).astype("float32")


def refuse_weights(weights: Any, argument: str = "sample_weight") -> None:
    """Refuse weights of pictures.

    Raises:
        InputError: There are some.
    """
    if weights is not None:
        raise InputError(
            "Weights of pictures were given",
            "pictures that count alike",
            f"Leave {argument} out.",
        )


def idle(argument: str, value: float, place: str, allowed: str) -> InputError:
    """What to say of a number that would have no effect.

    Args:
        argument: Its name.
        value: The number.
        place: Beside what it was given, or without what.
        allowed: Where it has an effect.
    """
    return InputError(
        f"{argument}={value:g} was given {place}, where it counts nothing",
        f"{argument} {allowed}",
        f"Leave {argument} out.",
    )


def track(trackers: Sequence[keras.metrics.Metric], values: Iterable[Tensor]) -> None:
    """Let each tracker see its value of a batch."""
    for tracker, value in zip(trackers, values, strict=True):
        tracker.update_state(value)
