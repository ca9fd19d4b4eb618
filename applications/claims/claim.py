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

Rows are measured again when what measures them, or the criterion, was changed. What is said of
them (docstrings, `judge`, `draw`, `FURTHER`) may be mended later: then the same rows are judged and
drawn again, and the record says so.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pandas as pd

import keras_classics as kc
from claims.pictures import write_picture

HOLDS, FAILS, UNDECIDED = "holds", "fails here", "undecided"
RESULTS = Path(__file__).parent / "results"
# What a result's record holds; those after the run are empty until then.
RECORD = {"name": str, "title": str, "part": str, "criterion": str, "code": str, "quick": bool,
    "seeds": int, "verdict": str, "reason": str, "minutes": float, "processor_minutes": float,
    "rows": str, "started": str, "earlier": list}  # fmt: skip
EARLIER = {"code": str, "verdict": str, "started": str, "quick": bool}
# What of a claim's file does not say how its rows come to be.
SAID_LATER = ("FURTHER", "MINUTES", "judge", "draw")


class Verdict(NamedTuple):
    """How a claim ended: one of three words, and why."""

    word: str
    reason: str


def by_seed(held: Sequence[bool | Mapping[str, bool]], reason: str) -> Verdict:
    """It holds if it does with every seed, fails if with none, and is undecided otherwise.

    Of a seed it is told whether the criterion held, or which of its parts did, by names; then the
    reason says with which seeds which of them failed.
    """
    parts = [each if isinstance(each, Mapping) else {"": each} for each in held]
    whole = [all(each.values()) for each in parts]
    word = HOLDS if all(whole) else UNDECIDED if any(whole) else FAILS
    failed: dict[str, list[int]] = {}
    for seed, each in enumerate(parts):
        for name in each:
            if name and not each[name]:
                failed.setdefault(name, []).append(seed)
    told = "; ".join(f"{name} ({_seeds(seeds, len(held))})" for name, seeds in failed.items())
    told = f" What failed: {told}." if told else ""
    return Verdict(word, f"{reason} With {sum(whole)} of {len(held)} seeds it held.{told}")


def _seeds(seeds: Sequence[int], count: int) -> str:
    if len(seeds) == count:
        return "every seed" if count > 1 else "its only seed"
    return f"seed{'s' * (len(seeds) > 1)} {' and '.join(map(str, seeds))}"


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
    """What tells one way of measuring from another.

    Layout, comments, docstrings and `MINUTES` are left out of it, and what is said of the rows
    later.
    """
    tree = ast.parse(kc.jobs.read_text(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    tree.body = [each for each in tree.body if _name(each) not in SAID_LATER]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:12]


def _name(node: ast.stmt) -> str:
    """What a statement defines; nothing where that is no single name."""
    if isinstance(node, ast.FunctionDef):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""


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
    if not path.exists():
        return None
    found = kc.jobs.read_record(path, RECORD)
    words = (HOLDS, FAILS, UNDECIDED)
    remedy = "Delete it and run the claim again, or choose another folder."
    if found["verdict"] not in (*words, ""):
        raise kc.InputError(
            f"{path} has the verdict {found['verdict']!r}", f"one of {', '.join(words)}", remedy
        )
    for each in found["earlier"]:
        kind = all(isinstance(each, dict) and isinstance(each.get(key), kind)
                   for key, kind in EARLIER.items())  # fmt: skip
        if not kind:
            raise kc.InputError(f"{path} has an earlier run that tells nothing",
                f"earlier runs with {', '.join(EARLIER)}", remedy)  # fmt: skip
    return found


def rows_of(name: str, folder: Path) -> pd.DataFrame:
    """The rows measured so far."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return pd.DataFrame({"seed": []}, dtype=int)
    return kc.jobs.read_table(path, "the rows of a claim", "Run it --again.")


def mark_of(name: str, folder: Path) -> str:
    """What tells rows as they were measured from others; nothing where there are none."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return ""
    return hashlib.sha256(kc.jobs.read_text(path).encode()).hexdigest()[:12]


def run(
    claim: Claim, folder: Path, *, quick: bool, again: bool, tell: Callable[[str], None]
) -> dict:
    """Measure what is not measured yet, judge, draw and record.

    The criterion is in the record before anything is measured, and each seed's rows are kept as
    soon as they are there, so that a killed run goes on with the next seed. Whoever changes how a
    claim is measured measures anew, and the verdict there was stays in the record; so it does where
    the same rows are judged in other words. Judged rows that are gone, or not those that were
    measured, are measured anew as well. A quick run never takes the place of a whole one.
    """
    import keras

    module, found, table = claim.module, record_of(claim.name, folder), folder / f"{claim.name}.csv"
    if found and quick and not found["quick"]:
        raise kc.InputError(
            f"{folder} has a whole run of {claim.name}", "quick runs in folders of their own",
            "Name another folder by --out, or leave --out away.",
        )  # fmt: skip
    seeds = 1 if quick else getattr(module, "SEEDS", 3)
    same = found is not None and (found["code"], found["quick"]) == (claim.code, quick)
    if same and found["verdict"]:
        same = found["rows"] == mark_of(claim.name, folder)
    if not same or again:
        table.unlink(missing_ok=True)
        earlier = found["earlier"] + [in_short(found)] * bool(found["verdict"]) if found else []
        found = None
    record = found or {
        "name": claim.name, "title": claim.title, "part": module.PART,
        "criterion": module.CRITERION, "code": claim.code, "quick": quick, "seeds": seeds,
        "verdict": "", "reason": "", "minutes": 0.0, "processor_minutes": 0.0, "rows": "",
        "earlier": earlier, **kc.jobs.describe_run({"quick": quick}),
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
    write_picture(module.draw, rows, folder / f"{claim.name}.png")
    known = (record["verdict"], record["reason"]) == (word, reason)
    if record["verdict"] and not known:
        record["earlier"] = [*record["earlier"], in_short(record)]
    record |= {"title": claim.title, "verdict": word, "reason": reason,
               "rows": mark_of(claim.name, folder)}  # fmt: skip
    kc.jobs.write_json(folder / f"{claim.name}.json", record)
    since = f", measured {record['started']}" if found and found["verdict"] else ""
    tell(f"{claim.name}: {told(record)}{since}. {reason}")
    return record


def in_short(record: dict) -> dict:
    """What is kept of a verdict when there is another."""
    return {key: record[key] for key in (*EARLIER, "reason")}


def doubts(claim: Claim, found: dict, folder: Path) -> list[str]:
    """What a record says and neither the claim's file nor the rows beside it do, in sentences."""
    told = []
    if found["code"] != claim.code:
        told.append("How it is measured was changed since, and it was not run again.")
    if found["criterion"] != claim.module.CRITERION:
        told.append(f"Its file has another criterion: {claim.module.CRITERION}")
    if found["rows"] != mark_of(claim.name, folder):
        told.append("Its rows are not those that were measured.")
    if told:
        return told
    word, reason = claim.module.judge(rows_of(claim.name, folder))
    if word != found["verdict"]:
        told.append(f"Judged again, its rows say: {word}.")
    if reason != found["reason"]:
        told.append(f"Judged again, its rows give another reason: {reason}")
    return told


def processor_time() -> float:
    """Seconds of the processor, those of processes that it waited for among them."""
    return sum(os.times()[:4])


def told(record: dict) -> str:
    """The verdict in a word, and that of a quick run as what it is."""
    word = record["verdict"]
    return f"{word}, in a quick run, which proves nothing" if word and record["quick"] else word
