"""The verb `project` of `translation.py`: what the encoder finds alike."""

from __future__ import annotations

import functools

import keras_classics as kc


def project(job, model):
    """Draw what the encoder makes of groups of sentences, in their two main directions."""
    pair, settings = job.pairs[0], job.settings
    if settings.data != "phrases" and not settings.groups:
        raise kc.InputError(
            f"project was asked for on {settings.data} without groups",
            "--groups FILE, paraphrases below each other and empty lines between groups",
            "Write such a file.",
        )
    groups = kc.data.sentence_groups(settings.groups, language=pair[0])
    limits = {"max_words": settings.max_words, "remark": job.output.remark}
    states = functools.partial(job.sharing.states, model, pair, **limits)
    found = kc.analysis.project_groups(groups, states)
    page = job.results / "projection.png"
    found.draw(page)
    job.table("projection.csv", found.columns)
    figures = {"within": found.within, "between": found.between}
    job.output.result(f"{found.told}; picture: {page}", {"sentences": len(found), **figures})
