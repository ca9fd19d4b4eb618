"""Recurrence over two dimensions, evaluated along wavefronts.

Cells on one anti-diagonal of a grid do not depend on each other, so a grid of R rows and C columns
takes R + C - 1 steps, each of up to min(R, C) cells at once, in place of R C steps of one cell.
Every step here has all rows, those idle masked, as compilers and formats of export want it; to
train on TensorFlow, `grid_recurrence` walks over the cells alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.graphs.variables import value_of
from keras_classics.core.keras_internals import compiled_by_xla
from keras_classics.core.registration import registered
from keras_classics.core.types import Activation, Config, Initializer, Shape, Sizes, Tensor
from keras_classics.initializers import own_draw
from keras_classics.layers.image.image_layer import ImageLayer
from keras_classics.layers.recurrent import grid_recurrence
from keras_classics.layers.recurrent.loop import over_time

# Axes (0 rows, 1 columns) along which the grid is flipped for each direction: every direction
# starts in another corner, the second opposite the first, so that two already see everything.
CORNERS = ((), (0, 1), (1,), (0,))
DIRECTIONS = (1, 2, 4)
MERGE_MODES = ("concat", "sum")


class _GridRecurrence(ImageLayer):
    """The walk over the grid; subclasses say what one cell does."""

    gates: int
    states: int

    @checked
    def __init__(
        self,
        units: int,
        directions: int = 1,
        merge_mode: str = "concat",
        kernel_initializer: Initializer = "glorot_uniform",
        recurrent_initializer: Initializer = "orthogonal",
        bias_initializer: Initializer = "zeros",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_choice("directions", directions, DIRECTIONS)
        check_choice("merge_mode", merge_mode, MERGE_MODES)
        self.units = check_whole("units", units)
        self.directions = directions
        self.merge_mode = merge_mode
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape: Sizes) -> None:
        """Create kernels `(directions, ...)`; the recurrent one reads the cell above, then left."""
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise InputError(
                f"An input of shape {tuple(input_shape)} was given to {self.name!r}",
                "(batch, rows, columns, features) with only the batch unknown",
                "Resize or pad the grids to one size.",
            )
        width = self.gates * self.units

        def weight(
            name: str, shape: Sizes, initializer: Initializer, offset: Sequence[float]
        ) -> keras.Variable:
            # Each direction draws as a layer of its own would: fans do not count directions.
            def draws(_: Sizes, dtype: str) -> Tensor:
                rules = (own_draw(initializer, f"{name}_{n}") for n in range(self.directions))
                drawn = ops.stack([rule(shape, dtype) for rule in rules])
                return drawn + ops.repeat(ops.cast(offset, dtype), width // len(offset))

            return self.add_weight((self.directions, *shape), draws, name=name)

        self.kernel = weight("kernel", (input_shape[-1], width), self.kernel_initializer, [0.0])
        self.recurrent_kernel = weight(
            "recurrent_kernel", (2 * self.units, width), self.recurrent_initializer, [0.0]
        )
        self.bias = weight("bias", (width,), self.bias_initializer, self.bias_offset)

    @property
    def bias_offset(self) -> Sequence[float]:
        """What is added to the bias at the start: one number for all gates, or one for each."""
        return [0.0]

    @property
    def step_weights(self) -> list[Tensor]:
        """What `step` reads beside kernels and bias, each `(directions, ...)`."""
        return []

    def step(
        self, sums: Tensor, above: Sequence[Tensor], left: Sequence[Tensor], *weights: Tensor
    ) -> list[Tensor]:
        """States of the cells of one diagonal, the output first.

        Args:
            sums: Kernel, recurrent kernel and bias applied, `(directions, cells, gates * units)`,
                or without the first axis, as all that follows.
            above: States of the cells above, each `(directions, cells, units)`; zero past the
                border. The output is not among them: the sums have all of it.
            left: States of the cells to the left, likewise.
            *weights: The `step_weights`.
        """
        raise NotImplementedError

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Walk over every diagonal, from each corner."""
        corners = CORNERS[: self.directions]
        grids = [_flipped(inputs, axes) for axes in corners]
        walk = self._cells_alone if training and _shapes_may_change() else self._masked
        outputs = walk(grids)
        maps = [_flipped(outputs[n], axes) for n, axes in enumerate(corners)]
        return ops.concatenate(maps, axis=-1) if self.merge_mode == "concat" else sum(maps)

    def _cells_alone(self, grids: list[Tensor]) -> list[Tensor]:
        """Outputs of each direction `(batch, rows, columns, units)`."""
        kernels = ops.concatenate([self.kernel, self.recurrent_kernel], axis=1)
        weights = [value_of(weight) for weight in (self.bias, *self.step_weights)]
        return [
            grid_recurrence.recurrence(
                self.step, self.states, grid, kernels[n], *(weight[n] for weight in weights)
            )
            for n, grid in enumerate(grids)
        ]

    def _masked(self, grids: list[Tensor]) -> Tensor:
        """Outputs `(directions, batch, rows, columns, units)`."""
        _, rows, columns, features = grids[0].shape
        count, units, width = self.directions, self.units, self.gates * self.units
        steps = rows + columns - 1
        batch = ops.shape(grids[0])[0]
        flat = ops.reshape(ops.stack(grids), (count, -1, features))
        affine = ops.matmul(flat, self.kernel) + self.bias[:, None]
        affine = _skew(ops.reshape(affine, (-1, rows, columns, width)))
        # Before its first column a row has no state: what flows out of there must be zero.
        begun = ops.arange(steps)[:, None] >= ops.arange(rows)
        begun = ops.broadcast_to(
            ops.cast(begun, affine.dtype)[None, :, :, None], (count * batch, steps, rows, 1)
        )
        # (directions * batch, steps, rows * ...): what one diagonal needs lies together.
        affine = ops.concatenate([ops.transpose(affine, (0, 2, 1, 3)), begun], axis=-1)
        affine = ops.reshape(affine, (-1, steps, rows * (width + 1)))

        def diagonal(inputs: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
            inputs = ops.reshape(inputs, (count, -1, rows, width + 1))
            left = [ops.reshape(state, (count, -1, rows, units)) for state in states]
            above = [ops.pad(state[:, :, :-1], ((0, 0), (0, 0), (1, 0), (0, 0))) for state in left]
            neighbours = ops.concatenate([above[0], left[0]], axis=-1)
            cells = (count, -1, width)
            recurrent = ops.matmul(
                ops.reshape(neighbours, (count, -1, 2 * units)), self.recurrent_kernel
            )
            states = self.step(
                ops.reshape(inputs[..., :-1], cells) + recurrent,
                [ops.reshape(state, (count, -1, units)) for state in above[1:]],
                [ops.reshape(state, (count, -1, units)) for state in left[1:]],
                *self.step_weights,
            )
            begun = ops.reshape(inputs[..., -1:], (count, -1, 1))
            states = [ops.reshape(state * begun, (-1, rows * units)) for state in states]
            return states[0], states

        zeros = ops.zeros_like(affine[:, 0, : rows * units])
        outputs = over_time(diagonal, affine, [zeros] * self.states, dtype=self.dtype_policy)
        outputs = ops.transpose(ops.reshape(outputs, (-1, steps, rows, units)), (0, 2, 1, 3))
        return ops.reshape(_unskew(outputs), (count, -1, rows, columns, units))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The grid, with the units of every direction or their sum."""
        width = self.units * (self.directions if self.merge_mode == "concat" else 1)
        return (*input_shape[:-1], width)

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """Input and two neighbours to every gate of every cell, in each direction."""
        _, rows, columns, features = input_shape
        cell = self.gates * self.units * (features + 2 * self.units)
        return self.directions * rows * columns * cell

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "directions": self.directions,
            "merge_mode": self.merge_mode,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }


@registered
class MultiDimensionalRNN(_GridRecurrence):
    """2-D recurrent layer: `h_ij = f(x_ij W + h_(i-1)j U_above + h_i(j-1) U_left + b)`.

    Graves, Fernandez, Schmidhuber, "Multi-dimensional recurrent neural networks", ICANN 2007.
    Input `(batch, rows, columns, features)`, output `(batch, rows, columns, units)`, times the
    directions when they are concatenated. States beyond the border are zero.

    While it trains on TensorFlow, without XLA, a gradient of a gradient is refused with a
    `LookupError`; with `training=False` there is one.

    Args:
        units: Width of the state.
        directions: 1 (from the upper left corner), 2 (and from the lower right) or 4 (from every
            corner), each with its own weights.
        merge_mode: `"concat"` or `"sum"` of the directions.
        activation: Activation `f`.
        kernel_initializer: Initialiser of the input kernel `(features, units)`.
        recurrent_initializer: Initialiser of the recurrent kernel `(2 * units, units)`, whose
            first rows read the cell above and whose last rows the cell to the left.
        bias_initializer: Initialiser of the bias.

    Raises:
        InputError: An argument is not admitted, or rows or columns are unknown.
    """

    gates = 1
    states = 1

    @checked
    def __init__(self, units: int, *args: Any, activation: Activation = "tanh", **kwargs: Any):
        super().__init__(units, *args, **kwargs)
        self.activation = keras.activations.get(activation)

    def step(self, sums: Tensor, above: Sequence[Tensor], left: Sequence[Tensor]) -> list[Tensor]:
        """The activation."""
        return [self.activation(sums)]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
        }


@registered
class MultiDimensionalLSTM(_GridRecurrence):
    """2-D LSTM with one forget gate for each dimension (MDLSTM).

    `c_ij = i g + f_above c_(i-1)j + f_left c_i(j-1)`, `h_ij = o tanh(c_ij)`. Graves, Fernandez,
    Schmidhuber, "Multi-dimensional recurrent neural networks", ICANN 2007; the leaky cell is of
    Leifert, Strauss, Grüning, Wustlich, Labahn, "Cells in multidimensional recurrent neural
    networks", JMLR 17, 2016. Shapes as for `MultiDimensionalRNN`.

    Args:
        units: Width of the state.
        directions: 1, 2 or 4, as for `MultiDimensionalRNN`.
        merge_mode: `"concat"` or `"sum"` of the directions.
        leaky: The stable cell `c = i g + (1 - i) (f_above c_above + f_left c_left) /
            (f_above + f_left)`, whose state stays within 1; the paper's own can grow with the
            number of paths through the grid.
        peepholes: Input and forget gates see the neighbours' cell states, the output gate the new
            one. The input gate has one weight for both neighbours.
        forget_bias: Added to the bias of both forget gates at the start. At 0 the two gates sum
            to 1; at 1 the paper's cell may grow.
        kernel_initializer: Initialiser of the input kernel `(features, 5 * units)`, in the order
            input, forget above, forget left, candidate, output.
        recurrent_initializer: Initialiser of the recurrent kernel `(2 * units, 5 * units)`.
        bias_initializer: Initialiser of the bias, before `forget_bias`.

    Raises:
        InputError: An argument is not admitted, or rows or columns are unknown.

    Example:
        ```python
        layer = kc.layers.MultiDimensionalLSTM(4, directions=4)
        layer(np.zeros((2, 6, 5, 1))).shape  # (2, 6, 5, 16)
        ```
    """

    gates = 5
    states = 2

    @checked
    def __init__(
        self,
        units: int,
        *args: Any,
        leaky: bool = False,
        peepholes: bool = False,
        forget_bias: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(units, *args, **kwargs)
        self.leaky = leaky
        self.peepholes = peepholes
        self.forget_bias = forget_bias

    def build(self, input_shape: Sizes) -> None:
        """Create the weights; peepholes `(directions, 4, units)`: input, two forgets, output."""
        super().build(input_shape)
        if self.peepholes:
            self.peephole_kernel = self.add_weight(
                shape=(self.directions, 4, self.units),
                initializer=keras.initializers.RandomUniform(-0.1, 0.1),
                name="peephole_kernel",
            )

    @property
    def bias_offset(self) -> Sequence[float]:
        """`forget_bias` on both forget gates."""
        return [0.0, self.forget_bias, self.forget_bias, 0.0, 0.0]

    @property
    def step_weights(self) -> list[Tensor]:
        """The peepholes."""
        return [self.peephole_kernel] if self.peepholes else []

    def step(
        self, sums: Tensor, above: Sequence[Tensor], left: Sequence[Tensor], *weights: Tensor
    ) -> list[Tensor]:
        """Gates, cell and output."""
        [cell_above], [cell_left] = above, left
        into, forget_above, forget_left, candidate, out = ops.split(sums, 5, axis=-1)
        if self.peepholes:
            [kernel] = weights
            peephole = [kernel[..., n : n + 1, :] for n in range(4)]
            into = into + peephole[0] * (cell_above + cell_left)
            forget_above = forget_above + peephole[1] * cell_above
            forget_left = forget_left + peephole[2] * cell_left
        into = ops.sigmoid(into)
        if self.leaky:
            # f_above / (f_above + f_left) of logarithms: gates too small to be told from 0 divide.
            share = ops.sigmoid(ops.softplus(-forget_left) - ops.softplus(-forget_above))
            carried = (1.0 - into) * (share * cell_above + (1.0 - share) * cell_left)
        else:
            carried = ops.sigmoid(forget_above) * cell_above + ops.sigmoid(forget_left) * cell_left
        cell = into * ops.tanh(candidate) + carried
        if self.peepholes:
            out = out + peephole[3] * cell
        return [ops.sigmoid(out) * ops.tanh(cell), cell]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "leaky": self.leaky,
            "peepholes": self.peepholes,
            "forget_bias": self.forget_bias,
        }


def _shapes_may_change() -> bool:
    """Whether a loop may meet other shapes in every step; XLA's and other backends' may not."""
    return keras.config.backend() == "tensorflow" and not compiled_by_xla()


def _flipped(grids: Tensor, axes: Sequence[int]) -> Tensor:
    """Reverse rows (0) or columns (1) of `(batch, rows, columns, features)`."""
    return ops.flip(grids, [axis + 1 for axis in axes]) if axes else grids


def _skew(grids: Tensor) -> Tensor:
    """Shift row i right by i: `(batch, R, C, features)` to `(batch, R, R + C - 1, features)`."""
    _, rows, columns, features = grids.shape
    grids = ops.pad(grids, ((0, 0), (0, 0), (0, rows), (0, 0)))
    # Rows one shorter than they were written begin one further to the left each.
    flat = ops.reshape(grids, (-1, rows * (columns + rows), features))[:, :-rows]
    return ops.reshape(flat, (-1, rows, columns + rows - 1, features))


def _unskew(grids: Tensor) -> Tensor:
    """Undo `_skew`."""
    _, rows, steps, features = grids.shape
    flat = ops.reshape(grids, (-1, rows * steps, features))
    flat = ops.pad(flat, ((0, 0), (0, rows), (0, 0)))
    return ops.reshape(flat, (-1, rows, steps + 1, features))[:, :, : steps + 1 - rows]
