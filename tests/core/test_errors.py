"""The checks of numbers: what is a whole number, a number, a rate, and what comes back."""

import ast

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core import errors
from support import ROOT

WHOLE = [3, np.int64(3), np.uint8(3), np.array(3)]
NO_WHOLE = [3.0, np.float32(3), "3", None, True, np.True_, np.array([3]), [3], float("nan")]


@pytest.mark.parametrize("value", WHOLE)
def test_whole_numbers_come_back_as_pythons(value):
    assert type(errors.check_whole("units", value)) is int
    assert errors.check_whole("units", value, 3) == 3
    assert errors.check_pair("units", value) == (3, 3)
    assert errors.check_wholes("units", [value] * 2) == (3, 3)


@pytest.mark.parametrize("value", NO_WHOLE, ids=repr)
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(
        errors.InputError, match="units=.*was given. Allowed: a positive whole number"
    ):
        errors.check_whole("units", value)
    assert not errors.is_whole(value)


def test_bounds_and_numbers_of_numbers_are_told():
    with pytest.raises(errors.InputError, match="a whole number from 2 on. Pass units=2 or more."):
        errors.check_whole("units", 1, 2)
    with pytest.raises(errors.InputError, match="Allowed: 2 whole numbers from 1 on"):
        errors.check_wholes("sizes", (1, 2, 3), count=2)
    with pytest.raises(errors.InputError, match="Allowed: one or more whole numbers"):
        errors.check_wholes("sizes", ())
    for bad in ((1,), (1, 2, 3), (1, 0), "12", 2.5, None):
        with pytest.raises(errors.InputError, match="a positive whole number, or a pair"):
            errors.check_pair("sizes", bad)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float16(0.5), np.array(0.5)[()]])
def test_numbers_come_back_as_pythons(value):
    for check in (errors.check_positive, errors.check_rate, errors.check_probability):
        assert type(check("rate", value)) is float
        assert check("rate", value) == 0.5


@pytest.mark.parametrize(
    ("check", "allowed", "refused"),
    [
        (errors.check_positive, (1, 1e-9, np.int64(7)), (0, -1)),
        (errors.check_rate, (0, 0.999), (1, 1.5, -0.1)),
        (errors.check_probability, (0, 1), (1.1, -0.1)),
    ],
)
def test_ends_of_ranges(check, allowed, refused):
    for value in allowed:
        assert check("rate", value) == value
    for value in (*refused, float("nan"), float("inf"), "1", None, True, [0.5]):
        with pytest.raises(errors.InputError, match="rate=.* was given. Allowed: a .*number"):
            check("rate", value)


def test_a_choice_that_is_nearly_one_is_asked_about():
    with pytest.raises(kc.InputError, match=r"Did you mean 'lstm'\? Leave cell out for the def"):
        errors.check_choice("cell", "LSTM", ("gru", "lstm", None))
    with pytest.raises(kc.InputError, match=r"'lstm'\. Leave cell out"):
        errors.check_choice("cell", "zzz", ("gru", "lstm"))
    with pytest.raises(kc.InputError, match=r"'lstm'\. Leave cell out"):
        errors.check_choice("cell", 3, ("gru", "lstm"))


def test_no_argument_that_must_be_given_is_to_be_left_out():
    """The usual remedy for a choice, to leave it out, is for arguments that may be."""
    rooms = (getattr(kc, name) for name in kc.__all__)
    public = {"__init__", *(name for room in rooms for name in getattr(room, "__all__", ()))}
    checked, wrong = 0, []
    for file in (ROOT / "package" / "keras_classics").rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text())):
            if not isinstance(function, ast.FunctionDef) or function.name not in public:
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "check_choice":
                    checked += 1
                    if len(call.args) < 4 and ast.literal_eval(call.args[0]) in required(function):
                        wrong.append(f"{file.name}: {function.name}, {ast.unparse(call.args[0])}")
    assert checked > 20 and wrong == []


def required(function):
    """The arguments of a function that have no default."""
    own = function.args
    named = [each.arg for each in (*own.posonlyargs, *own.args)]
    keywords = zip(own.kwonlyargs, own.kw_defaults, strict=True)
    return {
        *named[: len(named) - len(own.defaults)],
        *(each.arg for each, default in keywords if default is None),
    }


def test_axes_and_lengths_that_do_not_fit_are_refused_and_the_remedy_is_admitted():
    with pytest.raises(
        errors.InputError, match=r"x of shape \(2, 3\) was given. Allowed: the axes \(a, b, c\)"
    ):
        errors.check_axes("x", np.zeros((2, 3)), "(a, b, c)")
    errors.check_axes("x", np.zeros((2, 3, 1)), "(a, b, c)")
    with pytest.raises(errors.InputError, match="2 inputs and 1 references were given"):
        errors.check_lengths("inputs", ["a", "b"], "references", ["c"])
    errors.check_lengths("inputs", ["a"], "references", ["c"])


@pytest.mark.parametrize("value", [np.array(["a", "b"]), keras.ops.ones(2), [1], None, {}])
def test_what_compares_element_by_element_is_no_choice(value):
    with pytest.raises(errors.InputError, match=r"x=.* was given. Allowed: 'a', 'b'"):
        errors.check_choice("x", value, ("a", "b"))


def test_a_size_beyond_all_axes_is_refused_with_the_largest():
    with pytest.raises(errors.InputError, match="Pass x=2147483647 or less"):
        errors.check_whole("x", 2**40)
    assert errors.check_whole("x", 2147483647) == 2147483647
