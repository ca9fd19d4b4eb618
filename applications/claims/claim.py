"""What a claim is, how it is measured seed by seed, and the three words it can end with.

A claim is a module `claim_NN_name.py` with

- a docstring: in its first line what is claimed, then where, and what is done here;
- `PART`, the part of the lectures; `CRITERION`, when it holds, written down before it is run;
  `MINUTES` that it takes on two cores; and, where chance does not matter, `SEEDS = 1`;
- `measure(seed, quick)`: the rows of its table for one seed, dicts of numbers and words; with
  `quick` in less than a minute, for the sake of running at all;
- `judge(rows)`: the verdict on all rows, a table with a column `seed`;
- `draw(rows, axes)`: the picture of it, in axes of Matplotlib;
- where it failed, `FURTHER`: what was then looked into.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pandas as pd

import keras_classics as kc

HOLDS, FAILS, UNDECIDED = "holds", "fails here", "undecided"
RESULTS = Path(__file__).parent / "results"
# What a result's record holds; those after the run are empty until then.
RECORD = {"name": str, "title": str, "part": str, "criterion": str, "code": str, "quick": bool,
    "seeds": int, "verdict": str, "reason": str, "minutes": float, "processor_minutes": float,
    "earlier": list}  # fmt: skip


class Verdict(NamedTuple):
    """How a claim ended: one of three words, and why."""

    word: str
    reason: str


def by_seed(held: Sequence[bool], reason: str) -> Verdict:
    """It holds if it does with every seed, fails if with none, and is undecided otherwise."""
    word = HOLDS if all(held) else UNDECIDED if any(held) else FAILS
    return Verdict(word, f"{reason} With {sum(map(bool, held))} of {len(held)} seeds it held.")


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim by its module."""

    number: int
    name: str
    module: ModuleType
    code: str

    @property
    def title(self) -> str:
        """What is claimed."""
        return self.module.__doc__.splitlines()[0].removesuffix(".")

    @property
    def about(self) -> list[str]:
        """Where it is claimed and what is done, in paragraphs."""
        parts = self.module.__doc__.split("\n\n")[1:]
        return [" ".join(each.split()) for each in parts]


def code_of(path: Path) -> str:
    """What tells one state of a claim's file from another.

    Layout and comments are left out of it, and `FURTHER`, which is written after the verdict.
    """
    tree = ast.parse(kc.jobs.read_text(path))
    tree.body = [each for each in tree.body if not ast.unparse(each).startswith("FURTHER")]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:12]


def names() -> dict[str, str]:
    """The modules of all claims by their names, in order; none is imported."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("claim_[0-9][0-9]_*.py"))
    return {stem[len("claim_00_") :]: stem for stem in found}


def load(name: str) -> Claim:
    """The claim of a name."""
    stem = names()[name]
    module = importlib.import_module(f"claims.{stem}")
    return Claim(int(stem.split("_")[1]), name, module, code_of(Path(module.__file__)))


def record_of(name: str, folder: Path) -> dict | None:
    """What is recorded of a claim; None where it was not run."""
    path = folder / f"{name}.json"
    return kc.jobs.read_record(path, RECORD) if path.exists() else None


def rows_of(name: str, folder: Path) -> pd.DataFrame:
    """The rows measured so far."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return pd.DataFrame({"seed": []}, dtype=int)
    return kc.jobs.read_table(path, "the rows of a claim", "Run it --again.")


def run(
    claim: Claim, folder: Path, *, quick: bool, again: bool, tell: Callable[[str], None]
) -> dict:
    """Measure what is not measured yet, judge, draw and record.

    The criterion is in the record before anything is measured, and each seed's rows are kept as
    soon as they are there, so that a killed run goes on with the next seed. Whoever changes the
    claim's file measures anew, and the verdict there was stays in the record.
    """
    import keras

    module, found, table = claim.module, record_of(claim.name, folder), folder / f"{claim.name}.csv"
    seeds = 1 if quick else getattr(module, "SEEDS", 3)
    same = found is not None and (found["code"], found["quick"]) == (claim.code, quick)
    if same and found["verdict"] and not again:
        tell(f"{claim.name}: {told(found)} already, since {found['started']}")
        return found
    earlier = found["earlier"] if found else []
    if found and found["verdict"]:
        earlier += [{key: found[key] for key in ("code", "verdict", "started", "quick")}]
    if not same or again:
        table.unlink(missing_ok=True)
        found = None
    record = found or {
        "name": claim.name, "title": claim.title, "part": module.PART,
        "criterion": module.CRITERION, "code": claim.code, "quick": quick, "seeds": seeds,
        "verdict": "", "reason": "", "minutes": 0.0, "processor_minutes": 0.0, "earlier": earlier,
        **kc.jobs.describe_run({"quick": quick}),
    }  # fmt: skip
    kc.jobs.write_json(folder / f"{claim.name}.json", record)
    rows = rows_of(claim.name, folder)
    for seed in sorted(set(range(seeds)) - set(rows["seed"])):
        tell(f"{claim.name}: seed {seed} of {seeds}")
        clock, processor = time.perf_counter(), processor_time()
        keras.utils.set_random_seed(seed)
        fresh = pd.DataFrame(module.measure(seed, quick))
        fresh.insert(0, "seed", seed)
        rows = pd.concat([rows, fresh], ignore_index=True)
        kc.jobs.write_table(table, rows, index=False, float_format="%.6g")
        spent = {"minutes": time.perf_counter() - clock,
                 "processor_minutes": processor_time() - processor}  # fmt: skip
        record |= {name: round(record[name] + each / 60, 2) for name, each in spent.items()}
        kc.jobs.write_json(folder / f"{claim.name}.json", record)
    # As the file has them, so that whoever judges it again says the same.
    rows = rows_of(claim.name, folder)
    word, reason = module.judge(rows)
    draw(claim, rows, folder / f"{claim.name}.png")
    record |= {"verdict": word, "reason": reason}
    kc.jobs.write_json(folder / f"{claim.name}.json", record)
    tell(f"{claim.name}: {told(record)}. {reason}")
    return record


def processor_time() -> float:
    """Seconds of the processor, those of processes that it waited for among them."""
    return sum(os.times()[:4])


def told(record: dict) -> str:
    """The verdict in a word, and that of a quick run as what it is."""
    word = record["verdict"]
    return f"{word}, in a quick run, which proves nothing" if word and record["quick"] else word


def draw(claim: Claim, rows: pd.DataFrame, path: Path) -> None:
    """The picture of a claim, at most 60 kB of it."""
    figure, ((axes,),) = kc.analysis.new_figure(7, 3.6, dots_per_inch=90)
    claim.module.draw(rows, axes)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            number(axis)
    if axes.get_legend():
        explain_above(axes)
    kc.analysis.write_figure(path, figure)


def number(axis: Any) -> None:
    """Let the numbers along a logarithmic axis be plain and few; own names of places stay."""
    axis.set_minor_formatter("")
    if hasattr(axis.get_major_locator(), "locs"):
        return
    low, high = axis.get_view_interval()
    steps = (1, 2, 5) if high < 1000 * low else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    places = [step * 10.0**power for power in powers for step in steps]
    places = [place for place in places if low <= place <= high]
    places = places[:: -(-len(places) // 10)]
    axis.set_ticks(places, [f"{place:,g}" for place in places])


def explain_above(axes: Any) -> None:
    """Move what explains lines and colours out of the picture, where it hides none of them."""
    legend, figure = axes.get_legend(), axes.get_figure()
    shown = [text.get_text() for text in legend.get_texts()]
    title = legend.get_title().get_text() or None
    found = zip(*axes.get_legend_handles_labels(), strict=True)
    handles = [handle for handle, name in found if name in shown]
    columns = max(1, 110 // (max(map(len, shown)) + 8))
    legend.remove()
    figure.legend(handles, shown, title=title, ncols=min(len(shown), columns), fontsize=9,
        loc="outside upper center", frameon=False)  # fmt: skip
