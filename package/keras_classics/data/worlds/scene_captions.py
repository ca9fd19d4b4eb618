"""The English of the embedded scenes: five true captions for one picture.

The grammar knows nothing about pixels. It is told what is in the picture and how the two main
objects lie, and says only that: every attribute and every relation a caption names is a fact
the renderer guarantees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

KINDS = ("circle", "square", "triangle", "star", "cross", "ring", "heart", "crescent")
COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "pink", "black")
SIZES = ("large", "small")
TEXTURES = ("plain", "striped", "dotted")
RELATIONS = ("left", "right", "above", "below", "inside", "touching")
CAPTIONS_PER_SCENE = 5

OPPOSITES = {"left": "right", "right": "left", "above": "below", "below": "above"}
ROWS = ("top", "middle", "bottom")
COLUMNS = ("left", "middle", "right")

_SYNONYMS = {"large": "big", "small": "little", "dotted": "spotted"}
_SYNONYM_RATE = 0.2
_COUNT_RATE = 0.3
_COUNTED = {1: "one other shape", 2: "two other shapes", 3: "three other shapes"}

_WHERE = {
    ("top", "left"): "in the top left corner",
    ("top", "middle"): "at the top",
    ("top", "right"): "in the top right corner",
    ("middle", "left"): "on the left",
    ("middle", "middle"): "in the middle",
    ("middle", "right"): "on the right",
    ("bottom", "left"): "in the bottom left corner",
    ("bottom", "middle"): "at the bottom",
    ("bottom", "right"): "in the bottom right corner",
}
_SIDES = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}
_SHORT_SIDES = {"left": "left of", "right": "right of", "above": "over", "below": "under"}

# {a} is the main object and {b} the second; {brief_a} and {brief_b} name colour and kind only.
_ALONE = (
    "{a} {where}",
    "{a} {where} of the picture",
    "{a} is {where}",
    "there is {a} {where}",
    "the picture shows {a} {where}",
    "{where} there is {a}",
    "{brief_a} {where}",
)
_BESIDE = (
    "{a} {side} {b}",
    "{a} is {side} {b}",
    "there is {a} {side} {b}",
    "the picture shows {a} {side} {b}",
    "{b} {opposite} {a}",
    "{b} is {opposite} {a}",
    "{brief_a} {short_side} {brief_b}",
)
_TOUCHING = (
    "{a} touching {b}",
    "{a} touches {b}",
    "there is {a} touching {b}",
    "the picture shows {a} touching {b}",
    "{b} touching {a}",
    "{a} and {b} touching each other",
    "{brief_a} touching {brief_b}",
)
_INSIDE = (
    "{b} inside {a}",
    "{b} is inside {a}",
    "there is {b} inside {a}",
    "the picture shows {b} inside {a}",
    "{a} with {b} inside",
    "{a} around {b}",
    "{brief_b} inside {brief_a}",
)


class SceneObject(NamedTuple):
    """What can be said of one object.

    Attributes:
        kind: One of `KINDS`.
        colour: One of `COLOURS`.
        size: One of `SIZES`.
        texture: One of `TEXTURES`.
    """

    kind: str
    colour: str
    size: str
    texture: str


def describe(
    objects: Sequence[SceneObject],
    relation: str | None,
    position: tuple[str, str] | None,
    rng: np.random.Generator,
) -> tuple[str, ...]:
    """Write `CAPTIONS_PER_SCENE` different captions of one scene.

    Args:
        objects: The objects of the scene; the first is the main one, the second the one it is
            related to.
        relation: How the main object lies to the second, one of `RELATIONS` (`"inside"` means
            that the second lies in the main one); None where the main object is alone.
        position: Row (of `ROWS`) and column (of `COLUMNS`) of an object alone; None where there
            are more.
        rng: Chooses among the wordings.

    Returns:
        Lower-case sentences without punctuation.
    """
    templates = {None: _ALONE, "inside": _INSIDE, "touching": _TOUCHING}.get(relation, _BESIDE)
    chosen = rng.permutation(len(templates))[:CAPTIONS_PER_SCENE]
    chances = rng.random((CAPTIONS_PER_SCENE, 2))
    captions = []
    for index, (synonym_chance, count_chance) in zip(chosen, chances.tolist(), strict=True):
        words = _SYNONYMS if synonym_chance < _SYNONYM_RATE else {}
        facts = {"a": _name(objects[0], words), "brief_a": _name_briefly(objects[0])}
        if position is not None:
            facts["where"] = _WHERE[position]
        else:
            facts |= {"b": _name(objects[1], words), "brief_b": _name_briefly(objects[1])}
        if relation in OPPOSITES:
            facts["side"] = _SIDES[relation]
            facts["short_side"] = _SHORT_SIDES[relation]
            facts["opposite"] = _SIDES[OPPOSITES[relation]]
        caption = templates[index].format_map(facts)
        others = objects[2:]
        if len(others) == 1 and count_chance >= _COUNT_RATE:
            caption += f" and {_name(others[0], words)} elsewhere"
        elif others:
            caption += f" and {_COUNTED[len(others)]} elsewhere"
        captions.append(caption)
    return tuple(captions)


def _name(thing: SceneObject, synonyms: dict[str, str]) -> str:
    """`a large red striped circle`; what is plain is not said to be so."""
    size = synonyms.get(thing.size, thing.size)
    texture = "" if thing.texture == "plain" else synonyms.get(thing.texture, thing.texture) + " "
    return f"a {size} {thing.colour} {texture}{thing.kind}"


def _name_briefly(thing: SceneObject) -> str:
    article = "an" if thing.colour[0] in "aeiou" else "a"
    return f"{article} {thing.colour} {thing.kind}"
