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

import keras

from keras_classics.core.errors import check_choice, explain
from keras_classics.layers.cells import RECURRENT_LAYERS
from keras_classics.layers.one_hot import OneHot
from keras_classics.layers.recurrent_cells import check_positive
from keras_classics.models.recurrent.stack import SHORTCUTS, RecurrentStack, shortcut_layer

TOPOLOGIES = ("one_to_one", "one_to_many", "many_to_one", "many_to_many", "encoder_decoder")
# The cells that can pass several layers in one step, and what does so for each.
DEEP = {"elman": "deep_transition", "deep_transition": "deep_transition", "highway": "highway"}
UNIFORM_RANGE = 0.08
IRNN_DEVIATION = 1e-3


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
    output_activation: str | None = "softmax",
    name: str = "rnn",
    **cell_arguments,
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
        name: Name of the model.
        **cell_arguments: Further arguments of the cell, such as `factors` or `hidden_feedback`.

    Returns:
        A functional model. With one input it takes a tensor, with two a dict by the names above.

    Raises:
        ValueError: An argument is not admitted, or not together with another.
    """
    for argument, size in (("outputs", outputs), ("units", units), ("layers", layers)):
        check_positive(argument, size)
    check_choice("topology", topology, TOPOLOGIES)
    check_choice("cell", cell, tuple(RECURRENT_LAYERS))
    _check_sizes(topology, input_size, vocabulary_size, embedding_size)
    _check_together(topology, cell, bidirectional, shortcut, initializer, learned_initial_state)
    if transition_depth != 1:
        check_positive("transition_depth", transition_depth)
        check_choice("cell", cell, tuple(DEEP), "Only these cells have a transition_depth.")
        cell, cell_arguments = DEEP[cell], {**cell_arguments, "depth": transition_depth}

    rule, recurrent = _Initialization(initializer), topology != "one_to_one"
    reader = _Reader(embedding_size, padded, rule)
    head = _Head(outputs, output_activation, dropout, rule, inside=recurrent and cell == "jordan")
    one_hot = vocabulary_size is not None and embedding_size is None

    def stack(prefix: str = "", *, bidirectional: bool = False, writes: bool = True):
        def arguments(level):
            own = {**cell_arguments, **rule.recurrent(cell, one_hot=one_hot and level == 1)}
            return {**own, **head.feedback()} if writes and head.inside and level == layers else own

        return RecurrentStack(
            cell, units, layers, arguments,
            bidirectional=bidirectional, shortcut=shortcut, dropout=dropout, prefix=prefix,
        )  # fmt: skip

    if topology == "one_to_one":
        vector = keras.Input((input_size,), name="vector")
        return keras.Model(vector, head(_dense(vector, units, layers, shortcut, rule)), name=name)

    if topology == "one_to_many":
        vector = keras.Input((input_size,), name="vector")
        target_in, read, mask = reader("target_in", outputs, vocabulary_size)
        decoder = stack()
        starts = decoder.starts_from([vector] * decoder.states, as_they_fit=False)
        inputs = {"vector": vector, "target_in": target_in}
        return keras.Model(inputs, head(decoder(read, mask, starts).steps), name=name)

    first, prefix = ("source", "encoder_") if topology == "encoder_decoder" else ("sequence", "")
    sequence, read, mask = reader(first, input_size, vocabulary_size)
    reads = stack(prefix, bidirectional=bidirectional, writes=topology != "encoder_decoder")
    reading = reads(read, mask, reads.learned_starts(read) if learned_initial_state else None)
    if topology == "many_to_one":
        return keras.Model(sequence, head(reading.last), name=name)
    if topology == "many_to_many":
        return keras.Model(sequence, head(reading.steps), name=name)
    target_in, read, mask = reader("target_in", outputs, vocabulary_size and outputs)
    decoder = stack("decoder_")
    written = decoder(read, mask, decoder.starts_from(reading.states, as_they_fit=True)).steps
    return keras.Model({"source": sequence, "target_in": target_in}, head(written), name=name)


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
class _Reader:
    """From the name of an input to the input, the vectors that are read from it, and their mask."""

    embedding_size: int | None
    padded: bool
    rule: _Initialization

    def __call__(self, name: str, width: int | None, vocabulary_size: int | None) -> tuple:
        """Ids where there is a vocabulary, vectors of `width` where there is none."""
        if vocabulary_size is None:
            inputs = keras.Input((None, width), name=name)
            layer = keras.layers.Masking(name=f"{name}_mask") if self.padded else None
        else:
            inputs = keras.Input((None,), dtype="int32", name=name)
            layer = self._of_ids(name, vocabulary_size)
        mask = layer.compute_mask(inputs) if self.padded else None
        return inputs, layer(inputs) if layer else inputs, mask

    def _of_ids(self, name: str, vocabulary_size: int) -> keras.layers.Layer:
        if self.embedding_size is None:
            return OneHot(vocabulary_size, self.padded, name=f"{name}_one_hot")
        return keras.layers.Embedding(
            vocabulary_size, self.embedding_size, mask_zero=self.padded,
            name=f"{name}_embedding", **self.rule.embedding(),
        )  # fmt: skip


@dataclass(frozen=True)
class _Head:
    """The output: a dense layer, or inside the top layer where that feeds it back."""

    outputs: int
    activation: str | None
    dropout: float
    rule: _Initialization
    inside: bool

    def __call__(self, features):
        """Predictions `(..., outputs)`."""
        if self.inside:
            return keras.layers.Identity(name="predictions")(features)
        if self.dropout:
            features = keras.layers.Dropout(self.dropout, name="head_dropout")(features)
        return keras.layers.Dense(
            self.outputs, self.activation, name="predictions", **self.rule.dense()
        )(features)

    def feedback(self) -> dict:
        """Arguments of the layer that has the output inside."""
        return {"outputs": self.outputs, "output_activation": self.activation}


def _dense(vector, units: int, layers: int, shortcut: str | None, rule: _Initialization):
    for level in range(1, layers + 1):
        made = keras.layers.Dense(units, "tanh", name=f"dense_{level}", **rule.dense())(vector)
        merged = level > 1 and shortcut
        vector = shortcut_layer(shortcut, f"{shortcut}_{level}")([vector, made]) if merged else made
    return vector


def _check_sizes(topology, input_size, vocabulary_size, embedding_size) -> None:
    given = {"input_size": input_size, "vocabulary_size": vocabulary_size}
    allowed = {
        "one_to_one": [("input_size",)],
        "one_to_many": [("input_size",), ("input_size", "vocabulary_size")],
    }.get(topology, [("input_size",), ("vocabulary_size",)])
    if tuple(argument for argument, size in given.items() if size is not None) not in allowed:
        raise ValueError(
            explain(
                f"topology={topology!r} was given with {given}",
                " or ".join(" and ".join(arguments) for arguments in allowed),
                "Pass the width of the vectors, or the number of ids, that are read.",
            )
        )
    for argument, size in {**given, "embedding_size": embedding_size}.items():
        if size is not None:
            check_positive(argument, size)
    if vocabulary_size is None:
        check_choice("embedding_size", embedding_size, (None,), "Only ids are embedded.")


def _check_together(topology, cell, bidirectional, shortcut, initializer, learned) -> None:
    """Refuse what the topology or the cell cannot have."""
    truths = {True: (False, True), False: (False,)}
    given_start = topology in ("one_to_one", "one_to_many")
    identity = cell in ("elman", "deep_transition") and topology != "one_to_one"
    initializers = ("orthogonal", "irnn", "uniform") if identity else ("orthogonal", "uniform")
    check_choice("bidirectional", bidirectional, truths[not given_start and cell != "jordan"])
    check_choice("learned_initial_state", learned, truths[not given_start])
    check_choice("shortcut", shortcut, (None,) if cell == "jordan" else SHORTCUTS)
    check_choice("initializer", initializer, initializers)
