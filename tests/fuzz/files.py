"""Sound files of every door that reads one, and ways in which files go wrong on their way."""

from __future__ import annotations

import functools
import gzip
import io
import json
import random
import struct
import tempfile
from pathlib import Path

from PIL import Image

import keras_classics as kc
from fuzz.things import a_picture, a_wave, classifier, conllu_text, lines, small_state
from support import ROOT
from test_hostile_files import DOORS, lenet

COCO = {
    "images": [{"id": n, "file_name": f"{n}.png"} for n in range(3)],
    "annotations": [{"image_id": n, "caption": f"a dog {n}"} for n in range(3)],
}
BOX = {"image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4]}
INSTANCES = {
    "images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cat"}],
    "annotations": [BOX],
}  # fmt: skip
CORNERS = "<xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>4</ymax>"
TEXTS = {
    "a.txt": "a\tb\nc\td\n\ne\tf\nüñ\tçø\n" * 30, "train.en": lines(), "a.pos": lines(),
    "a.conllu": conllu_text(), "a.csv": "a,b\n1,2\n3,x\n", "history.csv": "epoch,loss\n1,0.5\n2,0.4\n",
    "captions.csv": "image,caption\n1.png,a dog\n", "a.token.txt": "1.png#0\ta dog\n2.png#0\ta cat\n",
    "captions.json": json.dumps(COCO), "run.json": '{"format": 1, "settings": {"task": "tag"}}',
    "codec.json": '{"unit": "word", "items": ["a", "b"]}', "classes.json": '["a", "b"]',
    "metrics.json": '{"test": {"loss": 0.5}}', "examples.json": '{"texts": ["a"], "references": [["b"]]}',
    "instances.json": json.dumps(INSTANCES), "boxes.csv": "image,ymin,xmin,ymax,xmax,label\na.png,1,1,4,4,cat\n",
    "a.xml": f"<annotation><object><name>cat</name><bndbox>{CORNERS}</bndbox></object></annotation>",
    "a.json": '{"unit": "token", "words": ["a", "b"], "characters": "ab"}',
}  # fmt: skip


def _safetensors():
    arrays = {name: array.astype("<f4") for name, array in small_state().items()}
    header, place = {}, 0
    for name, array in arrays.items():
        offsets = [place, place + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        place += array.nbytes
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(a.tobytes() for a in arrays.values())


def _weights():
    with tempfile.TemporaryDirectory() as folder:
        lenet().save_weights(f"{folder}/a.weights.h5")
        return Path(folder, "a.weights.h5").read_bytes()


def _pth():
    try:
        import torch
    except ImportError:
        return b"PK"
    file = io.BytesIO()
    torch.save({name: torch.tensor(array) for name, array in small_state().items()}, file)
    return file.getvalue()


def _moving_picture():
    """A GIF: readers of videos go by what a file holds, not by its name."""
    file = io.BytesIO()
    first, *others = (Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 80, 160))
    first.save(file, format="GIF", save_all=True, append_images=others)
    return file.getvalue()


@functools.cache
def sound(name: str) -> bytes:
    """A file that the door understands, or one that is at least of its kind."""
    file = DOORS[name].file
    if file in TEXTS:
        return TEXTS[file].encode()
    if file == "saved_model.pb":
        return (ROOT / "saved_models" / "translation-phrases" / file).read_bytes()
    if file.endswith(".gz"):
        return gzip.compress(conllu_text().encode())
    if file.endswith(".h5"):
        return _weights()
    if file.endswith(".pth"):
        return _pth()
    if file.endswith(".safetensors"):
        return _safetensors()
    with tempfile.TemporaryDirectory() as folder:
        if file.endswith((".png", ".wav")):
            make = a_picture if file.endswith(".png") else a_wave
            return Path(make(f"{folder}/{file}")).read_bytes()
        if file.endswith(".mp4"):
            return _moving_picture()
        if file in ("config.json", "facts.json"):
            kc.save_preset(classifier(), f"{folder}/preset")
            return Path(folder, "preset", file).read_bytes()
        return DOORS[name].kind(Path(folder, "harm"))["sound"]


def _swapped(draw, content):
    content = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        a, b = draw.randrange(len(content)), draw.randrange(len(content))
        content[a], content[b] = content[b], content[a]
    return bytes(content)


def _flipped(draw, content):
    content = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return bytes(content)


def _inserted(draw, content):
    place = draw.randrange(len(content))
    extra = draw.choice([b"\0", b"\n", b'"', b",", b"\t", b"[", b"\xff", b"nan", b"1e999", b"-"])
    return content[:place] + extra * draw.choice([1, 1, 3, 1000]) + content[place:]


def _text(draw, content):
    return content.decode("utf-8", "replace")


WRONG = {
    "as it is": lambda draw, content: content,
    "truncated": lambda draw, content: content[: draw.randrange(len(content))],
    "beheaded": lambda draw, content: content[draw.randrange(len(content)) :],
    "swapped": _swapped,
    "flipped": _flipped,
    "inserted": _inserted,
    "a part lost": lambda draw, content: (
        content[: len(content) // 3] + content[len(content) // 2 :]
    ),
    "a part twice": lambda draw, content: content[: len(content) // 2] + content,
    "zeros": lambda draw, content: content[: len(content) // 2] + bytes(len(content) // 2),
    "noise": lambda draw, content: draw.randbytes(draw.randrange(1, 2000)),
    "BOM": lambda draw, content: b"\xef\xbb\xbf" + content,
    "CRLF": lambda draw, content: content.replace(b"\n", b"\r\n"),
    "CR": lambda draw, content: content.replace(b"\n", b"\r"),
    "UTF-16": lambda draw, content: _text(draw, content).encode("utf-16"),
    "Latin-1": lambda draw, content: _text(draw, content).encode("latin-1", "replace"),
    "empty": lambda draw, content: b"",
    "one line": lambda draw, content: content.replace(b"\n", b" "),
    "one huge line": lambda draw, content: content + b"x" * 2**21,
    "white space": lambda draw, content: b" \t\n\xc2\xa0\n" * 20,
    "nested": lambda draw, content: b"[" * draw.choice([10, 5000]) + content,
    "nested objects": lambda draw, content: b'{"a":' * draw.choice([10, 5000]) + content,
    "packed": lambda draw, content: gzip.compress(content),
}  # fmt: skip


def read_mutated(name: str, wrong: str, seed: int) -> object:
    """Opens a door to a file that has gone wrong.

    Args:
        name: The door, of `test_hostile_files.DOORS`.
        wrong: In what way, of `WRONG`.
        seed: Chooses places.
    """
    draw, content = random.Random(seed), sound(name)
    if content or wrong == "noise":
        content = WRONG[wrong](draw, content)
    folder = Path("deep", "deeper", "deepest")
    folder.mkdir(parents=True)
    (folder / DOORS[name].file).write_bytes(content)
    return DOORS[name].read(folder / DOORS[name].file)


def draw_file(draw: random.Random) -> str:
    """The call of a case that reads a file."""
    name, wrong = draw.choice(sorted(DOORS)), draw.choice(sorted(WRONG))
    return f"read_mutated({name!r}, {wrong!r}, seed={draw.randrange(10**6)})"
