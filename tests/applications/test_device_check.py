"""The check of a device, at tiny size on the processor."""

import re
import subprocess
import sys

import pytest

from support import ROOT, load_application


@pytest.mark.slow
def test_every_network_is_checked_in_both_precisions(capsys):
    application = load_application("device_check")
    from benchmarks import devices

    assert application.main(["--size", "tiny"]) == 0
    told = capsys.readouterr().out
    lines = re.findall(
        r"^(\w+) +(float32|mixed_bfloat16) +[\d.]+ steps/s +([\d.]+)% of peak .*MiB of the process",
        told,
        re.MULTILINE,
    )
    networks = ["CNN", "LSTM", "captioner", "translator"]
    names = [(name, precision) for name, precision, _ in lines]
    assert names == [(name, each) for each in devices.PRECISIONS for name in networks]
    assert "matrix products at" in told
    assert all(0 <= float(share) < 100 for _, _, share in lines)


def test_what_fails_is_told_in_a_sentence(monkeypatch, capsys):
    application = load_application("device_check")
    from benchmarks import devices

    def build():
        raise application.kc.InputError("a sentence")

    monkeypatch.setattr(devices, "networks", lambda size: {"CNN": build})
    assert application.main(["--size", "tiny"]) == 1
    assert "a sentence" in capsys.readouterr().err


def test_help_and_typing_errors_need_no_engine():
    program = (
        "import sys, runpy; sys.argv = sys.argv[1:]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as end: print(end.code, *sorted({'keras', 'tensorflow'} & {*sys.modules}))"
    )
    for typed, code in (["--help"], 0), (["--size", "huge"], 2):
        command = [
            sys.executable,
            "-c",
            program,
            str(ROOT / "applications/device_check.py"),
            *typed,
        ]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert told.splitlines()[-1] == str(code)
