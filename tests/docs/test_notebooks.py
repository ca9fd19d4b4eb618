"""Every guide opens as a notebook, whose cells are what the guide tells to run."""

import importlib.util
import json
import sys

import pytest

import pages
from support import ROOT

pytest.importorskip("jupytext", reason="notebooks are made by the extra docs")


@pytest.fixture(scope="module")
def notebooks():
    spec = importlib.util.spec_from_file_location(
        "notebooks", ROOT / "package" / "site" / "notebooks.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", pages.GUIDES, ids=pages.name_of)
def test_the_cells_of_a_notebook_are_the_blocks_of_its_guide(page, notebooks):
    found = notebooks.notebook(page)
    assert found.metadata["kernelspec"]["language"] == "python"
    cells = [each.source for each in found.cells if each.cell_type == "code"]
    shell, python = (
        [block.text.rstrip("\n") for block in pages.blocks(page) if block.language == language]
        for language in ("bash", "python")
    )
    assert [cell for cell in cells if not cell.startswith("%%")] == python
    assert [cell.removeprefix("%%bash\n") for cell in cells if cell.startswith("%%")] == shell


def test_notebooks_are_written_without_outputs(notebooks, tmp_path, monkeypatch, capsys):
    page = pages.DOCS / "explain.md"
    monkeypatch.setattr(sys, "argv", ["notebooks.py", str(page), "--out", str(tmp_path)])
    assert notebooks.main() == 0
    assert capsys.readouterr().out == f"{tmp_path / 'explain.ipynb'}\n"
    cells = json.loads((tmp_path / "explain.ipynb").read_text())["cells"]
    assert any("kc.analysis.cam(" in "".join(each["source"]) for each in cells)
    assert all(not each.get("outputs") for each in cells)
