"""Scenes that tests look at, and where their objects are."""

import re

import numpy as np

from keras_classics.data.worlds.scenes import CLASSES, SceneOptions, render_scene

COLOURS = {
    "red": (220, 30, 40),
    "green": (30, 150, 60),
    "blue": (40, 80, 220),
    "yellow": (250, 215, 30),
    "orange": (245, 125, 20),
    "purple": (125, 45, 160),
    "pink": (250, 140, 200),
    "black": (30, 30, 30),
}
WORDS = set(
    """a above an and around at below big black blue bottom circle corner crescent cross dotted each
    elsewhere green heart in inside is large left little middle of on one orange other over picture
    pink purple red right ring shape shapes shows small spotted square star striped the there three
    to top touches touching triangle two under with yellow""".split()
)
SAME = {"big": "large", "little": "small", "spotted": "dotted"}
NAME = re.compile(
    rf"\b(an?) (?:(large|big|small|little) )?({'|'.join(COLOURS)}) "
    rf"(?:(striped|dotted|spotted) )?({'|'.join(CLASSES)})\b"
)
# Every form a sentence may have, the objects written as their numbers.
RELATIONS = {
    r"(\d) (?:is )?(?:to the )?left of (\d)": "left",
    r"(\d) (?:is )?(?:to the )?right of (\d)": "right",
    r"(\d) (?:is )?(?:above|over) (\d)": "above",
    r"(\d) (?:is )?(?:below|under) (\d)": "below",
    r"(\d) (?:touching|touches) (\d)": "touching",
    r"(\d) and (\d) touching each other": "touching",
    r"(\d) (?:is )?inside (\d)": "inside",
    r"(\d) (?:around|with) (\d)(?: inside)?": "around",
}
OPENINGS = r"(?:there is |the picture shows )?"
REST = r"(?: and (\d|one other shape|two other shapes|three other shapes) elsewhere)?"
PLACES = {
    "in the top left corner": (0, 0),
    "at the top": (0, 1),
    "in the top right corner": (0, 2),
    "on the left": (1, 0),
    "in the middle": (1, 1),
    "on the right": (1, 2),
    "in the bottom left corner": (2, 0),
    "at the bottom": (2, 1),
    "in the bottom right corner": (2, 2),
}
HARD = SceneOptions(objects=(1, 5), clutter=0.7, occlusion=0.8, noise=0.05)


def keeping_apart():
    """Scenes of one to five objects that keep apart."""
    return [render_scene(3, index, SceneOptions(objects=(1, 5), noise=0.0)) for index in range(400)]


def silhouette(scene, number):
    return scene.mask == number + 1


def centre(scene, number):
    ymin, xmin, ymax, xmax = scene.boxes[number]
    return np.array([(ymin + ymax) / 2, (xmin + xmax) / 2])


def holds(scene, relation, one, other):
    """Whether the relation is plain to see in mask and boxes."""
    down, right = centre(scene, other) - centre(scene, one)
    a, b = silhouette(scene, one), silhouette(scene, other)
    if relation == "touching":
        grown = np.zeros_like(a)
        for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
            grown |= np.roll(a, shift, axis)
        return bool((grown & b).any())
    if relation == "inside":
        return not (reachable_from_the_edge(~b) & a).any()
    if relation == "around":
        return holds(scene, "inside", other, one)
    return {
        "left": right > 1.5 * abs(down),
        "right": -right > 1.5 * abs(down),
        "above": down > 1.5 * abs(right),
        "below": -down > 1.5 * abs(right),
    }[relation]


def reachable_from_the_edge(open_pixels):
    """Flood the picture from its border through the open pixels."""
    flooded = np.zeros_like(open_pixels)
    flooded[0], flooded[-1], flooded[:, 0], flooded[:, -1] = True, True, True, True
    flooded &= open_pixels
    while True:
        grown = flooded.copy()
        grown[1:] |= flooded[:-1]
        grown[:-1] |= flooded[1:]
        grown[:, 1:] |= flooded[:, :-1]
        grown[:, :-1] |= flooded[:, 1:]
        grown &= open_pixels
        if (grown == flooded).all():
            return flooded
        flooded = grown


def read(caption, scene):
    """Parse a caption by the test's own grammar.

    Returns the relation claims [(relation, object, object)], the place claimed, and the objects
    named, after checking that every name fits the object that has its colour.
    """
    numbers = {thing.colour: number for number, thing in enumerate(scene.objects)}

    def number_of(match):
        article, size, colour, texture, kind = match.groups()
        thing = scene.objects[numbers[colour]]
        assert kind == thing.kind
        if size is not None:
            assert SAME.get(size, size) == thing.size
            assert SAME.get(texture, texture) == (
                None if thing.texture == "plain" else thing.texture
            )
        return str(numbers[colour])

    form = NAME.sub(number_of, caption)
    for pattern, relation in RELATIONS.items():
        match = re.fullmatch(OPENINGS + pattern + REST, form)
        if match:
            return relation, int(match[1]), int(match[2]), match[3]
    for place, cell in PLACES.items():
        if re.fullmatch(
            rf"{OPENINGS}0 (?:is )?{place}(?: of the picture)?|{place} there is 0", form
        ):
            return "place", *cell, None
    raise AssertionError(f"{caption!r} has no known form: {form!r}")
