"""FractalNet: as deep as a ResNet without residuals, by a self-similar graph of paths.

Larsson, Maire, Shakhnarovich, "FractalNet: ultra-deep neural networks without residuals", ICLR
2017 (arXiv:1605.07648).

A fractal of one column is one layer; one of C + 1 columns joins a single layer with two fractals
of C columns in sequence: `f(z) = mean(f(f(z)), layer(z))`. Column k of a block therefore has
2^(k-1) layers, joined with the other columns wherever they meet, and joins that follow each other
are one mean of all their inputs. Drop-path while training (see `kc.layers.FractalJoin`) makes
every column a network of its own; `column=` and `fractal_column` take it out.

The authors' generator, which is the default here, ends a block by pooling each column and then
joining. It has fewer parameters (33.7 M) than the paper's table prints (38.6 M); the printed
figure is that of `fractalnet_20_cifar_1x1`, where 1x1 convolutions in front of the blocks change
the width and 3x3 convolutions keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias, Unpack

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import SHIFT_AND_MIRROR, Drops, Recipe, Step
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_rate,
    check_whole,
    check_wholes,
)
from keras_classics.core.types import Tensor
from keras_classics.layers.image.fractal import ColumnDraw, FractalJoin
from keras_classics.models.image.blocks import (
    convolution,
    max_pooling,
    normalization,
    relu,
)

# From the tips of columns, by number, and a name to what they join to.
Join: TypeAlias = Callable[[dict[int, Tensor], str], Tensor]


@dataclass(frozen=True, kw_only=True)
class FractalNetCard(ModelCard):
    """A row of the family's table.

    Attributes:
        filters: Of the layers of each block.
        dropout: Rate in the layers of each block.
        widen: What changes the width: the `"3x3"` convolutions themselves, or a `"1x1"`
            convolution in front of the block.
    """

    filters: tuple[int, ...] = (64, 128, 256, 512, 512)
    dropout: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4)
    widen: str = "3x3"


# The rate falls each time the remaining epochs halve.
RECIPE = Recipe(
    learning_rate=0.02,
    batch_size=100,
    epochs=400,
    schedule=Drops(at=(200, 300, 350, 375)),
    augmentation=SHIFT_AND_MIRROR,
    normalization=Step("mean_std"),
)

_row = partial(
    FractalNetCard,
    paper='Larsson, Maire, Shakhnarovich, "FractalNet: ultra-deep neural networks without '
    'residuals", ICLR 2017, arXiv:1605.07648',
    family="fractalnet",
    year=2017,
    idea="a self-similar graph of short and long paths needs no residuals",
    input_shape=(32, 32, 3),
    classes=10,
    # Every block ends in a pool that halves the map, and the last must leave something.
    smallest_size=32,
    recipes={"paper": RECIPE},
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="fractalnet_20_cifar",
            builder="FractalNet20CIFAR",
            summary="FractalNet of 3 columns and 20 layers for CIFAR-10.",
            parameters=33_714_314,
            multiply_adds=845_222_912,
            published="test error with drop-path and dropout 7.33 % on CIFAR-10, 4.60 % with "
            "augmentation; its deepest column 7.27 % and 4.68 %",
            deviations="layers of the authors' generator, which has fewer parameters than the "
            "paper's table prints; local and global drop-path mixed within a batch",
        ),
        _row(
            name="fractalnet_20_cifar_1x1",
            builder="FractalNet20CIFAR1x1",
            summary="FractalNet-20 widened by 1x1 convolutions, with the paper's printed count.",
            widen="1x1",
            parameters=38_637_770,
            multiply_adds=1_129_518_080,
            deviations="the reading that meets the parameters the paper prints, by arithmetic "
            "alone; the 1x1 convolutions have neither normalisation nor rectifier",
        ),
    )
}


def fractalnet(
    card: FractalNetCard,
    *,
    columns: int = 3,
    filters: Sequence[int] | None = None,
    dropout: Sequence[float] | None = None,
    drop_path: float = 0.15,
    global_drop_path: float = 0.5,
    pool_after_join: bool = False,
    widen: str | None = None,
    column: int | None = None,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """FractalNet of any number of columns and blocks.

    Args:
        card: Row of `VARIANTS`.
        columns: Columns of each block; the depth is `2 ** (columns - 1)` convolutions a block.
        filters: Filters of each block, in place of the card's; the paper's study of depth has
            (16, 32, 64, 128, 128).
        dropout: Rate in each block, in place of the card's.
        drop_path: Probability with which local drop-path drops an input of a join.
        global_drop_path: Share of the examples that train by global drop-path, through a single
            column. With both rates 0 nothing is dropped.
        pool_after_join: Join the columns of a block, then pool, instead of the other way round.
        widen: `"3x3"` or `"1x1"`, in place of the card's.
        column: Return only the plain network of this column, from 1 (shallowest) to `columns`.
            `weights` are those of the whole network in this case, too.
        width: Factor on the number of filters.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    rates = card.dropout if dropout is None else dropout
    widen = widen or card.widen
    check_choice("widen", widen, ("3x3", "1x1"))
    columns = check_whole(
        "columns", columns, remedy="Use 3, the paper's; each column more doubles the depth."
    )
    filters = check_wholes("filters", card.filters if filters is None else filters)
    rates = rates if isinstance(rates, Iterable) else [rates]
    dropout = [check_rate("dropout", rate) for rate in rates]
    _check_sizes(filters, dropout)
    head = image_head(replace(card, smallest_size=2 ** len(filters)), arguments)
    draw = None
    if columns > 1:
        draw = ColumnDraw(columns, global_drop_path, name="stem_columns")(head.image)

    def join(paths: dict[int, Tensor], name: str) -> Tensor:
        return FractalJoin(list(paths), drop_path, name=name)([draw, *paths.values()])

    x = head.image
    for stage, (wanted, rate) in enumerate(zip(filters, dropout, strict=True), start=1):
        count = scaled(wanted, width)
        if widen == "1x1" and x.shape[-1] != count:
            x = _convolution(x, count, 1, name=f"stage{stage}_conv")
        tips = _block(x, partial(_layer, filters=count, rate=rate), join, columns, stage)
        x = _end(tips, join, pool_after_join, name=f"stage{stage}")
    model = head.finish(x)
    return model if column is None else fractal_column(model, column)


@checked
def fractal_column(model: keras.Model, column: int | None = None) -> keras.Model:
    """The plain network of one column of a FractalNet, which shares the FractalNet's layers.

    Args:
        model: A FractalNet, also one read from a file.
        column: From 1 (shallowest); by default the deepest, which the paper recommends.

    Returns:
        A functional model without joins. Training either model trains the shared weights.

    Raises:
        InputError: The model has no such column.
    """
    joins = [layer for layer in model.layers if isinstance(layer, FractalJoin)]
    columns = max((number for join in joins for number in join.columns), default=1)
    column = columns if column is None else column
    check_choice("column", column, tuple(range(1, columns + 1)))

    def pass_column(layer: keras.layers.Layer, *inputs: Any, **keywords: Any) -> Any:
        if not isinstance(layer, FractalJoin):
            return layer(*inputs, **keywords)
        # What a join outside of the column gives does not reach the output.
        place = layer.columns.index(column) if column in layer.columns else 0
        return inputs[0][1 + place]

    twin = keras.models.clone_model(
        model, clone_function=lambda layer: layer, call_function=pass_column
    )
    return keras.Model(twin.input, twin.output, name=f"{model.name}_column{column}")


def _check_sizes(filters: Sequence[int], dropout: Sequence[float]) -> None:
    if not isinstance(dropout, Sequence):
        raise InputError(
            f"dropout={dropout!r} was given",
            "a rate for every block",
            f"Pass dropout={(float(dropout),) * len(filters)}.",
        )
    if len(filters) != len(dropout):
        raise InputError(
            f"{len(filters)} filters and {len(dropout)} dropout rates were given",
            "one of each for every block",
            "Pass filters and dropout of the same length.",
        )


def _block(
    x: Tensor, layer: Callable[..., Tensor], join: Join, columns: int, stage: int
) -> dict[int, Tensor]:
    """The columns of a block, from the deepest, up to the join of all of them."""
    depth = 2 ** (columns - 1)
    tips = dict.fromkeys(range(columns, 0, -1), x)
    for step in range(1, depth + 1):
        # Column k has 2^(k-1) layers of equal reach.
        spans = {number: 2 ** (columns - number) for number in tips}
        ended = [number for number, span in spans.items() if step % span == 0]
        for number in ended:
            name = f"stage{stage}_branch{number}"
            tips[number] = layer(tips[number], index=step // spans[number], name=name)
        if len(ended) > 1 and step < depth:
            name = f"stage{stage}_join{step // 2}"
            joined = join({number: tips[number] for number in ended}, name)
            tips.update(dict.fromkeys(ended, joined))
    return tips


def _end(tips: dict[int, Tensor], join: Join, pool_after_join: bool, name: str) -> Tensor:
    """Pooling and the join of all columns, in either order."""
    if len(tips) == 1:
        return max_pooling(tips[1], 2, 2, name=f"{name}_out")
    if pool_after_join:
        return max_pooling(join(tips, f"{name}_join"), 2, 2, name=f"{name}_out")
    pooled = {
        number: max_pooling(x, 2, 2, name=f"{name}_branch{number}_pool")
        for number, x in tips.items()
    }
    return join(pooled, f"{name}_out")


def _layer(x: Tensor, *, filters: int, rate: float, index: int, name: str) -> Tensor:
    """Convolution, dropout, normalisation, rectifier."""
    x = _convolution(x, filters, 3, name=f"{name}_conv{index}")
    if rate:
        x = layers.Dropout(rate, name=f"{name}_dropout{index}")(x)
    x = normalization(x, affine=False, name=f"{name}_norm{index}")
    return relu(x, name=f"{name}_relu{index}")


def _convolution(x: Tensor, filters: int, size: int, *, name: str) -> Tensor:
    return convolution(
        x, filters, size, use_bias=True, kernel_initializer="glorot_uniform", name=name
    )


FractalNet20CIFAR = register(VARIANTS["fractalnet_20_cifar"], fractalnet)
FractalNet20CIFAR1x1 = register(VARIANTS["fractalnet_20_cifar_1x1"], fractalnet)
