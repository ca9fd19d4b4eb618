"""The LSTM's variants: which gates there are, what they see, how wide the output is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Activation, Config, Sizes, Tensor
from keras_classics.initializers import own_draw
from keras_classics.layers.recurrent.feedback_and_course_cells import RecurrentCell

# Blocks of the kernels, in this order; the rows of the peepholes are those of the gates in them.
BLOCKS = {
    "gate": ("input", "forget", "candidate", "output"),
    "none": ("input", "candidate", "output"),
    "coupled": ("forget", "candidate", "output"),
}


@registered
class LSTMVariantCell(RecurrentCell):
    """LSTM without forget gate, with coupled gates, with peepholes, with projection.

    `c = f c_before + i g`, `h = o tanh(c)`, gates `i, f, o` and candidate `g` from the input and
    the output before. Hochreiter, Schmidhuber, Neural Computation 9, 1997 (no forget gate: empty
    the state between sequences, for it grows); Gers, Schmidhuber, Cummins, 2000 (forget gate);
    Gers, Schraudolph, Schmidhuber, JMLR 3, 2002 (peepholes); Sak, Senior, Beaufays, 2014
    (projection); Greff et al., "LSTM: a search space odyssey", 2015 (coupled gates). With all
    defaults it is Keras's `LSTMCell`, weight by weight.

    States: output `(batch, projection or units)` and cell `(batch, units)`.

    Args:
        units: Width of the cell state.
        forget: `"gate"`; `"none"`, `f = 1`; or `"coupled"`, `i = 1 - f`.
        peepholes: Input and forget gate also see the old cell state, the output gate the new one,
            each unit its own.
        projection: Width of the output, a linear map of `o tanh(c)`; None for no map.
        unit_forget_bias: Start the forget gate's bias at one.
        recurrent_activation: Activation of the gates.
        **kwargs: As for every cell: `activation` (of `g`, and of `c` on its way out) and the
            initialisers. Peepholes and projection start as kernels do.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(
        self,
        units: int,
        forget: str = "gate",
        peepholes: bool = False,
        projection: int | None = None,
        unit_forget_bias: bool = True,
        recurrent_activation: Activation = "sigmoid",
        **kwargs: Any,
    ):
        super().__init__(units, **kwargs)
        check_choice("forget", forget, tuple(BLOCKS))
        if projection is not None:
            projection = check_whole("projection", projection)
        self.forget = forget
        self.peepholes = peepholes
        self.projection = projection
        self.unit_forget_bias = unit_forget_bias
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.blocks = BLOCKS[forget]
        self.gates = [block for block in self.blocks if block != "candidate"]

    @property
    def state_size(self) -> list[int]:
        """Widths of output and cell."""
        return [self.projection or self.units, self.units]

    def build(self, input_shape: Sizes) -> None:
        """Kernel, recurrent kernel and bias of all blocks; peepholes `(gates, units)`."""
        width = len(self.blocks) * self.units
        self.kernel = self.weight("kernel", (input_shape[-1], width), self.kernel_initializer)
        self.recurrent_kernel = self.weight(
            "recurrent_kernel", (self.operand_width, width), self.recurrent_initializer
        )
        self.bias = self.add_weight((width,), self._initial_bias, name="bias")
        if self.peepholes:
            self.peephole_kernel = self.weight(
                "peephole_kernel", (len(self.gates), self.units), self.kernel_initializer
            )
        if self.projection:
            self.projection_kernel = self.weight(
                "projection_kernel", (self.units, self.projection), self.kernel_initializer
            )

    @property
    def operand_width(self) -> int:
        """Width of what the recurrent kernel multiplies."""
        return self.state_size[0]

    def operand(self, inputs: Tensor, output: Tensor) -> Tensor:
        """What the recurrent kernel multiplies: the output before."""
        return output

    def _initial_bias(self, shape: Sizes, dtype: str) -> Tensor:
        bias = own_draw(self.bias_initializer, "bias")(shape, dtype)
        if not self.unit_forget_bias:
            return bias
        ones = [1.0 if block == "forget" else 0.0 for block in self.blocks]
        ones = ops.repeat(ops.cast(ones, dtype), self.units)
        return ops.where(ones > 0, ones, bias)

    def call(self, inputs: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One step: the output and the new states."""
        output, cell = states
        total = ops.matmul(inputs, self.kernel) + self.bias
        total = total + ops.matmul(self.operand(inputs, output), self.recurrent_kernel)
        sums = dict(zip(self.blocks, ops.split(total, len(self.blocks), axis=-1), strict=True))

        def gate(name: str, cell: Tensor) -> Tensor:
            peeped = self.peephole_kernel[self.gates.index(name)] * cell if self.peepholes else 0.0
            return self.recurrent_activation(sums[name] + peeped)

        forget = 1.0 if self.forget == "none" else gate("forget", cell)
        into = 1.0 - forget if self.forget == "coupled" else gate("input", cell)
        cell = forget * cell + into * self.activation(sums["candidate"])
        output = gate("output", cell) * self.activation(cell)
        if self.projection:
            output = ops.matmul(output, self.projection_kernel)
        return output, [output, cell]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "forget": self.forget,
            "peepholes": self.peepholes,
            "projection": self.projection,
            "unit_forget_bias": self.unit_forget_bias,
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
        }
