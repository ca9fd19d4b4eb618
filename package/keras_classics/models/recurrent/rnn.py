"""Recurrent networks by topology: how many inputs, how many outputs, and when.

| topology | inputs | output |
|---|---|---|
| `one_to_one` | `vector (batch, features)` | `(batch, outputs)` |
| `one_to_many` | `vector (batch, features)`, `target_in (batch, time, ...)` | every step |
| `many_to_one` | `sequence (batch, time, ...)` | `(batch, outputs)`, after the last step |
| `many_to_many` | `sequence (batch, time, ...)` | every step |
| `encoder_decoder` | `source (batch, time, ...)`, `target_in (batch, time, ...)` | every target step |

A step is a vector or an id. Weight initialisers are those of Saxe, McClelland, Ganguli (ICLR 2014;
orthogonal), of Le, Jaitly, Hinton (arXiv:1504.00941; IRNN) and of Sutskever, Vinyals, Le (NeurIPS
2014; uniform).
"""

from __future__ import annotations

from dataclasses import dataclass

import keras

from keras_classics.core.errors import check_choice, explain
from keras_classics.layers.cells import RECURRENT_LAYERS, recurrent_layer, state_sizes
from keras_classics.layers.highway import HighwayMerge
from keras_classics.layers.initial_state import LearnedInitialState
from keras_classics.layers.one_hot import OneHot
from keras_classics.layers.recurrent_cells import check_positive

TOPOLOGIES = ("one_to_one", "one_to_many", "many_to_one", "many_to_many", "encoder_decoder")
SHORTCUTS = (None, "residual", "highway")
INITIALIZERS = ("orthogonal", "irnn", "uniform")
# The cells that can pass several layers in one step, and what does so for each.
DEEP = {"elman": "deep_transition", "deep_transition": "deep_transition", "highway": "highway"}
FORGETTING = ("lstm", "lstm_coupled", "lstm_no_forget", "lstm_peephole", "multiplicative_lstm")
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
    check_choice("shortcut", shortcut, (None,) if cell == "jordan" else SHORTCUTS)
    irnn_cells = ("elman", "deep_transition")
    check_choice(
        "initializer", initializer, INITIALIZERS if cell in irnn_cells else ("orthogonal", "uniform")
    )
    once = topology in ("one_to_one", "one_to_many") or cell == "jordan"
    check_choice("bidirectional", bidirectional, (False,) if once else (False, True))
    starts = topology not in ("one_to_one", "one_to_many")
    check_choice("learned_initial_state", learned_initial_state, (False, True)[: 1 + starts])
    _check_sizes(topology, input_size, vocabulary_size)
    if transition_depth != 1:
        check_positive("transition_depth", transition_depth)
        check_choice("cell", cell, tuple(DEEP), "Only these cells have a transition_depth.")
        cell, cell_arguments = DEEP[cell], {**cell_arguments, "depth": transition_depth}

    start = _Start(initializer, one_hot=bool(vocabulary_size) and not embedding_size)
    network = _Network(
        cell, units, layers, shortcut, dropout, start, outputs, output_activation, cell_arguments
    )
    reader = _Reader(embedding_size, padded, start)
    if topology == "one_to_one":
        inputs = keras.Input((input_size,), name="vector")
        written = network.without_recurrence(inputs)
    elif topology == "one_to_many":
        vector = keras.Input((input_size,), name="vector")
        target_in, read = reader("target_in", outputs, vocabulary_size)
        inputs = {"vector": vector, "target_in": target_in}
        written = network.write(read, [vector] * network.states, always=True)
    elif topology == "encoder_decoder":
        encoder_network = network.hidden("encoder_", bidirectional, learned_initial_state)
        source, read = reader("source", input_size, vocabulary_size)
        _, ends = encoder_network(read)
        target_in, read = reader("target_in", outputs, vocabulary_size and outputs)
        inputs = {"source": source, "target_in": target_in}
        written = network.write(read, ends)
    else:
        sequence, read = reader("sequence", input_size, vocabulary_size)
        inputs = sequence
        written = network.read(
            read, bidirectional, learned_initial_state, every_step=topology == "many_to_many"
        )
    return keras.Model(inputs, written, name=name)
