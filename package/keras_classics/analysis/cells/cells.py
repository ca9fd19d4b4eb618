"""Finding cells that keep track of something, and testing that they do.

After Karpathy, Johnson, Li, "Visualizing and understanding recurrent networks", ICLR 2016 workshop
(arXiv:1506.02078), but without a person looking: every cell is scored against everything that
`text_targets` knows of the text. A cell and its threshold are chosen on one half of the excerpts
and scored on the other. Beside it stand what would fool one: the same network before training, the
same target shifted in time, and what the last two characters alone say; and the proof, that
silencing the unit makes the text harder to foretell where the target holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from keras_classics.analysis.cells.cell_scores import (
    bigram_prediction,
    correlations,
    ridge_prediction,
    shifted_maxima,
    threshold_scores,
)
from keras_classics.analysis.cells.text_targets import text_targets
from keras_classics.analysis.maps.map_sanity import randomize_layers
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_axes, import_extra
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.types import Tensor
from keras_classics.models.recurrent.language_model import split_language_model

if TYPE_CHECKING:
    from keras_classics.data.texts.alphabet import Alphabet
    from keras_classics.data.texts.documents import Document

# Characters that are read before those that are scored, so that the states know where they are.
WARM_UP = 100
# A target that is nearly everywhere the same says nothing.
_FEWEST = 30
# The most probable next characters that are kept.
_BEST = 5


@dataclass(frozen=True, eq=False)
class Excerpts:
    """Pieces of text of one length, what is true of them, and what a network made of them.

    Attributes:
        tokens: int `(rows, time)`.
        targets: Each `(rows, time)`, bool or float32.
        activations: float32 `(rows, time, cells)`: `tanh(c)` of an LSTM, else the output.
        medians: Of all states, `(width,)`.
        nats: `(rows, warm-up and time - 1)`: minus the log-probability of the next character.
        best: int `(rows, time, 5)`: the most probable next characters, best first.
        probabilities: Of these, `(rows, time, 5)`.
    """

    tokens: np.ndarray
    targets: dict[str, np.ndarray]
    activations: np.ndarray
    medians: np.ndarray
    nats: np.ndarray
    best: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True, kw_only=True)
class CellFinding:
    """The cell that follows a target best, and what speaks for and against it.

    Correlations are point-biserial for what holds or does not, and Spearman's for counters. All
    figures but `p_value` are of excerpts that had no part in choosing the cell.

    Attributes:
        target: Name of the target.
        kind: `"binary"` or `"counter"`.
        layer: Layer of the cell, counted from 1.
        cell: Number of the cell in its layer, counted from 0.
        correlation: Of cell and target.
        roc_auc: Area under the ROC curve of the cell, its sign turned so that more means more; None
            for counters.
        balanced_accuracy: With the best single threshold of the other half; None for counters.
        probe: Correlation of the target with a ridge regression on all cells: what the network
            knows in all.
        bigram: Correlation with the target's mean after the same two characters.
        untrained: Correlation of the best cell of the same network before training.
        shifted: Mean, over shifts in time, of the best cell's correlation with the shifted target.
        p_value: Share of shifts whose best cell correlates as well as the best with the truth, on
            all excerpts: corrected for having chosen among all cells.
        rise_on: Nats that the next character costs more where the target holds (a counter: is above
            its median) when the unit is held at its median.
        rise_off: The same elsewhere.
    """

    target: str
    kind: str
    layer: int
    cell: int
    correlation: float
    roc_auc: float | None
    balanced_accuracy: float | None
    probe: float
    bigram: float
    untrained: float
    shifted: float
    p_value: float
    rise_on: float
    rise_off: float

    @property
    def follows(self) -> bool:
        """Whether the cell does better than chance, training's absence and the last characters."""
        rivals = (self.bigram, self.untrained)
        return self.p_value <= 0.05 and abs(self.correlation) > max(map(abs, rivals))

    @property
    def title(self) -> str:
        """The target, the cell, and whether it follows."""
        told = f"{self.target}, {self.layer}:{self.cell}"
        return f"{told}, follows" if self.follows else told

    @property
    def figures(self) -> dict[str, float]:
        """What a table of findings shows, by name."""
        return {
            "r": self.correlation,
            **({} if self.roc_auc is None else {"AUC": self.roc_auc}),
            "bigram": self.bigram,
            "untrained": self.untrained,
            "p": self.p_value,
            "nats on": self.rise_on,
            "nats off": self.rise_off,
        }


class CellReader:
    """Reads text with a language model and keeps what its cells do.

    Args:
        model: From `kc.models.language_model`.

    Attributes:
        cells: Layer, counted from 1, and number of every cell, in the order of the activations.
    """

    @checked
    def __init__(self, model: keras.Model) -> None:
        decoder = split_language_model(model)
        ends = np.cumsum(decoder.state_widths)
        # Places of each state in a row of all; a layer's last state is an LSTM's cell, another's
        # output.
        self._places = [
            (level, number, np.arange(end - width, end))
            for (level, number), width, end in zip(
                decoder.state_names, decoder.state_widths, ends, strict=True
            )
        ]
        last = {level: (number, places) for level, number, places in self._places}
        self._width = int(ends[-1])
        self._kept = np.concatenate([places for _, places in last.values()])
        self._squashed = np.repeat(
            [number > 0 for number, _ in last.values()], [len(own) for _, own in last.values()]
        )
        self.cells = [(level, cell) for level, (_, own) in last.items() for cell in range(len(own))]

        # Made once: reading again with other held values compiles nothing.
        def record(tokens: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
            states = decoder.first_states(tokens.shape[0])
            return decoder.record(tokens, states, held)

        self._record = compiled_over(model, record)

    @checked
    def read(
        self, tokens: np.ndarray, held: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read from zero states.

        Args:
            tokens: int32 `(rows, time)`.
            held: float32, see `LanguageDecoder.record`.

        Returns:
            Log-probabilities `(rows, time, vocabulary)` and all states `(rows, time, width)`.
        """
        check_axes("tokens", tokens, "(rows, time)")
        if tokens.dtype.kind not in "iu":
            raise InputError(
                f"Tokens of type {tokens.dtype} were given",
                "ids, which are whole numbers",
                "Give those of alphabet.encode(text).",
            )
        if held is None:
            held = np.full(self._width, np.nan, "float32")
        found = self._record(ops.convert_to_tensor(tokens), ops.convert_to_tensor(held))
        logits, states = (ops.convert_to_numpy(ops.cast(each, "float32")) for each in found)
        return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True), states

    @checked
    def excerpts(self, tokens: np.ndarray, targets: dict[str, np.ndarray]) -> Excerpts:
        """Read, and keep what is scored: everything after the warm-up.

        Args:
            tokens: int32 `(rows, time)`, time above `WARM_UP`.
            targets: What cells may follow, `(rows, time)` each, by name.

        Returns:
            The excerpts, the warm-up cut off.
        """
        log_probabilities, states = self.read(tokens)
        scored, states = log_probabilities[:, WARM_UP:], states[:, WARM_UP:]
        activations = states[..., self._kept]
        activations[..., self._squashed] = np.tanh(activations[..., self._squashed])
        best = np.argsort(-scored, axis=-1, kind="stable")[..., :_BEST]
        return Excerpts(
            tokens=tokens[:, WARM_UP:],
            targets={name: values[:, WARM_UP:] for name, values in targets.items()},
            activations=activations,
            medians=np.median(states.reshape(-1, self._width), axis=0),
            nats=_nats(log_probabilities, tokens),
            best=best,
            probabilities=np.exp(np.take_along_axis(scored, best, axis=-1)),
        )

    @checked
    def rise(self, tokens: np.ndarray, excerpts: Excerpts, layer: int, cell: int) -> np.ndarray:
        """What a text costs more where a unit is held at its medians.

        Args:
            tokens: The tokens that the excerpts are of, int32 `(rows, time)`.
            excerpts: Of these tokens, from `excerpts`.
            layer: The unit's layer, from 1 on.
            cell: Its number in the layer, from 0 on; all of its states are held.

        Returns:
            Nats `(rows, time - 1)`, of every token after the first.
        """
        held = np.full(self._width, np.nan, "float32")
        for level, _, places in self._places:
            if level == layer:
                held[places[cell]] = excerpts.medians[places[cell]]
        return _nats(self.read(tokens, held)[0], tokens) - excerpts.nats


@checked
def find_cells(
    model: keras.Model,
    documents: Sequence[Document],
    alphabet: Alphabet,
    *,
    characters: int = 20_000,
    length: int = 1000,
    shifts: int = 99,
    seed: int = 0,
    class_names: tuple[str, ...] = (),
) -> tuple[list[CellFinding], Excerpts]:
    """Find for each thing worth knowing of a text the cell that follows it best.

    Args:
        model: A trained `kc.models.language_model`.
        documents: Text that it was not trained on.
        alphabet: Of the model.
        characters: Length of all excerpts together, about.
        length: Characters of an excerpt, of which the first 100 are only read.
        shifts: Number of shifted targets.
        seed: Chooses the shifts, and the weights of the untrained network.
        class_names: Names of the documents' token classes.

    Returns:
        A finding for each target that varies in the excerpts, the best first, and the excerpts.

    Raises:
        InputError: There is too little text.
        ImportError: scikit-learn is not installed.
    """
    import_extra("sklearn", "digits")
    tokens, targets = cut_excerpts(documents, alphabet, characters, length, class_names)
    reader = CellReader(model)
    trained = reader.excerpts(tokens, targets)
    untrained = CellReader(randomize_layers(model, seed=seed)).excerpts(tokens, targets)
    findings = [
        _finding(name, reader, tokens, trained, untrained, shifts, seed)
        for name, target in trained.targets.items()
        if all(np.sum(half != np.median(half)) >= _FEWEST for half in _halves(target))
    ]
    return sorted(findings, key=lambda finding: -abs(finding.correlation)), trained


def cut_excerpts(
    documents: Sequence[Document],
    alphabet: Alphabet,
    characters: int,
    length: int,
    class_names: tuple[str, ...] = (),
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Cut excerpts of one length, evenly over all documents, with what is true of them.

    Returns:
        Tokens int32 `(rows, length)`, and targets, each of the same shape.

    Raises:
        InputError: There is too little text, or an excerpt is no longer than the warm-up.
    """
    places = [
        (number, start)
        for number, document in enumerate(documents)
        for start in range(0, len(document.text) - length + 1, max(length, 1))
    ]
    if length <= WARM_UP + 1 or len(places) < 2:
        raise InputError(
            f"{sum(len(document.text) for document in documents)} characters were given for "
            f"excerpts of {length}",
            f"text for two excerpts or more, each of more than {WARM_UP + 1} characters",
            "Give more text, or shorter excerpts.",
        )
    count = min(len(places), max(2, round(characters / length)))
    chosen = [places[n] for n in np.linspace(0, len(places) - 1, count).round().astype(int)]
    # Targets are of whole documents, whose beginning they need.
    known = {
        number: text_targets(documents[number].text, documents[number].token_classes, class_names)
        for number in {number for number, _ in chosen}
    }
    names = next(iter(known.values()))
    texts = (documents[number].text[start : start + length] for number, start in chosen)
    return np.stack([alphabet.encode(text) for text in texts]), {
        name: np.stack([known[number][name][start : start + length] for number, start in chosen])
        for name in names
    }


def _finding(
    name: str,
    reader: CellReader,
    tokens: np.ndarray,
    trained: Excerpts,
    untrained: Excerpts,
    shifts: int,
    seed: int,
) -> CellFinding:
    target = trained.targets[name]
    binary = target.dtype == bool
    choosing, scoring = _halves(target)
    flat_choosing, flat_scoring = choosing.ravel(), scoring.ravel()

    def best(excerpts: Excerpts) -> tuple[int, float]:
        cells, others = map(_flat, _halves(excerpts.activations))
        number = int(np.argmax(np.abs(correlations(cells, flat_choosing))))
        return number, float(correlations(others[:, number, None], flat_scoring)[0])

    def agreement(prediction: np.ndarray) -> float:
        return float(correlations(prediction.reshape(-1, 1), flat_scoring)[0])

    number, correlation = best(trained)
    layer, cell = reader.cells[number]
    cells, others = map(_flat, _halves(trained.activations))
    auc = accuracy = None
    if binary:
        sign = np.sign(correlations(cells[:, number, None], flat_choosing)[0])
        auc, accuracy = threshold_scores(
            sign * cells[:, number], flat_choosing, sign * others[:, number], flat_scoring
        )
    maximum, moved = shifted_maxima(trained.activations, target, shifts, seed)
    # What is true after a character bears on the next one, whose nats stand at the same place.
    rise = _halves(reader.rise(tokens, trained, layer, cell)[:, WARM_UP:])[1]
    holds = (scoring if binary else scoring > np.median(scoring))[:, :-1]
    before, after = _halves(trained.tokens)
    return CellFinding(
        target=name,
        kind="binary" if binary else "counter",
        layer=layer,
        cell=cell,
        correlation=correlation,
        roc_auc=auc,
        balanced_accuracy=accuracy,
        probe=agreement(ridge_prediction(cells, flat_choosing, others)),
        bigram=agreement(bigram_prediction(before, choosing, after)),
        untrained=best(untrained)[1],
        shifted=float(moved.mean()),
        p_value=(1 + int(np.sum(moved >= maximum))) / (1 + shifts),
        rise_on=float(rise[holds].mean()),
        rise_off=float(rise[~holds].mean()),
    )


def _halves(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every other excerpt, so that both halves are of all documents."""
    return rows[::2], rows[1::2]


def _flat(activations: np.ndarray) -> np.ndarray:
    return activations.reshape(-1, activations.shape[-1])


def _nats(log_probabilities: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    following = np.take_along_axis(log_probabilities[:, :-1], tokens[:, 1:, None], axis=-1)
    return -following[..., 0]
