"""The embedded world `digit_lines`: lines of scanned digits, to be read without knowing places."""

from __future__ import annotations

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.data.load import Asked, Data, world_sizes
from keras_classics.data.pictures.formats.arrays import load_digits
from keras_classics.data.splits import Made, Picture, Pictures

HEIGHT = 12
_MOST = 1_000_000


@checked
def load_digit_lines(
    asked: Asked,
    *,
    train: int = 4000,
    validation: int = 300,
    test: int = 500,
    digits: tuple[int, int] = (3, 8),
    gap: tuple[int, int] = (-1, 4),
) -> Data:
    """Put scikit-learn's digits side by side: white on black, each a little higher or lower.

    Of a line's picture, uint8 `(12, width, 3)`, the digits are the `text`. A scanned digit occurs
    in one split only.

    Args:
        asked: The seed of the splits and the lines.
        train: Number of training lines.
        validation: Number of validation lines.
        test: Number of test lines.
        digits: Fewest and most digits of a line.
        gap: Fewest and most columns between digits; digits overlap where it is negative.

    Raises:
        InputError: A number is out of range.
        ImportError: scikit-learn is not installed.
    """
    sizes = world_sizes(_MOST, "lines", train=train, validation=validation, test=test)
    if not (1 <= digits[0] <= digits[1] <= 100 and -4 <= gap[0] <= gap[1] <= 100):
        raise InputError(
            f"digits={digits} and gap={gap} were given",
            "1 to 100 digits, and gaps of -4 to 100 columns, the lesser number first",
            "Leave them out for digits=(3,8) and gap=(-1,4).",
        )
    scanned = load_digits(Asked(spec="digits", seed=asked.seed))
    return asked.data(
        {
            split: _lines(getattr(scanned, split), size, [asked.seed, number], digits, gap)
            for number, (split, size) in enumerate(sizes.items())
        },
        f"scanned digits: {scanned.info.split_rule}",
        classes=scanned.info.classes,
        origin=scanned.info.origin,
        made_with=scanned.info.made_with,
    )


def draw_line(
    pictures: np.ndarray, rng: np.random.Generator, gap: tuple[int, int] = (-1, 4)
) -> np.ndarray:
    """Put pictures of digits beside each other.

    Args:
        pictures: uint8 `(digits, height, width)`, no higher than 12.
        rng: Draws gaps and heights.
        gap: Fewest and most columns between them, and before and after.

    Returns:
        uint8 `(12, width, 3)`.
    """
    count, height, width = pictures.shape
    gaps = rng.integers(gap[0], gap[1] + 1, count + 1)
    gaps[[0, -1]] = np.maximum(gaps[[0, -1]], 0)
    line = np.zeros((HEIGHT, gaps.sum() + count * width), "uint8")
    column = 0
    for picture, before in zip(pictures, gaps, strict=False):
        column, row = column + before, rng.integers(HEIGHT - height + 1)
        place = line[row : row + height, column : column + width]
        np.maximum(place, picture, out=place)
        column += width
    return np.repeat(line[..., None], 3, axis=-1)


def _lines(
    scanned: Pictures, size: int, seed: list[int], digits: tuple[int, int], gap: tuple[int, int]
) -> Made[int, Picture]:
    pictures, labels = np.asarray(scanned.images)[..., 0], np.asarray(scanned.labels)

    def line(number: int) -> Picture:
        rng = np.random.default_rng([*seed, number])
        chosen = rng.integers(len(labels), size=rng.integers(digits[0], digits[1] + 1))
        return Picture(
            image=draw_line(pictures[chosen], rng, gap),
            text="".join(map(str, labels[chosen])),
            name=f"line-{number:06d}",
        )

    return Made(range(size), line)
