"""How much of its accuracy a classifier keeps under attack, beside noise of the same length."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import pandas as pd

from keras_classics.analysis.drawing.plots import new_figure, write_figure
from keras_classics.analysis.fooling.attack_request import (
    AttackRequest,
    Sizes,
    checked_sizes,
)
from keras_classics.analysis.fooling.auto_pgd import apgd
from keras_classics.analysis.fooling.carlini_wagner import carlini_wagner
from keras_classics.analysis.fooling.deepfool import deepfool
from keras_classics.analysis.fooling.fast_boundary import fab
from keras_classics.analysis.fooling.fast_gradient import fgsm
from keras_classics.analysis.fooling.iterated_gradient import bim, mi_fgsm, pgd
from keras_classics.analysis.fooling.perturbation_norms import lengths, like, steepest
from keras_classics.analysis.fooling.square import square
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole

Attack = Callable[..., np.ndarray]

# What `robustness` knows by name.
ATTACKS: dict[str, Attack] = {
    "fgsm": fgsm,
    "fgsm_l2": partial(fgsm, norm="l2"),
    "bim": bim,
    "mi_fgsm": mi_fgsm,
    "pgd": pgd,
    "pgd_l2": partial(pgd, norm="l2"),
    "apgd": apgd,
    "deepfool": deepfool,
    "carlini_wagner": carlini_wagner,
    "fab": fab,
    "square": square,
}


@dataclass(frozen=True, eq=False)
class Robustness:
    """What `robustness` found.

    Attributes:
        table: Share of the images that are read right: a row for each epsilon, a column for each
            attack, and `"linf noise"` or `"l2 noise"` for noise of the same length.
        success: Of the images that were read right as they are, the share that each attack fooled.
        clean: Share that is read right as it is.
    """

    table: pd.DataFrame
    success: pd.DataFrame
    clean: float

    def draw(self, path: str | os.PathLike) -> None:
        """Draw accuracy by epsilon, a curve for each attack and, dashed, for its noise.

        Args:
            path: File to write, `.png`, `.svg` or `.pdf`.

        Raises:
            InputError: The file has another ending, or cannot be written.
        """
        figure, axes = new_figure(7.5, 4.0)
        axis = axes[0, 0]
        sizes = [0.0, *map(float, self.table.index)]
        columns = [*map(str, self.table.columns)]
        for left, column in zip(range(len(columns))[::-1], columns, strict=True):
            style = "--" if column.endswith("noise") else "-"
            shares = [self.clean, *self.table[column]]
            # What lies on another line is narrower, so that both are seen.
            wide = {"linewidth": 1.5 + 2 * left, "markersize": 4 + 3 * left}
            axis.plot(sizes, shares, style, marker="o", label=column, alpha=0.9, **wide)
        axis.set(xlabel="epsilon", ylabel="accuracy", ylim=(-0.02, 1.02))
        figure.legend(loc="outside right upper")
        write_figure(path, figure)


@checked
def robustness(
    model: keras.Model,
    data: Any,
    attacks: Sequence[str] | Mapping[str, Attack] = ("fgsm", "pgd"),
    *,
    epsilon: Sizes,
    bounds: Pair,
    batch_size: int = 32,
    seed: int = 0,
) -> Robustness:
    """Measure the accuracy of a classifier under attacks of several sizes.

        found = kc.analysis.fooling.robustness(model, (images, labels), ["fgsm", "pgd"],
                                               epsilon=[0.02, 0.05, 0.1], bounds=(0, 1))
        print(found.table)
        found.draw("robustness.png")

    Args:
        model: The classifier, see `fgsm`.
        data: Images and labels, `(images, labels)`, or batches of such pairs. Labels are whole
            numbers `(batch,)`.
        attacks: Names of `ATTACKS`; or attacks by name: functions with the arguments of `fgsm`,
            such as `{"long pgd": functools.partial(kc.analysis.fooling.pgd, steps=200)}`. A keyword
            `norm` of such a partial function is the norm of its noise, L-infinity without one.
        epsilon: Lengths of perturbations, in the units of the images; one or several.
        bounds: See `fgsm`.
        batch_size: Greatest number of images that pass through the model together.
        seed: Chooses the noise.

    Returns:
        Tables, and what draws them. The less the attacks differ from their noise, the less they
        tell of the model.

    Raises:
        InputError: There are no data, an attack is unknown, or see `fgsm`.
    """
    chosen = _chosen(attacks)
    batch_size, seed = check_whole("batch_size", batch_size), check_whole("seed", seed, 0)
    images, labels = _whole(data)
    request = AttackRequest(model, images, labels, bounds=bounds, batch_size=batch_size)
    right = request.present == request.classes
    sizes, _ = checked_sizes(epsilon)
    accuracy: dict[str, list[float]] = {}
    success: dict[str, list[float]] = {}
    noises: dict[str, list[float]] = {}

    def keep(name: str, results: Iterable[np.ndarray]) -> list[float]:
        fooled = [request.fooled(each) for each in results]
        count = max(int(right.sum()), 1)
        success[name] = [float((each & right).sum() / count) for each in fooled]
        return [float((~each).mean()) for each in fooled]

    for name, attack in chosen.items():
        found = attack(model, images, labels, epsilon=sizes, bounds=bounds, batch_size=batch_size)
        accuracy[name] = keep(name, found)
        norm = _norm_of(name, attack)
        if norm not in noises:
            noises[norm] = keep(f"{norm} noise", (_noisy(request, x, norm, seed) for x in sizes))
    for norm, shares in noises.items():
        accuracy[f"{norm} noise"] = shares
    index = pd.Index(sizes, name="epsilon")
    columns = list(accuracy)
    return Robustness(
        pd.DataFrame(accuracy, index=index),
        pd.DataFrame(success, index=index)[columns],
        float(right.mean()),
    )


def _noisy(request: AttackRequest, size: float, norm: str, seed: int) -> np.ndarray:
    """Images with noise of exactly that length, before it is cut to the bounds."""
    drawn = np.random.default_rng(seed).standard_normal(request.images.shape)
    if norm == "linf":
        unit = np.sign(drawn)
    elif norm == "l1":
        unit = drawn / like(lengths(drawn, "l1"), drawn)
    else:
        unit = steepest(drawn, "l2")
    return request.bounded(request.images + size * unit)


def _norm_of(name: str, attack: Attack) -> str:
    set_so = getattr(attack, "keywords", {}).get("norm")
    return set_so or ("l2" if attack in (deepfool, carlini_wagner) else "linf")


def _chosen(attacks: Sequence[str] | Mapping[str, Attack]) -> Mapping[str, Attack]:
    if isinstance(attacks, Mapping):
        return attacks
    names = [attacks] if isinstance(attacks, str) else list(attacks)
    for name in names:
        check_choice("attacks", name, tuple(ATTACKS), "Take one of these, or attacks by name.")
    return {name: ATTACKS[name] for name in names}


def _whole(data: Any) -> tuple[Any, np.ndarray]:
    """Images and labels of a pair, or of batches of pairs."""
    pairs = [data] if isinstance(data, tuple) and len(data) == 2 else list(data)
    if not pairs or not all(isinstance(each, list | tuple) and len(each) >= 2 for each in pairs):
        raise InputError(
            f"Data of type {type(data).__name__} were given",
            "images and labels, (images, labels), or batches of such pairs",
            "Pass data=(images, labels).",
        )
    images = keras.tree.map_structure(
        lambda *parts: np.concatenate([np.asarray(each) for each in parts]),
        *[each[0] for each in pairs],
    )
    return images, np.concatenate([np.asarray(each[1]) for each in pairs])
