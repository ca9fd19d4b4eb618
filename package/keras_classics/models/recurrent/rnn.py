"""Recurrent networks by topology: how many inputs, how many outputs, and when.

| topology | inputs | output |
|---|---|---|
| `one_to_one` | `vector (batch, features)` | `(batch, outputs)` |
| `one_to_many` | `vector (batch, features)`, `target_in (batch, time, ...)` | every step |
| `many_to_one` | `sequence (batch, time, ...)` | `(batch, outputs)`, after the last step |
| `many_to_many` | `sequence (batch, time, ...)` | every step |
| `encoder_decoder` | `source` and `target_in (batch, time, ...)` | every step of the target |

A step is a vector or an id. Weight initialisers are those of Saxe, McClelland, Ganguli (ICLR 2014;
orthogonal), of Le, Jaitly, Hinton (arXiv:1504.00941; IRNN) and of Sutskever, Vinyals, Le (NeurIPS
2014; uniform).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.types import Activation, Name, Tensor
from keras_classics.layers.recurrent.by_name import RECURRENT_LAYERS
from keras_classics.layers.recurrent.one_hot import OneHot
from keras_classics.models.recurrent.mixture_head import mixture_width
from keras_classics.models.recurrent.stack import SHORTCUTS, RecurrentStack, shortcut_layer

# The cells that can pass several layers in one step, and what does so for each.
DEEP = {"elman": "deep_transition", "deep_transition": "deep_transition", "highway": "highway"}
UNIFORM_RANGE = 0.08
IRNN_DEVIATION = 1e-3


@checked
def rnn(
    topology: str,
    *,
    outputs: int,
    input_size: int | None = None,
    vocabulary_size: int | None = None,
    cell: str = "gru",
    units: int = 128,
    layers: int = 1,
    bidirectional: bool = False,
    shortcut: str | None = None,
    transition_depth: int = 1,
    initializer: str = "orthogonal",
    learned_initial_state: bool = False,
    dropout: float = 0.0,
    embedding_size: int | None = None,
    padded: bool = False,
    output_activation: Activation = "softmax",
    mixture: int | None = None,
    name: Name = "rnn",
    **cell_arguments: Any,
) -> keras.Model:
    """Build a recurrent network.

    What is read is vectors where `input_size` is given and ids where `vocabulary_size` is; a
    `one_to_many` network reads a vector first, then steps of either kind. `target_in` is what
    should have been written so far: ids, or vectors of `outputs` numbers where no vocabulary is
    given. In `encoder_decoder` the target's ids are below `outputs`.

    Args:
        topology: `"one_to_one"`, `"one_to_many"`, `"many_to_one"`, `"many_to_many"` or
            `"encoder_decoder"`; see the module. `one_to_one` has dense layers, no recurrence: what
            an Elman network does at its first step.
        outputs: Width of the output: the number of classes.
        input_size: Width of the vectors.
        vocabulary_size: Number of ids.
        cell: `"elman"`, `"jordan"`, `"gru"`, `"gru_course"`, `"gru_reset_after"`, `"lstm"`,
            `"lstm_peephole"`, `"lstm_no_forget"`, `"lstm_coupled"`, `"multiplicative"`,
            `"multiplicative_lstm"`, `"highway"` or `"deep_transition"`. The top layer of a Jordan
            network is the output, which is fed back.
        units: Width of the state of each layer, in each direction.
        layers: Recurrent layers, one on the other.
        bidirectional: Read in both directions, in every layer; not what must be written in order.
        shortcut: Around every layer but the lowest: `None`, `"residual"` (the sum) or `"highway"`
            (`kc.layers.HighwayMerge`).
        transition_depth: Layers between one state and the next, of an Elman or a highway cell.
        initializer: `"orthogonal"`, Keras's defaults; `"irnn"`, for Elman cells: ReLU, identity and
            input weights of deviation 0.001 (the state grows without bound: clip the gradient);
            `"uniform"`: everything between -0.08 and 0.08.
        learned_initial_state: Start from a learned state instead of zeros.
        dropout: Rate between layers and before the output; never from step to step.
        embedding_size: Width of a learned embedding of ids; one-hot by default.
        padded: Sequences are padded on the right with id 0, or with vectors of zeros, which then
            change nothing.
        output_activation: Activation of the output; None for logits.
        mixture: Number of Gaussians: a `one_to_many` network that writes vectors of two numbers, or
            two and a bit, then gives the parameters of a mixture for each step, as in Graves,
            "Generating sequences with recurrent neural networks", 2013; see
            `kc.models.mixture_parameters`, `kc.training.MixtureDensityLoss` and
            `kc.models.sample_trajectories`.
        name: Name of the model.
        **cell_arguments: Further arguments of the cell, such as `factors` or `hidden_feedback`.

    Returns:
        A functional model. With one input it takes a tensor, with two a dict by the names above:
        `"vector"` or `"source"`, and `"target_in"`. It gives `(batch, outputs)` where one thing is
        asked for, and `(batch, time, outputs)` where every step is.

    Raises:
        InputError: An argument is not admitted, or not together with another.

    Example:
        ```python
        model = kc.models.rnn("many_to_one", outputs=3, vocabulary_size=20, units=8, padded=True)
        model.compile("adam", "sparse_categorical_crossentropy")
        model(np.array([[4, 7, 2, 0, 0]])).shape  # (1, 3)
        ```
    """
    outputs, units = check_whole("outputs", outputs), check_whole("units", units)
    layers = check_whole("layers", layers)
    remedy = "Give the one that is meant; encoder_decoder reads a sequence and writes another."
    check_choice("topology", topology, tuple(_BUILDERS), remedy)
    check_choice("cell", cell, tuple(RECURRENT_LAYERS))
    input_size, vocabulary_size, embedding_size = _checked_sizes(
        topology, input_size, vocabulary_size, embedding_size
    )
    _check_together(topology, cell, bidirectional, shortcut, initializer, learned_initial_state)
    mixture = _checked_mixture(mixture, topology, cell, outputs, vocabulary_size)
    if transition_depth != 1:
        transition_depth = check_whole("transition_depth", transition_depth)
        check_choice("cell", cell, tuple(DEEP), "Only these cells have a transition_depth.")
        cell, cell_arguments = DEEP[cell], {**cell_arguments, "depth": transition_depth}

    parts = _Parts(
        outputs, input_size, vocabulary_size, cell, units, layers, bidirectional, shortcut,
        _Initialization(initializer), learned_initial_state, dropout, embedding_size, padded,
        output_activation, mixture, cell_arguments,
    )  # fmt: skip
    inputs, written = _BUILDERS[topology](parts)
    return keras.Model(inputs, written, name=name)


@dataclass(frozen=True)
class _Initialization:
    """How weights start, by the name of the rule."""

    name: str

    def dense(self) -> dict:
        """Arguments of a dense layer."""
        return self._drawn("kernel_initializer", "bias_initializer")

    def embedding(self) -> dict:
        """Arguments of an embedding."""
        return self._drawn("embeddings_initializer")

    def recurrent(self, cell: str, *, one_hot: bool) -> dict:
        """Arguments of a recurrent layer."""
        if self.name == "irnn":
            return {
                "activation": "relu",
                "kernel_initializer": keras.initializers.RandomNormal(stddev=IRNN_DEVIATION),
                "recurrent_initializer": "identity",
            }
        drawn = self._drawn("kernel_initializer", "recurrent_initializer", "bias_initializer")
        if cell.startswith("multiplicative"):
            drawn |= self._drawn("factor_initializer")
            if one_hot and not drawn:
                # A one-hot input picks one row, whose entries then are the factors.
                return {"factor_initializer": keras.initializers.RandomNormal(stddev=1.0)}
        if drawn and "lstm" in cell:
            drawn["unit_forget_bias"] = False
        return drawn

    def _drawn(self, *arguments: str) -> dict:
        if self.name != "uniform":
            return {}
        limit = UNIFORM_RANGE
        return {argument: keras.initializers.RandomUniform(-limit, limit) for argument in arguments}


@dataclass(frozen=True)
class _Parts:
    """What the topologies are put together from; the attributes are arguments of `rnn`."""

    outputs: int
    input_size: int | None
    vocabulary_size: int | None
    cell: str
    units: int
    layers: int
    bidirectional: bool
    shortcut: str | None
    rule: _Initialization
    learned_initial_state: bool
    dropout: float
    embedding_size: int | None
    padded: bool
    output_activation: Activation
    mixture: int | None
    cell_arguments: dict

    def vector(self) -> Tensor:
        """The input that is no sequence."""
        return keras.Input((self.input_size,), name="vector")

    def sequence(self, name: str, width: int | None, vocabulary_size: int | None) -> tuple:
        """An input, the vectors that are read from it, and their mask.

        Args:
            name: Name of the input.
            width: Width of its vectors, where it has no ids.
            vocabulary_size: Number of its ids, or None.
        """
        if vocabulary_size is None:
            inputs = keras.Input((None, width), name=name)
            layer = keras.layers.Masking(name=f"{name}_mask") if self.padded else None
        else:
            inputs = keras.Input((None,), dtype="int32", name=name)
            layer = self._of_ids(name, vocabulary_size)
        mask = layer.compute_mask(inputs) if layer and self.padded else None
        return inputs, layer(inputs) if layer else inputs, mask

    def _of_ids(self, name: str, vocabulary_size: int) -> keras.layers.Layer:
        if self.embedding_size is None:
            return OneHot(vocabulary_size, self.padded, name=f"{name}_one_hot")
        return keras.layers.Embedding(
            vocabulary_size, self.embedding_size, mask_zero=self.padded,
            name=f"{name}_embedding", **self.rule.embedding(),
        )  # fmt: skip

    def reading(self, name: str, *, prefix: str = "", writes: bool = True) -> tuple:
        """An input, and what recurrent layers make of it.

        Args:
            name: Name of the input.
            prefix: Begins the names of the layers.
            writes: Whether their output is the model's.
        """
        inputs, read, mask = self.sequence(name, self.input_size, self.vocabulary_size)
        stack = self.stack(prefix, bidirectional=self.bidirectional, writes=writes)
        starts = stack.learned_starts(read) if self.learned_initial_state else None
        return inputs, stack(read, mask, starts)

    def stack(
        self, prefix: str = "", *, bidirectional: bool = False, writes: bool = True
    ) -> RecurrentStack:
        """Recurrent layers; those of a Jordan network that writes have the output inside."""
        one_hot = self.vocabulary_size is not None and self.embedding_size is None

        def arguments(level: int) -> dict[str, Any]:
            own = self.rule.recurrent(self.cell, one_hot=one_hot and level == 1)
            if writes and self.cell == "jordan" and level == self.layers:
                own |= {"outputs": self.outputs, "output_activation": self.output_activation}
            return {**own, **self.cell_arguments}

        return RecurrentStack(
            self.cell, self.units, self.layers, arguments, bidirectional=bidirectional,
            shortcut=self.shortcut, dropout=self.dropout, prefix=prefix,
        )  # fmt: skip

    def predictions(self, features: Tensor) -> Tensor:
        """The output `(..., outputs)`."""
        if self.dropout:
            features = keras.layers.Dropout(self.dropout, name="head_dropout")(features)
        width, activation = self.outputs, self.output_activation
        settings = {"name": "predictions", **self.rule.dense()}
        if self.mixture is not None:
            width, activation = mixture_width(self.mixture, self.outputs), None
            # Points would be drawn on a grid that half precision knows.
            settings["dtype"] = "float32"
        return keras.layers.Dense(width, activation, **settings)(features)

    def written(self, features: Tensor) -> Tensor:
        """The output made of what recurrent layers give, which may already be it."""
        if self.cell == "jordan":
            return keras.layers.Identity(name="predictions")(features)
        return self.predictions(features)


def _one_to_one(parts: _Parts) -> tuple:
    vector = hidden = parts.vector()
    for level in range(1, parts.layers + 1):
        if level > 1 and parts.dropout:
            hidden = keras.layers.Dropout(parts.dropout, name=f"dropout_{level - 1}")(hidden)
        dense = keras.layers.Dense(parts.units, "tanh", name=f"dense_{level}", **parts.rule.dense())
        made = dense(hidden)
        if level > 1 and parts.shortcut:
            made = shortcut_layer(parts.shortcut, f"{parts.shortcut}_{level}")([hidden, made])
        hidden = made
    return vector, parts.predictions(hidden)


def _one_to_many(parts: _Parts) -> tuple:
    vector = parts.vector()
    target_in, read, mask = parts.sequence("target_in", parts.outputs, parts.vocabulary_size)
    stack = parts.stack()
    starts = stack.starts_from([vector] * stack.states, as_they_fit=False)
    inputs = {"vector": vector, "target_in": target_in}
    return inputs, parts.written(stack(read, mask, starts).steps)


def _many_to_one(parts: _Parts) -> tuple:
    inputs, reading = parts.reading("sequence")
    return inputs, parts.written(reading.last)


def _many_to_many(parts: _Parts) -> tuple:
    inputs, reading = parts.reading("sequence")
    return inputs, parts.written(reading.steps)


def _encoder_decoder(parts: _Parts) -> tuple:
    source, reading = parts.reading("source", prefix="encoder_", writes=False)
    vocabulary_size = None if parts.vocabulary_size is None else parts.outputs
    target_in, read, mask = parts.sequence("target_in", parts.outputs, vocabulary_size)
    stack = parts.stack("decoder_")
    starts = stack.starts_from(reading.states, as_they_fit=True)
    inputs = {"source": source, "target_in": target_in}
    return inputs, parts.written(stack(read, mask, starts).steps)


_BUILDERS = {
    "one_to_one": _one_to_one,
    "one_to_many": _one_to_many,
    "many_to_one": _many_to_one,
    "many_to_many": _many_to_many,
    "encoder_decoder": _encoder_decoder,
}


def _checked_sizes(
    topology: str,
    input_size: int | None,
    vocabulary_size: int | None,
    embedding_size: int | None,
) -> tuple[int | None, int | None, int | None]:
    given = {"input_size": input_size, "vocabulary_size": vocabulary_size}
    of_topologies: dict[str, list[tuple[str, ...]]] = {
        "one_to_one": [("input_size",)],
        "one_to_many": [("input_size",), ("input_size", "vocabulary_size")],
    }
    allowed = of_topologies.get(topology, [("input_size",), ("vocabulary_size",)])
    if tuple(argument for argument, size in given.items() if size is not None) not in allowed:
        raise InputError(
            f"topology={topology!r} was given with {given}",
            " or ".join(" and ".join(arguments) for arguments in allowed),
            "Pass the width of the vectors, or the number of ids, that are read.",
        )
    if vocabulary_size is None:
        check_choice("embedding_size", embedding_size, (None,), "Only ids are embedded.")
    sizes = {**given, "embedding_size": embedding_size}
    read, ids, embedded = (
        None if size is None else check_whole(argument, size) for argument, size in sizes.items()
    )
    return read, ids, embedded


def _checked_mixture(
    mixture: int | None, topology: str, cell: str, outputs: int, vocabulary_size: int | None
) -> int | None:
    if mixture is None:
        return None
    remedy = "Leave mixture out for a network that gives its outputs themselves."
    check_choice("topology", topology, ("one_to_many",), remedy)
    check_choice("vocabulary_size", vocabulary_size, (None,), remedy)
    check_choice("outputs", outputs, (2, 3), remedy)
    check_choice("cell", cell, tuple(each for each in RECURRENT_LAYERS if each != "jordan"), remedy)
    return check_whole("mixture", mixture)


def _check_together(
    topology: str,
    cell: str,
    bidirectional: bool,
    shortcut: str | None,
    initializer: str,
    learned: bool,
) -> None:
    """Refuse what the topology or the cell cannot have."""
    truths = {True: (False, True), False: (False,)}
    given_start = topology in ("one_to_one", "one_to_many")
    identity = cell in ("elman", "deep_transition") and topology != "one_to_one"
    initializers = ("orthogonal", "irnn", "uniform") if identity else ("orthogonal", "uniform")
    check_choice("bidirectional", bidirectional, truths[not given_start and cell != "jordan"])
    check_choice("learned_initial_state", learned, truths[not given_start])
    check_choice("shortcut", shortcut, (None,) if cell == "jordan" else SHORTCUTS)
    check_choice("initializer", initializer, initializers)
