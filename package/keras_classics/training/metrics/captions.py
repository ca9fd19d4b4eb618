"""How well captions agree with reference captions: BLEU, ROUGE-L, CIDEr-D and METEOR.

The numbers are those of the COCO evaluation code, whose pure-Python scorers (pycocoevalcap) do
the counting. Both sides are tokenised by `core.tokenization`; COCO's own server uses the Penn
Treebank tokeniser, which needs Java, so its figures on captions with punctuation inside words can
differ slightly.

* BLEU (Papineni et al. 2002), of the corpus, with the closest reference's length.
* ROUGE-L (Lin 2004), the mean over images, beta 1.2.
* CIDEr-D (Vedantam et al. 2015): how rare a word sequence is, it learns from the references given,
  so scores of different test sets do not compare, and a single image always scores 0.
* METEOR 1.5 (Denkowski and Lavie 2014), only by its own Java program; nothing imitates it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Literal

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, import_extra
from keras_classics.core.tokenization import tokenize
from keras_classics.training.metrics.references import check_references

Scores = dict[str, tuple[float, list[float]]]


@checked
def caption_metrics(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    meteor: bool | Literal["auto"] = "auto",
) -> dict[str, float]:
    """Score a corpus of captions.

    Args:
        hypotheses: One caption for each image.
        references: One or more true captions for each image.
        meteor: Whether to compute METEOR; `"auto"` does where Java is on the path. It takes
            about ten seconds and two gigabytes.

    Returns:
        `"BLEU-1"` to `"BLEU-4"`, `"ROUGE-L"`, `"CIDEr-D"`, and `"METEOR"` where computed.

    Raises:
        InputError: Lists of different length, nothing to score, a reference without words, or
            METEOR demanded where Java is absent or fails.
        ImportError: pycocoevalcap is not installed.
    """
    scores = _score(hypotheses, references, meteor)
    return {name: corpus for name, (corpus, _) in scores.items()}


@checked
def shuffled_captions(captions: Sequence[str], *, seed: int = 0) -> list[str]:
    """Every picture's caption given to another picture: what a model says that does not look.

    Args:
        captions: One for each picture.
        seed: Chooses the order.

    Returns:
        The captions of a cyclic shift in a drawn order, so that none stays in its place.
    """
    order = np.random.default_rng(seed).permutation(len(captions))
    source = np.empty_like(order)
    source[order] = np.roll(order, 1)
    return [captions[number] for number in source]


@checked
def caption_scores(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    meteor: bool | Literal["auto"] = "auto",
) -> dict[str, list[float]]:
    """Score every caption by itself.

    The mean of these is the corpus score for ROUGE-L and CIDEr-D, but not for BLEU and METEOR.

    Args:
        hypotheses: One caption for each image.
        references: One or more true captions for each image.
        meteor: As for `caption_metrics`.

    Returns:
        One score for each image under the names of `caption_metrics`.

    Raises:
        InputError: As `caption_metrics`.
        ImportError: As `caption_metrics`.
    """
    scores = _score(hypotheses, references, meteor)
    return {name: each for name, (_, each) in scores.items()}


def _score(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    meteor: bool | Literal["auto"],
) -> Scores:
    check_references(hypotheses, references, "image")
    written = {image: [_normal(text)] for image, text in enumerate(hypotheses)}
    true = {image: [_normal(text) for text in texts] for image, texts in enumerate(references)}
    for image, texts in true.items():
        if "" in texts:
            raise InputError(
                f"Image {image} has the reference {references[image][texts.index('')]!r}",
                "references with words",
                "Leave out empty references.",
            )

    bleu = import_extra("pycocoevalcap.bleu.bleu", "captions").Bleu(4)
    rouge = import_extra("pycocoevalcap.rouge.rouge", "captions").Rouge()
    cider = import_extra("pycocoevalcap.cider.cider", "captions").Cider()
    corpus, each = bleu.compute_score(true, written, verbose=0)
    scores: Scores = {f"BLEU-{n}": (corpus[n - 1], each[n - 1]) for n in range(1, 5)}
    scores["ROUGE-L"] = rouge.compute_score(true, written)
    scores["CIDEr-D"] = cider.compute_score(true, written)
    if meteor is True or (meteor == "auto" and shutil.which("java")):
        scores["METEOR"] = _meteor(true, written)
    return {
        name: (float(corpus), [float(score) for score in each])
        for name, (corpus, each) in scores.items()
    }


def _normal(text: str) -> str:
    return " ".join(tokenize(text))


def _meteor(true: dict[int, list[str]], written: dict[int, list[str]]) -> tuple[float, list[float]]:
    program = import_extra("pycocoevalcap.meteor.meteor", "captions").Meteor
    remedy = "Install Java and put it on the path, or give meteor=False."
    if not shutil.which("java"):
        raise InputError(
            "METEOR was asked for and java is not on the path", "Java 8 or later", remedy
        )
    scorer = program()
    try:
        return scorer.compute_score(true, written)
    # The Java program tells of its failure by closing its pipe or answering nothing.
    except (OSError, ValueError) as error:
        raise InputError(
            f"METEOR's Java program failed ({error!r})", "a working Java", remedy
        ) from error
    finally:
        # Interrupted, the scorer keeps the lock that its own destructor waits for.
        if scorer.lock.locked():
            scorer.lock.release()
        scorer.meteor_p.kill()
        scorer.meteor_p.communicate()


@checked
def caption_figures(
    captions: Sequence[str], references: Sequence[Sequence[str]], *, seed: int
) -> dict[str, dict[str, float]]:
    """Figures of captions, and beside them those of the same captions under other pictures.

    Args:
        captions: One for each picture.
        references: The true captions of each.
        seed: Shuffles them.

    Returns:
        What `caption_metrics` tells of `"model"` and of `"image-blind"`.
    """
    shuffled = shuffled_captions(captions, seed=seed)
    return {
        "model": caption_metrics(captions, references),
        "image-blind": caption_metrics(shuffled, references),
    }
