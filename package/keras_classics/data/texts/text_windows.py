"""Text cut into windows for truncated backpropagation through time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError, check_places
from keras_classics.core.window_numbers import check_windows
from keras_classics.data.batches import Axes, stream

if TYPE_CHECKING:
    from keras_classics.data.batches import Batches


@dataclass(frozen=True, eq=False)
class TextWindows:
    """Streams side by side: row `b` of batch `n + 1` continues row `b` of batch `n`.

    Attributes:
        tokens: int32 `(rows, steps, k1)`.
        targets: The tokens that follow, int32 of the same shape.
        weights: float32 of the same shape: 0 where nothing follows.
        starts: bool `(rows, steps)`: whether a document, or the row itself, begins there.
        k2: Tokens of a window, the `k1` new ones last.
    """

    tokens: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    k2: int

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self.tokens.shape[1]

    @property
    def characters(self) -> int:
        """Tokens that are predicted in an epoch."""
        return int(self.weights.sum())

    @checked
    def batch(self, step: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Inputs, targets and weights of one step of an epoch.

        Raises:
            InputError: There is no such step.
        """
        check_places("step", [step], self.steps)
        segments = self.k2 // self.tokens.shape[2]
        earlier = range(step - segments + 1, step + 1)
        # Before the first window nothing was read: its row is reset after these.
        tokens = [self.tokens[:, max(n, 0)] for n in earlier]
        starts = [self.starts[:, n] if n >= 0 else np.zeros(len(self.starts), "bool")
                  for n in earlier]  # fmt: skip
        inputs = {"tokens": np.concatenate(tokens, axis=1), "reset": np.stack(starts, axis=1)}
        return inputs, self.targets[:, step], self.weights[:, step]

    def epoch(self) -> Batches:
        """All batches once, as for validation."""
        return stream(self.batch, self._axes(), count=self.steps)

    @checked
    def batches(self, first: int = 0) -> Batches:
        """Endless batches, epoch after epoch.

        Args:
            first: Number of the first batch, counted over all epochs.
        """
        return stream(lambda n: self.batch(n % self.steps), self._axes(), first=first)

    def _axes(self) -> tuple:
        rows, _, k1 = self.tokens.shape
        inputs = {
            "tokens": Axes((rows, self.k2), "int32"),
            "reset": Axes((rows, self.k2 // k1), "bool"),
        }
        return inputs, Axes((rows, k1), "int32"), Axes((rows, k1), "float32")


@checked
def text_windows(
    documents: Sequence[np.ndarray], *, batch_size: Count, k1: int = 50, k2: int | None = None
) -> TextWindows:
    """Lay documents out in rows of windows.

    Every document begins a window, in which its row starts from zero states; all windows one after
    another are cut into `batch_size` rows of equal length. What a row or a window lacks at its end
    has weight 0.

    Args:
        documents: Token ids, int `(length,)` each; what is shorter than two is left out.
        batch_size: Number of rows.
        k1: New tokens in a window.
        k2: Tokens in a window, a multiple of `k1`, which it is by default.

    Returns:
        The windows, whose `batches` and `epoch` a `kc.training.TruncatedBPTT` takes.

    Raises:
        InputError: A number is not admitted, or there is less text than a window for each row.

    Example:
        ```python
        text = "the quick brown fox jumps over the lazy dog. " * 10
        alphabet = kc.data.Alphabet.from_texts([text])
        windows = kc.data.text_windows([alphabet.encode(text)], batch_size=4, k1=25)
        windows.tokens.shape  # (4, 5, 25): four rows, five batches
        inputs, targets, weights = windows.batch(0)
        inputs["tokens"].shape, targets.shape  # (4, 25) both
        ```
    """
    k2 = k2 or k1
    check_windows(batch_size, k1, k2)
    documents = [document for document in documents if len(document) > 1]
    counts = [-(-(len(document) - 1) // k1) for document in documents]
    total = sum(counts)
    if total < batch_size:
        raise InputError(
            f"Text of {total} windows of {k1} characters was given for {batch_size} rows",
            "at least one window for each row",
            "Give more text, a smaller --batch-size or a smaller --k1.",
        )
    steps = -(-total // batch_size)
    shape = (batch_size * steps, k1)
    tokens, targets = np.zeros((2, *shape), "int32")
    weights, starts = np.zeros(shape, "float32"), np.zeros(shape[0], "bool")
    window = 0
    for document, count in zip(documents, counts, strict=True):
        here, length = slice(window, window + count), len(document) - 1
        for values, filled in ((tokens, document[:-1]), (targets, document[1:]), (weights, 1.0)):
            values[here].reshape(-1)[:length] = filled
        starts[window] = True
        window += count
    starts[::steps] = True
    rows = (batch_size, steps)
    return TextWindows(
        tokens.reshape(*rows, k1),
        targets.reshape(*rows, k1),
        weights.reshape(*rows, k1),
        starts.reshape(rows),
        k2,
    )
