"""One page of all verdicts: what is claimed, when it holds, what came of it, what is in doubt."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import keras_classics as kc
from claims import claim as claims

COLOURS = {claims.HOLDS: "#cdebc8", claims.FAILS: "#f6d0c8", claims.UNDECIDED: "#f3e6b3"}
DOUBTED, GREY = "in doubt", "#dddddd"
VERDICTS = (
    "Each claim says before its whole run when it holds; of a few these bounds were set anew after "
    "a quick run, and they say so. A claim holds if it held with every seed, fails here if it held "
    "with none, and is undecided otherwise. Here means small networks, little data and minutes of "
    "two processor cores, which is not where the lectures' figures come from. For this page the "
    "stored rows were judged again; what differs from the record is said."
)
# No table shows what is longer: the pixels of a picture, say.
LONGEST = 100


def write_page(results: Path, path: Path) -> None:
    """All claims on one page, whether they hold or not."""
    sections, words = [], []
    for name in claims.names():
        claim, found = claims.load(name), claims.record_of(name, results)
        if found is None or not found["verdict"]:
            continue
        doubts = claims.doubts(claim, found, results)
        words.append(DOUBTED if doubts else found["verdict"])
        sections.append(section(claim, found, doubts, results))
    if not sections:
        raise kc.InputError(
            f"{results} has no verdict in it", "a folder of results", "Run a claim into it first."
        )
    told = [*COLOURS, *[DOUBTED] * (DOUBTED in words)]
    counts = ", ".join(f"{words.count(word)} {word}" for word in told)
    about = f"{len(words)} of {len(claims.names())} claims were run: {counts}. {VERDICTS}"
    kc.analysis.write_page(path, "The courses, re-run", sections, about=about)


def section(
    claim: claims.Claim, found: dict, doubts: list[str], results: Path
) -> kc.analysis.PageSection:
    """What the page tells of a claim."""
    module, picture = claim.module, results / f"{claim.name}.png"
    told = claims.told(found)
    sentences = [*claim.about, ("Criterion", found["criterion"])]
    sentences.append((told.capitalize(), found["reason"]))
    if hasattr(module, "FURTHER"):
        sentences.append(("Further", module.FURTHER))
    sentences += [("In doubt", each) for each in doubts]
    sentences += changes(found)
    if not picture.exists():
        sentences.append("Its picture is not there.")
    sentences.append(
        (
            "To run it again",
            f"`python applications/reproduce.py run {claim.name}` ({run_of(found)})",
        )
    )
    return kc.analysis.PageSection(
        f"{claim.number}. {claim.title}",
        sentences,
        {module.draw.__doc__ or claim.title: picture} if picture.exists() else {},
        shown(claims.rows_of(claim.name, results)),
        group=module.PART,
        mark=f"{told}, {DOUBTED}" if doubts else told,
        colour=GREY if doubts else COLOURS[found["verdict"]],
        folded=True,
    )


def shown(rows: pd.DataFrame) -> list[dict]:
    """The rows of a table, without texts that nobody reads, and without rows of nothing else."""
    long = [name for name in rows if rows[name].astype(str).str.len().max() > LONGEST]
    numbers = rows.select_dtypes("number").drop(columns="seed", errors="ignore").notna().any(axis=1)
    rows = rows[numbers | rows[long].isna().all(axis=1)].drop(columns=long)
    return [
        {name: each for name, each in row.items() if pd.notna(each)}
        for row in rows.astype(object).to_dict("records")
    ]


def run_of(record: dict) -> str:
    """How long a run was, with how many seeds, and on what."""
    seeds = f"{record['seeds']} seeds" if record["seeds"] > 1 else "one seed"
    versions = record.get("versions") or {}
    used = [f"{name} {versions[name]}" for name in ("keras", record.get("backend"))
            if name in versions]  # fmt: skip
    return ", ".join([took(record), seeds, *used, record.get("machine", ""),
                      record.get("started", "")[:10]])  # fmt: skip


def took(record: dict) -> str:
    """How long a run was."""
    if record["minutes"] < 0.1:
        return "a few seconds"
    told = f"{record['minutes']:.1f} minutes"
    spent = record["processor_minutes"]
    return f"{told}, {spent:.1f} of them of processor time" if spent >= 0.1 else told


def changes(found: dict) -> list[str]:
    """What was changed after a verdict, said openly, and what it was before."""
    told = []
    for each in found["earlier"]:
        if each["quick"]:
            continue
        if (each["started"], each["code"]) == (found["started"], found["code"]):
            told.append(
                "What is said of its rows was worded anew after the run; the rows and the verdict "
                "are the same."
                if each["verdict"] == found["verdict"]
                else f"The same rows were judged otherwise before: {each['verdict']}."
            )
            continue
        date = each["started"][:16].replace("T", ", ")
        told.append(
            f"{f'In the run of {date}' if date else 'In a run whose date was not kept'}"
            f"{', before its file was changed' * (each['code'] != found['code'])}, the verdict "
            f"was: {each['verdict']}."
        )
    return list(dict.fromkeys(told))
