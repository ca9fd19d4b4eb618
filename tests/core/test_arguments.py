"""Arguments are of the kinds that annotations say, made Python's own, or refused in a sentence."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike

import keras_classics as kc
from core.test_public_face import PUBLIC
from fuzz.cases import is_record
from keras_classics.core.arguments import checked
from keras_classics.core.types import Activation, Count, Initializer, Tensor, Wholes


@checked
def told(
    whole: int = 1,
    count: Count = 1,
    number: float = 1.0,
    truth: bool = False,
    text: str = "a",
    path: str | Path | None = None,
    texts: Sequence[str] = (),
    several: Iterable[int] = (),
    pair: tuple[int, int] = (1, 2),
    named: Mapping[str, float] | None = None,
    array: np.ndarray | None = None,
    like: ArrayLike = 0,
    tensor: Tensor = 0,
    model: keras.Model | None = None,
    function: Callable[[int], int] | None = None,
    kind: Literal["a", "b"] = "a",
    activation: Activation = None,
    initializer: Initializer = None,
    anything: Any = None,
    size: int | str | None = None,
    numbers: Wholes = (),
):
    """Everything there is."""
    return locals()


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("whole", np.int64(3), 3),
        ("whole", np.array(3), 3),
        ("count", np.uint8(3), 3),
        ("number", np.float32(0.5), 0.5),
        ("number", 2, 2),
        ("number", Fraction(1, 2), 0.5),
        ("truth", np.bool_(True), True),
        ("truth", 1, True),
        ("path", Path("a"), Path("a")),
        ("path", None, None),
        ("texts", ["a", "b"], ["a", "b"]),
        ("texts", pd.Series(["a", "b"], index=[7, 8]), ["a", "b"]),
        ("texts", "ab", "ab"),
        ("several", (np.int64(1), 2), (1, 2)),
        ("pair", [3, np.int64(4)], (3, 4)),
        ("pair", np.array([3, 4]), (3, 4)),
        ("named", {"a": np.float64(0.5)}, {"a": 0.5}),
        ("kind", "b", "b"),
        ("activation", "relu", "relu"),
        ("size", "any", "any"),
        ("size", np.int8(4), 4),
    ],
)
def test_what_is_meant_becomes_what_the_annotation_says(name, value, found):
    taken = told(**{name: value})[name]
    assert taken == found and type(taken) is type(found)
    if isinstance(taken, list | tuple):
        assert [type(each) for each in taken] == [type(each) for each in found]


def test_arrays_may_be_lists_frames_and_tensors():
    for value in ([[1, 2]], pd.DataFrame([[1, 2]]), keras.ops.convert_to_tensor([[1, 2]])):
        np.testing.assert_array_equal(told(array=value)["array"], [[1, 2]])
    ragged = [np.zeros(2), np.zeros(3)]
    assert told(like=ragged)["like"] is ragged
    # What is no number or a truth value is one of an array's all the same.
    for like in ([float("nan"), 1], [True, np.bool_(False)], [[1.0], [math.inf]]):
        assert told(like=like)["like"] is like
    symbolic = keras.Input((3,))
    assert told(tensor=symbolic)["tensor"] is symbolic


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("whole", ["3", 2.5, True, None, np.array([2]), 10**30, 2.0, keras.KerasTensor((2,))]),
        ("count", [0, -1, np.int8(-1), True, 1.0, None]),
        ("number", ["a", float("nan"), np.inf, True, [1.0], 10**400, pd.NA]),
        ("truth", ["True", 2, None, np.array([True, False])]),
        ("text", [b"a", 3, Path("a"), None]),
        ("path", [3, b"a", "a\0b", "\ud800", ["a"]]),
        ("texts", [[1], {"a": 1}, 3, None, b"ab", {"a"}, np.array([1.0]), ["a", None], iter("ab")]),
        ("several", [3, "ab", [1.5], None]),
        ("pair", [(1,), (1, 2, 3), 3, "ab", (1, "a")]),
        ("named", [["a"], {"a": "b"}, {1: 1.0}]),
        ("array", [["a"], {"a": 1}, "a", np.array([None]), keras.Input((3,)), [[1], [1, 2]]]),
        ("like", [None, "a", [None], {}, len]),
        ("tensor", [None, "a", ["a"], np.array(["a"]), len, keras.Sequential()]),
        ("numbers", [[0.5], np.array([0.5]), [[1]], "a", [10**30], {1}]),
        ("model", [3, keras.layers.Dense(2), keras.Model]),
        ("function", [3, "a"]),
        ("kind", ["c", 3, ["a"], np.array(["a", "b"])]),
        ("activation", ["nonsense", 3, b"relu"]),
        ("initializer", ["nonsense", 3, np.uint8(2)]),
        ("size", [2.5, None.__class__, b"a"]),
    ],
)
def test_what_is_not_is_refused_in_one_line_whose_remedy_works(name, values):
    for value in values:
        with pytest.raises(kc.InputError) as refused:
            told(**{name: value})
        said = str(refused.value)
        assert said.startswith(f"{name}=") and " was given. Allowed: " in said
        assert "\n" not in said and f"Leave {name} out for the default." in said
    told()


def test_who_fills_a_list_has_it_back():
    mine: list[str] = []
    assert told(texts=mine)["texts"] is mine


def test_a_check_draws_nothing_and_reads_nothing_to_its_end():
    before = random.getstate()
    told(initializer="he_normal", activation="relu")
    assert random.getstate() == before

    class Read(Sequence):
        def __len__(self):
            return 10**9

        def __getitem__(self, index):
            raise AssertionError("a file is read")

    mine = Read()
    assert told(texts=mine)["texts"] is mine


def test_a_function_looks_as_it_is_written():
    assert list(inspect.signature(told).parameters)[0] == "whole"
    assert told.__doc__ == "Everything there is."


def test_an_unknown_name_is_answered_with_the_nearest():
    # Whoever expects Python's own error of it gets one.
    for error in (kc.InputError, TypeError):
        with pytest.raises(error, match=r"'wholes' was given to 'told'.* Did you mean 'whole'\?"):
            told(wholes=3)
    with pytest.raises(kc.InputError, match="'num_classes'.*'replace_head'.* Did you mean 'class"):
        kc.transfer.replace_head(keras.Sequential(), num_classes=3)


def test_nothing_of_an_array_is_in_a_message():
    with pytest.raises(kc.InputError, match=r"whole=<ndarray of shape \(1000, 3\)> was given"):
        told(whole=np.zeros((1000, 3)))


# What asks in its own words, is made by ours alone, or runs what it is given.
UNCHECKED = {
    "InputError", "card", "cli.guarded", "cli.main", "cli.sound", "compression.PackedLayer",
    "compression.PackedModel", "create_model", "data.load", "decoding.CompiledSearch",
    "export.ExportError", "jobs.Job", "jobs.run", "register", "training.Recipe",
}  # fmt: skip


def is_checked(function):
    while function is not None:
        if getattr(function, "__code__", None) is checked(told).__code__:
            return True
        function = getattr(function, "__wrapped__", None)
    return False


def test_everything_public_checks_its_arguments():
    builders = {kc.core.cards.catalogue.builder(name).__name__ for name in kc.list_models()}
    for name, found in PUBLIC.items():
        own = name.removeprefix("keras_classics.")
        function = found.__init__ if inspect.isclass(found) else found
        # Records only hold what they are given, and builders have a check of their own.
        ours = (
            inspect.isfunction(function)
            and function.__module__.startswith("keras_classics")
            and not is_record(found)
        )
        if ours and own.rpartition(".")[2] not in builders:
            taken = list(inspect.signature(found).parameters)
            assert not taken or own in UNCHECKED or is_checked(function), own


def test_what_goes_on_to_keras_is_looked_at():
    for given in ({"name": "a/b"}, {"name": "\ud800"}, {"dtype": "nonsense"}, {"trainable": None}):
        (name,) = given
        with pytest.raises(kc.InputError, match=f"^{name}=.* Leave {name} out for the default"):
            kc.layers.Maxout(2, **given)
    with pytest.raises(kc.InputError, match="bias_constraint=3 was given"):
        kc.layers.BinaryDense(2, bias_constraint=3)
    assert kc.layers.Maxout(2, name="mine", dtype="float16", trainable=False).name == "mine"
    for loss in (kc.training.CTCLoss, kc.training.TripletLoss, kc.training.MixtureDensityLoss):
        with pytest.raises(kc.InputError, match="reduction='most' was given"):
            loss(reduction="most")
        with pytest.raises(kc.InputError, match="name='a/b' was given"):
            loss(name="a/b")


def test_a_class_made_of_its_fields_checks_them():
    @checked
    @dataclass
    class Held:
        whole: int
        text: str = "a"

    assert Held(np.int64(3)) == Held(3, "a") and list(inspect.signature(Held).parameters)
    with pytest.raises(kc.InputError, match="text=3 was given"):
        Held(3, text=3)


def test_what_is_imported_for_a_checker_alone_is_known_where_it_is_loaded():
    with pytest.raises(kc.InputError, match="Allowed: an object of LabelledSequences"):
        kc.models.label_probabilities(keras.Sequential(), None)
    # Whatever is put around a function, it is asked before it begins.
    with pytest.raises(kc.InputError, match="3"):
        kc.analysis.lesion(3, "a")


def test_figures_of_what_has_diverged_are_told(tmp_path):
    figures = {"a": {"loss": float("nan"), "score": np.float32("-inf"), "right": 1}}
    kc.jobs.record_metrics(tmp_path, figures)
    assert kc.jobs.read_metrics(tmp_path)["a"]["loss"] is None
    assert kc.jobs.metrics_table(figures, "all").split()[-3:] == ["nan", "-inf", "1.000"]
    assert kc.jobs.ranked(["b"], [-np.inf], of="words").record["words"] == ["b"]
    with pytest.raises(kc.InputError, match="infinite ones and NaN too"):
        kc.jobs.ranked(["b"], ["-inf"], of="words")
