"""Lines and pictures as they come in real life, for tests that ask about all of them."""

import random
from pathlib import Path

import numpy as np
from PIL import Image

# Asked in between, so that an answer in a wrong place is seen.
KNOWN = "3 kilometers"

LINES = (
    b"",
    b"   ",
    b"\t",
    b"\t3 kilometers\t",
    b"3\xc2\xa0kilometers",
    b"3 kilometers\r",
    b"twenty\x00one",
    b"\x00",
    b"an \xe9",
    b"\xff\xfe3\x00",
    b"\xed\xa0\x80 surrogate",
    "\ufeff3 kilometers".encode(),
    "👩‍👩‍👧‍👦 ❤️ 🇫🇷 1️⃣".encode(),
    "שלום עולם 12".encode(),
    "٣ كيلومترات \u202e desrever".encode(),
    "二十一公里 を 歩く".encode(),
    "e\u0301te\u0301 vs été".encode(),
    "a\u2028b\u2029c\x85d".encode(),
    b"form\x0cfeed and \x0b and \x1b[31mred\x1b[0m",
    b"[/red] [bold]no markup[/bold] $x^2$ \\n %s {0}",
    b"<unk> <start> <end> <pad> [UNK]",
    b"--strict",
    b"-1",
    b"1e400 nan inf -0",
    b"one " * 3000,
    b"x" * 20000,
    "é".encode() * 5000,
    b"'\"`;|&$(rm)<>",
)


def lines(count: int, seed: int = 0) -> list[bytes]:
    """Odd lines, every tenth the known one; further ones are mixtures of others."""
    draw, found = random.Random(seed), []
    for place in range(count):
        if place % 10 == 9:
            found.append(KNOWN.encode())
        elif place < len(LINES) * 10 // 9:
            found.append(LINES[place - place // 10])
        else:
            found.append(b" ".join(draw.sample(LINES, draw.randint(1, 3)))[: draw.randint(0, 400)])
    return found


def pictures(folder: Path) -> dict[Path, bool]:
    """Files by whether they are pictures that a program can open."""
    draw = np.random.default_rng(0)
    colours = draw.integers(0, 256, (48, 40, 3)).astype("uint8")
    rgb, made = Image.fromarray(colours), {}

    def save(name: str, image: Image.Image, **options) -> Path:
        made[folder / name] = True
        image.save(folder / name, **options)
        return folder / name

    whole = save("whole.png", rgb)
    for suffix in ("jpg", "gif", "bmp", "webp", "tiff", "ppm"):
        save(f"whole.{suffix}", rgb)
    for mode in ("L", "1", "P", "RGBA", "LA"):
        save(f"{mode}.png", rgb.convert(mode))
    save("cmyk.jpg", rgb.convert("CMYK"))
    save("wide.png", Image.fromarray(draw.integers(0, 65536, (9, 11)).astype("uint16")))
    save("one.png", rgb.crop((0, 0, 1, 1)))
    save("row.png", rgb.resize((3000, 1)))
    save("column.png", rgb.resize((1, 3000)))
    palette = rgb.convert("P")
    save("palette_alpha.png", palette, transparency=3)
    save("animated.gif", rgb, save_all=True, append_images=[rgb.rotate(90), rgb.rotate(180)])
    exif = Image.Exif()
    for turn in range(2, 9):
        exif[0x0112] = turn
        save(f"turned_{turn}.jpg", rgb, exif=exif)
    for name in (
        "with space.png", "[red].png", "$dollar$.png", "日本語 👩‍👧.png", "UPPER.PNG", ".hidden.png",
        "two\nlines.png",
    ):  # fmt: skip
        save(name, rgb)
    (folder / "no_suffix").write_bytes(whole.read_bytes())
    (folder / "jpg_called.png").write_bytes((folder / "whole.jpg").read_bytes())
    made |= {folder / "no_suffix": True, folder / "jpg_called.png": True}

    data = whole.read_bytes()
    broken = {
        "text.png": b"not a picture at all",
        "empty.png": b"",
        "zeros.jpg": bytes(1000),
        "cut_in_header.png": data[:20],
        "cut_in_data.png": data[: len(data) // 2],
        "cut.jpg": (folder / "whole.jpg").read_bytes()[:300],
        "page.jpg": b"<html><body>404</body></html>",
        "swapped.png": data[::-1],
        "huge_claim.png": data[:16] + b"\x7f\xff\xff\xff\x7f\xff\xff\xff" + data[24:],
    }
    for name, content in broken.items():
        (folder / name).write_bytes(content)
    # Where black and white are, nobody knows.
    Image.fromarray(colours[..., 0].astype("float32")).save(folder / "float.tif")
    made[folder / "float.tif"] = False
    (folder / "folder.png").mkdir()
    (folder / "loop.png").symlink_to(folder / "loop.png")
    for name in (*broken, "folder.png", "loop.png", "missing.png", "folder.png/inside.png"):
        made[folder / name] = False
    made[Path("")] = False
    made[folder / "nul\x00.png"] = False
    return made
