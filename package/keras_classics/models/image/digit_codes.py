"""Class codes of LeNet-5's output layer: the ten digits as 7 x 12 bitmaps.

Similar characters have similar codes, which is why the paper draws them instead of using one-hot
codes. The paper's bitmaps exist only as a picture; these are our own drawing on the same grid.
"""

from __future__ import annotations

_BITMAPS = """
.#####. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
##...## ..###.. ##...## ##...## ...###. ##..... .##.... ##...## ##...## ##...##
##...## .####.. .....## .....## ...###. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## ..#.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. .....## .....## ..#.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. ....##. ..####. .#..##. ######. ######. ...##.. .#####. .######
##...## ...##.. ...##.. .....## .#..##. .....## ##...## ...##.. ##...## .....##
##...## ...##.. ..##... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... ##...## ....##. ##...## ##...## ..##... ##...## ....##.
.#####. .###### ####### .#####. ....##. .#####. .#####. ..##... .#####. .####..
"""


def digit_codes() -> list[list[float]]:
    """Ten rows of 84 numbers, +1 where the digit is inked and -1 elsewhere."""
    rows = [line.split() for line in _BITMAPS.split("\n") if line]
    return [
        [1.0 if pixel == "#" else -1.0 for row in rows for pixel in row[digit]]
        for digit in range(10)
    ]
