"""What theory says of networks of such a depth, and where this one stands among others."""

from __future__ import annotations

import numpy as np

import keras_classics as kc
from insiders.subject import Finding, Subject


def isometry(subject: Subject) -> Finding:
    """Whether gradients come through: singular values of Jacobians."""
    depths = subject.settings.depths
    found = kc.analysis.isometry_by_depth(depths, seed=subject.settings.seed)
    kc.analysis.draw_isometry(subject.file("isometry.png"), found)
    deepest = {each.start: each.spectrum for each in found if each.depth == max(depths)}
    told = ", ".join(
        f"{np.quantile(each.values, 0.25):.2g} to {np.quantile(each.values, 0.75):.2g} from "
        f"{start.replace('_', '-')}"
        for start, each in deepest.items()
    )
    own = kc.analysis.jacobian_spectrum(subject.network, subject.prepared[:1])
    sentences = [
        f"In plain networks of {max(depths)} layers half of the singular values are {told}: the "
        "nearer to 1, the better gradients come through.",
        f"Those of the network itself at one picture are {own.values[0]:.3g} at most and "
        f"{np.median(own.values):.2g} in the middle of the {len(own.values)} "
        f"{'that there are' if own.exact else 'largest'}.",
    ]
    figures = {"largest": own.values[0], "root mean square": own.mean_square**0.5}
    return Finding(sentences, {"By depth and start, untrained": "isometry.png"}, figures)


def overview(subject: Subject) -> Finding:
    """What the networks of the catalogue reach and cost, and what this one costs."""
    rows = kc.analysis.overview()
    kc.analysis.draw_overview(subject.file("overview.png"), rows)
    own = kc.analysis.multiply_adds(subject.network)
    weights = kc.analysis.trainable_parameters(subject.network)
    costs = np.array([row.multiply_adds or np.inf for row in rows])
    cheaper = int((costs < own).sum())
    best, least = rows[0], min(rows, key=lambda row: row.multiply_adds or np.inf)
    right = f", and is right at {subject.right.mean():.1%} of {len(subject.images)} pictures"
    sentences = [
        f"{subject.network.name} takes {own / 1e6:.3g} million multiply-adds and {weights:,} "
        f"parameters{right if subject.known else ''}; {cheaper} of the {len(rows)} networks with a "
        "published accuracy on ImageNet take fewer multiply-adds.",
        f"The most accurate of them is {best.name} ({best.accuracy:.1f} %), the cheapest "
        f"{least.name} ({least.accuracy:.1f} % for {(least.multiply_adds or 0) / 1e6:.0f} "
        "million).",
    ]
    return Finding(sentences, {"Published accuracies by cost": "overview.png"},
                   {"multiply-adds": own, "parameters": weights})  # fmt: skip
