"""The check of a device, at tiny size on the processor."""

import re

import pytest

from support import load_application


@pytest.mark.slow
def test_every_network_is_checked_in_both_precisions(capsys):
    application = load_application("device_check")
    assert application.main(["--size", "tiny"]) == 0
    told = capsys.readouterr().out
    names = re.findall(r"^(\w+) +(float32|mixed_bfloat16) +[\d.]+ steps/s", told, re.MULTILINE)
    networks = ["CNN", "LSTM", "captioner", "translator"]
    assert names == [(name, each) for each in application.PRECISIONS for name in networks]
    assert "matrix products at" in told and "MiB" in told


def test_what_fails_is_told_in_a_sentence(monkeypatch, capsys):
    application = load_application("device_check")

    def build():
        raise application.kc.InputError("a sentence")

    monkeypatch.setattr(application, "networks", lambda size: {"CNN": build})
    assert application.main(["--size", "tiny"]) == 1
    assert "a sentence" in capsys.readouterr().err
