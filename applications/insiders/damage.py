"""What little changes do: to pictures, to weights, and to the blocks of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import keras_classics as kc
from insiders.subject import BOUNDS, Finding, Subject, shown_as

# Epsilons of the curves, in parts of the one asked for.
SIZES = (0.25, 0.5, 1.0, 2.0)
ATTACKS = ("fgsm", "pgd")
REACH = 1.0


def fool(subject: Subject) -> Finding:
    """Pictures that are called otherwise after a change that is hardly seen."""
    size, seed = subject.settings.epsilon, subject.settings.seed
    curves = kc.analysis.fooling.robustness(
        subject.model, (subject.images, subject.labels), ATTACKS, bounds=BOUNDS,
        epsilon=[share * size for share in SIZES], seed=seed,
    )  # fmt: skip
    curves.draw(subject.file("robustness.png"))
    chosen = np.flatnonzero(subject.right)
    own, labels = subject.images[chosen], subject.labels[chosen]
    found = kc.analysis.fooling.pgd(
        subject.model, own, labels, epsilon=size, bounds=BOUNDS, seed=seed
    )
    answers = subject.probabilities_of(found)
    named, sure = answers.argmax(axis=1), answers.max(axis=1)
    change = float(np.abs(found - own).max())
    fooled = named != labels
    noise = curves.success["linf noise"].loc[size]
    as_sure = f", which it then is {sure[fooled].mean():.0%} sure of" if fooled.any() else ""
    sentence = (
        f"Of {len(chosen)} pictures {subject.truth} {fooled.sum()} are called otherwise after a "
        f"change of at most {change:.4g} of 255 ({fooled.mean():.0%}){as_sure}; noise of that "
        f"size changes {noise:.0%} of the answers."
    )
    drawn = {}
    if fooled.any():
        some = np.flatnonzero(fooled)[: subject.settings.pictures]
        before = subject.probabilities[chosen[some]].max(axis=1)
        names = [[subject.name(n) for n in each[some]] for each in (labels, named)]
        tiles = beside(own[some], found[some], names, (before, sure[some]), size)
        kc.analysis.draw_tiles(subject.file("fooled.png"), *tiles, columns=6)
        drawn["Pictures, the change made larger, and what they are called with it"] = "fooled.png"
    drawn["Accuracy by the size of the change"] = "robustness.png"
    figures = {"epsilon": size, "largest change": change, "fooled": int(fooled.sum()),
               "of": len(chosen), "accuracy": curves.table.to_dict()}  # fmt: skip
    return Finding([sentence], drawn, figures)


def beside(
    own: np.ndarray,
    changed: np.ndarray,
    names: Sequence[Sequence[str]],
    sure: Sequence[np.ndarray],
    size: float,
) -> tuple[list[np.ndarray], list[str]]:
    """Pictures before and after a change, with the change made larger between: tiles and titles.

    Args:
        own: float32 `(pictures, height, width, channels)` of 0 to 255.
        changed: The same, changed.
        names: What each is called, before and after.
        sure: Probabilities of these.
        size: The largest change that was admitted.
    """
    tiles, titles = [], []
    for before, after, *called in zip(own, changed, *names, *sure, strict=True):
        first, second, surely, then = called
        larger = 127.5 * (1 + (after - before) / size)
        tiles += [shown_as(each) for each in (before, larger, after)]
        titles += [
            f"{first}\n{surely:.0%}",
            f"change\nx {127.5 / size:.0f}",
            f"{second}\n{then:.0%}",
        ]
    return tiles, titles


def landscape(subject: Subject) -> Finding:
    """How high the loss is around the weights."""
    model, seed = subject.network, subject.settings.seed
    # What prepares the pictures has no weights: outside it need not be run at every point.
    inputs = subject.prepared
    plane = [kc.analysis.random_direction(model, seed=seed + n) for n in (1, 2)]
    found = kc.analysis.loss_landscape(
        model, inputs, subject.labels, plane,
        along=np.linspace(-REACH, REACH, subject.settings.points), measure=_surprise(model),
        path=subject.file("landscape.npz"),
    )  # fmt: skip
    kc.analysis.draw_landscape(subject.file("contours.png"), found)
    kc.analysis.draw_landscape(subject.file("surface.png"), found, form="surface")
    finite = found.losses[np.isfinite(found.losses)]
    edge = np.concatenate([found.losses[[0, -1]].ravel(), found.losses[:, [0, -1]].ravel()])
    below = float((finite < found.centre).mean())
    sentence = (
        f"The loss is {found.centre:.3g} at the weights that were found, {np.median(edge):.3g} "
        f"(median) at the edge of the plane, where filters are changed by as much as they are "
        f"long, and {finite.max():.3g} at its highest; it is lower than at the weights at "
        f"{below:.1%} of {found.losses.size} points."
    )
    shown = {"Contours": "contours.png", "The same as a surface": "surface.png"}
    return Finding(
        [sentence], shown, {"centre": found.centre, "highest": finite.max(), "lower": below}
    )


def lesion(subject: Subject, others: Sequence[Subject] = ()) -> Finding:
    """What is left of the accuracy without each of the blocks.

    Args:
        subject: The network.
        others: Networks beside it.
    """
    without, whole, sentences = {}, {}, []
    for each in (subject, *others):
        network = each.network
        name = network.name if network.name not in without else f"{network.name} ({len(without)})"
        whole[name] = each.accuracy()
        blocks = kc.analysis.find_blocks(network)
        without[name] = left = {}
        for block in blocks:
            with kc.analysis.lesion(network, block.name):
                left[block.name] = each.accuracy()
        worst, best = min(left, key=left.get), max(left, key=left.get)
        projecting = [block.name for block in blocks if block.projects]
        sentences.append(
            f"{name} has an accuracy of {whole[name]:.1%} with all of its {len(blocks)} "
            f"{blocks[0].kind} blocks; without one of them {np.mean([*left.values()]):.1%} on "
            f"average, {left[best]:.1%} without {best} and {left[worst]:.1%} without {worst}"
            + (", whose shortcut projects." if worst in projecting else ".")
        )
    kc.analysis.draw_lesions(subject.file("lesions.png"), without, whole=whole)
    caption = "Accuracy without each block (dashed: with all)"
    return Finding(sentences, {caption: "lesions.png"}, {"whole": whole, "without": without})


def _surprise(model: Any) -> Callable[[Any, Any], Any]:
    """The cross-entropy of true classes, whether the network gives probabilities or logits."""
    from keras import ops

    end = kc.analysis.model_ends(model)[0]

    def measure(labels: Any, outputs: Any) -> Any:
        own = ops.take_along_axis(end.probabilities(outputs), labels[:, None], axis=1)[:, 0]
        return -ops.log(ops.maximum(own, 1e-7))

    return measure
