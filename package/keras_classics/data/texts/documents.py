"""Running text, as language models read it: documents in splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import read_text
from keras_classics.core.errors import InputError
from keras_classics.data.load import Asked, Data


@dataclass(frozen=True, eq=False)
class Document:
    """A text that stands for itself: nothing before it says anything about it.

    Attributes:
        name: Where it comes from.
        text: The text.
        token_classes: For source code, of each character the number of its class in
            the data's `info.classes`, uint8 `(characters,)`; None for other text.
    """

    name: str
    text: str
    token_classes: np.ndarray | None = None


@checked
def load_text(
    asked: Asked, *, validation: float = 0.05, test: float = 0.05, pieces: int = 1
) -> Data:
    """Read one text file in UTF-8, perhaps gzipped.

    Args:
        asked: The file.
        validation: Share of the validation split.
        test: Share of the test split, which stands last; 0 for none.
        pieces: Number of equal pieces, each a document, whose ends are held out; 1 holds out the
            end of the file. char-rnn's split is `pieces` equal to its batch size, 50, and
            `test=0`.

    Raises:
        InputError: The file cannot be read, is too short, or a share is out of range.
    """
    path = asked.path
    text = read_text(path)
    if not (validation > 0 and test >= 0 and validation + test < 1 and pieces >= 1):
        raise InputError(
            f"validation={validation}, test={test} and pieces={pieces} were given",
            "a validation share above 0, a test share of 0 or more, together below 1, and at "
            "least one piece",
            "Leave them out for 0.05, 0.05 and 1.",
        )
    length = len(text) // pieces
    middle, last = (int(length * share) for share in (1 - validation - test, 1 - test))
    cuts = {"train": (0, middle), "validation": (middle, last), "test": (last, length)}
    if min(middle, last - middle) < 2:
        raise InputError(
            f"{path} has {len(text)} characters",
            "enough for two characters in every split of every piece",
            "Give a longer text, larger shares or fewer pieces.",
        )
    splits = {
        split: [
            Document(f"{path.name}:{piece * length + start}", text[piece * length :][start:end])
            for piece in range(pieces)
            if end - start > 1
        ]
        for split, (start, end) in cuts.items()
    }
    return asked.data(
        splits, f"The last {validation:g} and {test:g} of each of {pieces} equal pieces."
    )
