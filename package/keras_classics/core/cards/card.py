"""What is known of one architecture: the row of a family's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keras_classics.core.cards.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What is known of one architecture.

    Attributes:
        name: The catalogue's name, in snake case.
        builder: Name of the function that builds it, in `kc.models`; the model is found by this
            name, too. The catalogue's name where it is left out.
        summary: One sentence on this variant, the first line of its builder's help; the idea where
            it is left out.
        family: The family whose file builds it.
        paper: Authors, title and where it appeared.
        year: Year of the paper.
        idea: The one idea the network is remembered for.
        input_shape: Native input, without the batch axis.
        classes: Native number of classes; `None` for a trunk that has no classifier.
        parameters: Trainable parameters at native input and classes; recomputed by a test.
        multiply_adds: Multiplications of convolution and dense kernels for one native input;
            recomputed by a test. `None` where the papers give no such figure.
        smallest_size: The smallest height and width the architecture admits.
        namesake: Where the name means another network elsewhere: how that one is built.
        published: Published results, quoted and not verified here, by what they measure.
        measured: Results of our own runs, by what they measure, with the command.
        deviations: Where this builder departs from the paper, and why.
        recipes: How it is trained: `"paper"`, and further ones by name.
    """

    name: str
    builder: str = ""
    summary: str = ""
    family: str
    paper: str
    year: int
    idea: str
    input_shape: tuple[int, ...]
    classes: int | None
    parameters: int
    multiply_adds: int | None = None
    smallest_size: int = 1
    namesake: str = ""
    published: str = "no figure quoted"
    measured: str = "not trained here"
    deviations: str = "none"
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
