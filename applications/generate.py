"""Pictures made, styled and enlarged: a DCGAN, a VAE, a style network, super-resolution.

Without a verb the whole job: a small DCGAN and a VAE learn to make digits and a style network to
style scenes, each into a folder of --out, and one page shows what they make, in some minutes. With
a --task and no verb one network does all that it can: train, evaluate, its own verbs, export.

    python applications/generate.py
    python applications/generate.py --seed 1 --out runs/again
    python applications/generate.py train --task vae --out runs/vae
    python applications/generate.py interpolate --out runs/vae
    python applications/generate.py train --task style --style-picture painting.jpg --out runs/style
    python applications/generate.py stylize --images photo.jpg --out runs/style
    python applications/generate.py stylize --images photo.jpg --network runs/style/model.keras
    python applications/generate.py enlarge --images photo.jpg --out runs/large
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras_classics as kc
from generators.enlarging import Brought, Enlarger
from generators.making import Adversarial, Variational
from generators.task import Task
from generators.transforming import Stylist

TASKS = {
    "gan": Adversarial,
    "vae": Variational,
    "style": Stylist,
    "super_resolution": Enlarger,
}
# Of the whole job: what is shown of each, and what it is.
DRAWN = {
    "samples.png": "Pictures made of random numbers",
    "walks.png": "Each row goes from one picture to another in even steps between their numbers",
}
SHOWN = {
    "vae": DRAWN,
    "gan": DRAWN,
    "style": {
        "style.png": "The style that is learned",
        "styled.png": "Test pictures, and each with this style",
        "gatys.png": "The same by the network, and by Gatys's descent on the pixels",
    },
}
TOLD = {
    "vae": "KID-own and FID-own are distances from test pictures in the features of a classifier "
    "of the training pictures, the less the better; bounds are of the log-likelihood, in nats.",
    "gan": "As above; the row untrained is of the network before its training.",
    "style": "The loss of the network beside that of Gatys's way, weighed, and its parts.",
}


class Generate(Task):
    """The job of the task that is set."""

    @classmethod
    def of(cls, settings, folder, output):
        kind = TASKS[settings.task or "gan"] if settings.network is None else Brought
        return kind(settings, folder, output)


Task.door = Generate
# What each task does besides learning; `gan` and `vae` both draw.
Task.verb_needs = {
    verb: {"task": [name for name, kind in TASKS.items() if verb in kind.own_verbs]}
    for verb in Task.verbs.keys() - kc.jobs.VERBS.keys()
}


def whole(out: Path, seed: str) -> int:
    """Train what makes digits and what styles scenes, judge them, and write one page of all."""
    for task in SHOWN:
        for verb in ("train", *TASKS[task].own_verbs, "evaluate"):
            chosen = ["--task", task, "--seed", seed] if verb == "train" else []
            if (task, verb) == ("gan", "evaluate"):
                chosen = ["--beside", str(out / "vae")]
            code = kc.jobs.run(Generate, [verb, *chosen, "--out", str(out / task)])
            if code:
                return code
    sections = [
        kc.analysis.PageSection(
            task,
            [TASKS[task].__doc__ or "", TOLD[task]],
            {what: out / task / file for file, what in files.items()},
            table=figures(out / task),
        )
        for task, files in SHOWN.items()
    ]
    kc.analysis.write_page(out / "generate.html", "Made, and styled", sections)
    print(f"page: {out / 'generate.html'}")
    return 0


def figures(folder: Path) -> list[dict]:
    """What a run's evaluation found, rows of a table."""
    found = kc.jobs.read_metrics(folder)
    columns = {name: "" for row in found.values() for name in row}
    return [{"": name, **columns, **row} for name, row in found.items()]


def main(argv: list[str] | None = None) -> int:
    """The whole job where nothing is asked for, but perhaps a folder or a seed."""
    given = list(sys.argv[1:] if argv is None else argv)
    # Both `--out FOLDER` and `--out=FOLDER`.
    words = [word for each in given for word in each.split("=", 1)]
    asked = dict(zip(words[::2], words[1::2], strict=False))
    if asked.keys() <= {"--out", "--seed"} and 2 * len(asked) == len(words):
        return whole(Path(asked.get("--out", Generate.out)), asked.get("--seed", "0"))
    return kc.jobs.run(Generate, given, about=__doc__)


if __name__ == "__main__":
    sys.exit(main())
