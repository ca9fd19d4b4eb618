"""How well numbers foretell a target, and how well others would."""

from __future__ import annotations

import numpy as np

from keras_classics.core.errors import import_extra


def correlations(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Correlation of each column with a target.

    Args:
        values: `(n, columns)`.
        target: `(n,)`; bool gives the point-biserial correlation, numbers Spearman's.

    Returns:
        float64 `(columns,)`; 0 where nothing varies.
    """
    return _standard(_ranked(values, target)).T @ _standard(_ranked(target, target)) / len(target)


def shifted_maxima(
    values: np.ndarray, target: np.ndarray, shifts: int, seed: int
) -> tuple[float, np.ndarray]:
    """The greatest absolute correlation of a column, with the target and with shifts of it.

    A shift moves every row in a circle by an amount of its own: what neighbours have in common is
    kept, what column and target have in common is lost.

    Args:
        values: `(rows, time, columns)`.
        target: `(rows, time)`.
        shifts: How many.
        seed: Chooses their amounts.

    Returns:
        That of the target, and those of the shifted targets `(shifts,)`.
    """
    rows, time = target.shape
    standard = _standard(_ranked(values.reshape(rows * time, -1), target))
    ranked = _standard(_ranked(target.reshape(-1), target)).reshape(rows, time)
    amounts = np.random.default_rng(seed).integers(1, time, (shifts, rows, 1))
    moved = np.stack([ranked] + [
        np.take_along_axis(ranked, (np.arange(time) + amount) % time, axis=1) for amount in amounts
    ]).reshape(shifts + 1, -1)  # fmt: skip
    maxima = np.abs(moved @ standard).max(axis=1) / (rows * time)
    return float(maxima[0]), maxima[1:]


def threshold_scores(
    chosen: np.ndarray, chosen_target: np.ndarray, values: np.ndarray, target: np.ndarray
) -> tuple[float, float]:
    """ROC AUC and balanced accuracy of one column that is greater where a target holds.

    Args:
        chosen: `(n,)`, on which the threshold is chosen.
        chosen_target: bool `(n,)`.
        values: `(m,)`, which are scored.
        target: bool `(m,)`.
    """
    metrics = import_extra("sklearn.metrics", "digits")
    false, true, thresholds = metrics.roc_curve(chosen_target, chosen)
    threshold = thresholds[np.argmax(true - false)]
    return (
        float(metrics.roc_auc_score(target, values)),
        float(metrics.balanced_accuracy_score(target, values >= threshold)),
    )


def ridge_prediction(chosen: np.ndarray, target: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What a ridge regression of a target on all columns says of other rows."""
    ridge = import_extra("sklearn.linear_model", "digits").Ridge(alpha=1.0)
    return ridge.fit(chosen, target.astype("float32")).predict(values)


def bigram_prediction(chosen: np.ndarray, target: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """The target's mean after the same two tokens, wherever it was seen; else its mean.

    Args:
        chosen: Tokens `(rows, time)`, from which the means are.
        target: `(rows, time)`.
        tokens: Other tokens `(others, time)`.

    Returns:
        `(others, time)`.
    """
    size = int(max(chosen.max(), tokens.max())) + 1

    def pairs(ids: np.ndarray) -> np.ndarray:
        return np.concatenate([ids[:, :1], ids[:, :-1]], axis=1) * size + ids

    seen = np.bincount(pairs(chosen).ravel(), minlength=size**2)
    sums = np.bincount(pairs(chosen).ravel(), target.ravel(), minlength=size**2)
    means = np.where(seen > 0, sums / np.maximum(seen, 1), target.mean())
    return means[pairs(tokens)]


def _ranked(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    if target.dtype == bool:
        return values
    return import_extra("scipy.stats", "digits").rankdata(values, axis=0)


def _standard(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=0, dtype="float64")
    spread = centred.std(axis=0)
    return centred / np.where(spread > 0, spread, 1.0)
