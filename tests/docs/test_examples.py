"""Every example of a docstring runs, and what the guides begin with has one."""

import inspect
import re
import textwrap

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc
import pages

# What an example may take as given; else each stands alone.
GIVEN = {"__name__": "__main__", "keras": keras, "kc": kc, "np": np, "ops": ops}
NAMES = {str(n): ["n01440764", "tench"] for n in range(1000)}
_EXAMPLE = re.compile(r"^Example:\n((?:[ ]{4}.*\n?|\n)+)", re.M)
_CODE = re.compile(r"```python\n(.*?)```", re.S)


def public(room):
    """Functions and classes of a room and of those in it, by the names that a user types."""
    for name in room.__all__:
        value = getattr(room, name)
        if inspect.ismodule(value):
            yield from public(value)
        elif inspect.isclass(value) or inspect.isfunction(value):
            yield f"{room.__name__}.{name}".replace("keras_classics", "kc", 1), value


PUBLIC = dict(public(kc))


def code_of(value):
    """The Python of the example in a docstring, if there is one."""
    section = _EXAMPLE.search(inspect.cleandoc(value.__doc__ or ""))
    code = _CODE.search(textwrap.dedent(section[1])) if section else None
    assert not section or code, f"the example of {value.__name__} is not fenced as Python"
    return code and code[1]


EXAMPLES = {name: code for name, value in PUBLIC.items() if (code := code_of(value))}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_by_itself(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Keras would fetch the names of ImageNet's classes.
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", NAMES)
    keras.utils.set_random_seed(0)
    exec(compile(EXAMPLES[name], f"<{name}>", "exec"), dict(GIVEN))
    assert name.rpartition(".")[2] in EXAMPLES[name]


def test_what_the_guides_begin_with_has_an_example():
    said = {
        f"kc{name}"
        for page in pages.GUIDES
        for name in re.findall(r"\bkc((?:\.\w+)+)", page.read_text())
    }
    # Cards describe the catalogue's networks; a whole job stands in the guide of jobs.
    cards = map(kc.card, kc.list_models())
    elsewhere = {f"kc.models.{card.builder or card.name}" for card in cards}
    elsewhere |= {name for name in PUBLIC if name.startswith("kc.jobs.") and "preset" not in name}
    assert sorted((said & PUBLIC.keys()) - elsewhere - EXAMPLES.keys()) == []
