"""The books of `compress.py`: a line for each form of a network, of which each is a file."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import in_turns
from compressors.forms import opened, zipped_bytes

if TYPE_CHECKING:
    import keras

BOOK = "ledger.csv"
TRAINED = "as trained"
COLUMNS = [
    "verb", "form", "file", "beside", "weights", "bits", "zipped", "milliseconds", "spread",
    "times_faster", "accuracy", "note",
]  # fmt: skip
# Notes are told below the table, and the files stand in the folder.
SHOWN = [name for name in COLUMNS if name not in ("verb", "file", "beside", "note")]
# A form that is a twentieth faster is not faster, on a machine that does other things too.
FASTER = 1.05
REASONS = {
    "pruned.keras": "dense kernels multiply zeros too",
    "shared.keras": "the values are unpacked before they are used",
}
# Short turns and many: between two of them other programs have had theirs.
ROUNDS, TURNS, CALLS = 3, 40, 3
# Rounds that are further apart are of a machine in use.
STEADY = 1.25


def line(
    path: Path,
    form: str,
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    file: str,
    bits: int = 32,
    beside: str = TRAINED,
    note: str = "",
) -> dict[str, Any]:
    """What is known of a form before it is timed.

    Args:
        path: Folder of the files.
        form: Its name.
        model: Whose weights are counted.
        images: Test pictures as the model takes them, of which it is asked one by one.
        labels: Their classes.
        file: Of the form, in the folder.
        bits: Of a weight.
        beside: The form whose time it is compared with: the same numbers in the same runtime.
        note: What else there is to say.
    """
    own = file.endswith(".keras")
    answer = model.predict_on_batch if own else opened(path / file)
    said = [np.asarray(answer(each[None]))[0] for each in images]
    return {
        "form": form,
        "file": file,
        "beside": beside,
        "weights": sum(left for _, left in kc.compression.nonzeros(model).values()),
        "bits": bits,
        "zipped": kc.compression.zipped_bytes(model) if own else zipped_bytes(path / file),
        "accuracy": float((np.argmax(said, axis=-1) == labels).mean()),
        "note": note,
    }


def renewed(
    path: Path, verbs: Sequence[str], verb: str, lines: Sequence[dict[str, Any]]
) -> pd.DataFrame:
    """The ledger with other lines of a verb, in the order of the verbs.

    Args:
        path: Of the ledger, which need not be there.
        verbs: In their order.
        verb: Whose lines they are.
        lines: Of its forms.

    Raises:
        InputError: The file is no ledger.
    """
    rows = pd.DataFrame([{"verb": verb, **each} for each in lines], columns=COLUMNS)
    if path.exists():
        allowed, remedy = "a ledger of this job", "Delete it, or choose another --out."
        former = kc.jobs.read_table(path, allowed, remedy, dtype={"note": object})
        if list(former) != COLUMNS or not former["verb"].isin(verbs).all():
            raise kc.InputError(f"{path} is of other columns or verbs", allowed, remedy)
        parts = [part for part in (former[former["verb"] != verb], rows) if len(part)]
        rows = pd.concat(parts) if parts else rows
    rows = rows.sort_values("verb", key=lambda names: names.map(list(verbs).index), kind="stable")
    return rows.assign(note=rows["note"].fillna("")).reset_index(drop=True)


def timed(rows: pd.DataFrame, folder: Path, picture: np.ndarray) -> pd.DataFrame:
    """The ledger with the times of all its forms, which take turns.

    `"spread"` is the slowest over the fastest of a few rounds: less than that tells nothing. Forms
    whose files are gone are left out.

    Args:
        rows: The ledger.
        folder: Of the files.
        picture: What is asked about, `(height, width, channels)`.
    """
    rows = rows[[(folder / file).exists() for file in rows["file"]]].reset_index(drop=True)
    calls = {
        form: partial(_several, opened(folder / file), picture[None])
        for form, file in zip(rows["form"], rows["file"], strict=True)
    }
    # What is there stays, and need not be looked through before each turn.
    gc.freeze()
    try:
        rounds = pd.DataFrame([in_turns(calls, TURNS) for _ in range(ROUNDS)]) * 1e3 / CALLS
    finally:
        gc.unfreeze()
    best = rounds.min()
    taken = rows["form"].map(best)
    return rows.assign(
        milliseconds=taken,
        spread=rows["form"].map(rounds.max() / best),
        times_faster=rows["beside"].map(best) / taken,
    )


def _several(answer, batch):
    for _ in range(CALLS):
        answer(batch)


def doubts(rows: pd.DataFrame) -> list[str]:
    """A sentence for each form that is smaller than the one beside it and no faster.

    Before them one about the machine, if rounds differed.
    """
    sizes = rows.set_index("form")["zipped"]
    smaller = rows["zipped"] < rows["beside"].map(sizes)
    told, spread = [], rows["spread"].max()
    if spread > STEADY:
        told.append(f"Rounds differ up to {spread:.2f} times: measure again on an idle machine.")
    for row in rows[smaller & ~(rows["times_faster"] >= FASTER)].itertuples():
        why = REASONS.get(row.file)
        told.append(f"{row.form}: smaller than {row.beside}, and no faster ({row.times_faster:.2f} "
                    f"times){f': {why}' if why else ''}")  # fmt: skip
    return told


def shown(rows: pd.DataFrame) -> str:
    """The ledger as people read it, its notes below."""
    numbers = rows[SHOWN].dropna(axis="columns", how="all")
    digits = {"milliseconds": 3, "spread": 2, "times_faster": 2, "accuracy": 3}
    notes = [f"{row.form}: {row.note}" for row in rows.itertuples() if row.note]
    return "\n".join([numbers.round(digits).to_string(index=False), *notes])


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The ledger as programs read it; what is not known is null."""
    return rows.astype(object).where(rows.notna(), None).to_dict("records")
