"""The benchmark as a user meets it."""

import importlib.metadata
import importlib.util
import sys

import numpy as np
import pandas as pd
import pytest

from support import ROOT

TINY = [
    "decode", "--batch", "2", "--beam", "2", "--length", "3", "--units", "8",
    "--vocabulary", "20", "--positions", "4", "--repeats", "1",
]  # fmt: skip


@pytest.fixture
def application():
    spec = importlib.util.spec_from_file_location("benchmark", ROOT / "applications/benchmark.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_decode_without_keras_hub(application, monkeypatch, tmp_path):
    version = importlib.metadata.version

    def without_hub(name):
        if name == "keras-hub":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_hub)
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    assert application.main([*TINY, "--out", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "decode" / "decode.csv")
    assert set(table["decoder"]) == {"GRU", "GRU, attention"}
    missing = table["search"].str.startswith("KerasHub")
    assert missing.any()
    assert (table["note"].eq("not installed (pip install keras-hub)") == missing).all()
    assert table["sentences/s"].isna().equals(missing)
    measured = table[~missing]
    np.testing.assert_allclose(
        measured["sentences/s"], 2e3 / measured["ms per batch"], rtol=0.1, atol=0.1
    )
    assert (table["machine"].str.contains("cores") & table["batch"].eq(2)).all()
    assert {"keras", "tensorflow", "numpy"} <= set(table.columns)


def test_an_unknown_verb_is_refused(application, capsys):
    with pytest.raises(SystemExit):
        application.main(["encode"])
    assert "invalid choice: 'encode'" in capsys.readouterr().err
