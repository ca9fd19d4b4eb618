"""The fuzz of the public face calls everything, and names what takes a process down."""

import pytest

import keras_classics as kc
from core.test_public_face import PUBLIC
from fuzz import cases, run


def test_every_public_callable_is_called():
    called = "\n".join([*cases.CALLS, *cases.derived(), *cases.ELSEWHERE])
    builders = {kc.core.cards.catalogue.builder(name).__name__ for name in kc.list_models()}
    for name, value in PUBLIC.items():
        own = name.rpartition(".")[2]
        assert own in called or own in builders or cases.is_record(value), name


def test_a_case_is_the_same_call_whenever_it_is_drawn():
    drawn = [cases.draw_case(3, number) for number in range(50)]
    assert drawn == [cases.draw_case(3, number) for number in range(50)]
    assert len(set(drawn)) > 40


@pytest.mark.slow
def test_what_hangs_crashes_or_grows_is_named_and_the_others_are_made(monkeypatch):
    # Far more than the largest of them takes of a slow machine.
    monkeypatch.setattr(run, "SECONDS", 6)
    calls = [
        "kc.card('vgg_d')",
        "kc.card(1 / 0)",
        "[None for _ in itertools.repeat(1) if 0]",
        "__import__('os')._exit(3)",
        "np.ones(10**8)",
        "kc.card('no such model')",
    ]
    found = [(case.call, case.kind, case.where) for case in run.made(calls)]
    assert [call for call, _, _ in found] == calls
    assert [(kind, where.rpartition(":")[2]) for _, kind, where in found] == [
        ("result", ""),
        ("fault", "<module>"),
        ("fault", "hang"),
        ("fault", "crash"),
        ("fault", "memory"),
        ("refusal", ""),
    ]


@pytest.mark.slow
def test_two_hundred_calls_end_in_a_result_or_a_refusal():
    """Drawn once and kept, so that a new function changes none of them; one of each kind mended."""
    faults = [case for case in run.made(cases.KEPT) if case.kind == "fault"]
    told = [f"{case.what}\n    python tests/fuzz/run.py --call {case.call!r}" for case in faults]
    assert len(cases.KEPT) == 200 and not faults, "\n".join(told)
