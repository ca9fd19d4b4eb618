"""Where pictures lie once they are read: in memory, or, where they are many, in a mapped file."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from typing import IO, Any, Literal, overload

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import mapped_bytes
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.progress import tracked
from keras_classics.data.splits import Pictures, Split
from keras_classics.data.texts.documents import Document

# Pictures beyond this are kept in a file instead of in memory.
MEMORY_BYTES = 2 * 2**30
_NONE = np.zeros((0, 0, 3), "uint8")

# Of what may be kept: the column of `Pictures`, and what to say where it is not there.
_FIELDS = {
    "image": (
        "names",
        "Examples that are no pictures were given",
        "pictures",
        "Use digits, scenes, npz:FILE, folder:DIR, captions:FOLDER, or a TFDS set of pictures.",
    ),
    "label": (
        "labels",
        "Pictures without classes were given",
        "data with a class for each picture",
        "Use digits, scenes, npz:FILE, folder:DIR with a subfolder for each class, or a TFDS set "
        "with labels.",
    ),
    "boxes": (
        "boxes",
        "Pictures without boxes were given",
        "data with boxes",
        "Use scenes, voc:FOLDER, coco:JSON, kitti:FOLDER, boxes:CSV, or a TFDS set with objects.",
    ),
    "class_mask": (
        "class_mask",
        "Pictures without masks were given",
        "data with a class for every pixel",
        "Use scenes, masks:FOLDER, camvid:FOLDER, cityscapes:FOLDER, or voc:, coco: and tfds: with "
        "masks=True.",
    ),
    "captions": (
        "captions",
        "Pictures without captions were given",
        "data with captions",
        "Use scenes, captions:FOLDER, or a captioned set such as tfds:coco_captions.",
    ),
    "text": (
        "text",
        "Data without a text were given",
        "text, such as source_code or text:FILE",
        "Choose other --data.",
    ),
    "texts": (
        "texts",
        "Data with no parallel text were given",
        "sentences in several languages",
        "Use phrases, parallel:FILE.en,FILE.fr, parallel:FOLDER, or a TFDS set of translations.",
    ),
}


@overload
def collect(
    split: Sequence[Any], field: Literal["text"], *, description: str = ...
) -> list[Document]: ...
@overload
def collect(
    split: Sequence[Any], field: Literal["image", "label", "captions"], *, description: str = ...
) -> Pictures: ...
@overload
def collect(
    split: Sequence[Any], field: Literal["boxes", "class_mask"], *, description: str = ...
) -> list[Any]: ...
@overload
def collect(split: Sequence[Any], field: str, *, description: str = ...) -> Any: ...
@checked
def collect(split: Sequence[Any], field: str, *, description: str = "Reading") -> Any:
    """Read a split once, with a progress bar, to have its examples at hand in any order.

    More than 2 GiB of pictures are kept in a file without a name, in the folder for temporary files
    (`TMPDIR` names another), which is gone when they are.

    Args:
        split: Examples with a `name`, the field, and, unless that is a text, an `image`.
        field: What is kept: `"label"` or `"captions"` of pictures, of any no more than `"image"`;
            `"text"`; or with `"boxes"` or `"class_mask"` all that is known of pictures that have
            them, with `"texts"` all of parallel text.
        description: Text beside the progress bar.

    Returns:
        The pictures, or documents, which those of running text are; of these there may be none.
        With `"boxes"` and `"class_mask"` the examples as they are, with `"texts"` the split.

    Raises:
        InputError: The examples have no such field, or there is no room for the file.

    Example:
        ```python
        data = kc.data.load("scenes", train=8, image_size=32)
        part = kc.data.collect(data.train, "label")
        part.images.shape, part.labels.shape  # (8, 32, 32, 3), (8,)
        ```
    """
    check_choice("field", field, tuple(_FIELDS), "Pass the one that the examples have.")
    column, *refusal = _FIELDS[field]
    whole = field in ("boxes", "class_mask")
    if field == "text" and not len(split):
        return []
    if not len(split) or getattr(split[0], field, None) is None:
        raise InputError(*refusal)
    if field not in ("text", "texts") and getattr(split[0], "image", None) is None:
        raise InputError("Examples that are no pictures were given", *refusal[1:])
    if field == "texts":
        return split
    if field == "text":
        return [
            each if isinstance(each, Document) else Document(each.name, each.text) for each in split
        ]
    if isinstance(split, Pictures) and isinstance(split.images, np.ndarray):
        images: Any = split.images
        names, kept = list(split.names), getattr(split, column)
    else:
        names, kept = [], list[Any]()
        with _Store() as store:
            for example in tracked(split, description, len(split)):
                store.add(example.image)
                names.append(example.name)
                if field != "image":
                    kept.append(replace(example, image=_NONE) if whole
                                else getattr(example, field))  # fmt: skip
            images = store.images()
    if whole:
        return [replace(each, image=image) for each, image in zip(kept, images, strict=True)]
    if field == "image":
        return Pictures(images, names)
    found: Any = np.asarray(kept, "int32") if field == "label" else list(kept)
    return Pictures(images, names, **{column: found})


class Ragged(Split[np.ndarray]):
    """Arrays of different shapes, end to end in one.

    Args:
        flat: Their values, `(values,)`.
        shapes: Of each.
    """

    def __init__(self, flat: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> None:
        self._flat = flat
        self._shapes = shapes
        self._ends = np.cumsum([0, *(math.prod(shape) for shape in shapes)])

    def __len__(self) -> int:
        return len(self._shapes)

    def _one(self, n: int) -> np.ndarray:
        n = range(len(self))[n]
        return self._flat[self._ends[n] : self._ends[n + 1]].reshape(self._shapes[n])


class _Store:
    """Takes pictures one after the other, and none twice."""

    def __init__(self) -> None:
        self._shapes: list[tuple[int, ...]] = []
        self._memory = bytearray()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> _Store:
        return self

    def __exit__(self, *error: object) -> None:
        # What is mapped stays.
        if self._file is not None:
            self._file.close()

    def add(self, image: np.ndarray) -> None:
        self._shapes.append(image.shape)
        content = np.ascontiguousarray(image).data.cast("B")
        if self._file is None and len(self._memory) + len(content) <= MEMORY_BYTES:
            self._memory += content
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()
                self._file.write(self._memory)
                self._memory = bytearray()
            self._file.write(content)
        except OSError as error:
            raise InputError(
                f"{len(self._shapes)} pictures and more found no room in "
                f"{tempfile.gettempdir()} ({error.strerror})",
                "a disk that holds all pictures of a split, unpacked",
                "Set TMPDIR to a folder with more room, or load smaller pictures with image_size.",
            ) from error

    def images(self) -> np.ndarray | Ragged:
        """All of them: one array where they are of one size."""
        flat = (
            np.frombuffer(self._memory, "uint8") if self._file is None else mapped_bytes(self._file)
        )
        if len(set(self._shapes)) == 1:
            return flat.reshape(len(self._shapes), *self._shapes[0])
        return Ragged(flat, self._shapes)
