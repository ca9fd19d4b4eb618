"""The forms in which captions are written down: token files, tables, JSON, split lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_classics.core.boundary.text_files import read_json, read_lines
from keras_classics.core.errors import InputError
from keras_classics.core.tokenization import tokenize
from keras_classics.data.captions.spellings import Spellings, written
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import SPLIT_OF
from keras_classics.data.tables import column_named, text_table

# The first that a table has is taken.
IMAGE_COLUMNS = ("image", "image_name", "image_path", "filename", "file_name", "file", "image_id")
CAPTION_COLUMNS = ("caption", "captions", "comment", "sentence", "text")
# Karpathy's pictures of COCO's validation that nobody evaluates on are for training.
_RESTVAL = "restval"
_KARPATHY_SPLITS = {**SPLIT_OF, _RESTVAL: "train"}

# As a word of its own: "latest" is no test and "values" are no validation.
_SPLIT_WORD = re.compile(
    r"(?<![a-z])(?:(?P<train>train|training)|(?P<validation>val|valid|validation|dev)|"
    r"(?P<test>test))(?=images|set|list|split|[^a-z]|$)"
)


@dataclass
class Annotations:
    """The captions and split lists that a folder's text files hold.

    Attributes:
        faults: What was left out.
        captions: Captions by image name, in the order of the files.
        lists: Image names by split, for the splits that have a list.
        list_files: The file that each list comes from.
        origin: What a file says of its origin.
    """

    faults: Faults
    captions: dict[str, list[str]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    list_files: dict[str, str] = field(default_factory=dict)
    origin: str = ""

    def add(self, place: str, name: object, *captions: object) -> str | None:
        """Take an image and captions of it, of which None is empty; gives the name as it is kept.

        What is no text, or no name, is a fault.
        """
        named = written(name) if isinstance(name, str) else ""
        if not named:
            self.faults.add(
                f"{place} names no image, but {name!r}",
                "the name of an image's file",
                "Write the name, or remove the entry.",
            )
            return None
        own = self.captions.setdefault(named, [])
        for caption in captions:
            if caption is None or isinstance(caption, str):
                own.append((caption or "").strip())
            else:
                self.faults.add(
                    f"{place} has {str(caption)[:80]!r} for a caption of {named!r}",
                    "captions that are texts",
                    "Write a text, or remove the entry.",
                )
        return named

    def add_list(self, split: str, file: Path, names: Iterable[str]) -> None:
        """Take a split's list of image names; names without captions are faults.

        A name may have another case, no ending, or other folders than beside its captions.

        Raises:
            InputError: The split already has a list.
        """
        if split in self.lists:
            raise InputError(
                f"Both {self.list_files[split]} and {file.name} list the {split} split",
                "one list for each split",
                "Remove or rename one of them.",
            )
        listed: dict[str, None] = {}
        known = Spellings(self.captions)
        for name in names:
            found = known.find(name)
            if len(found) == 1:
                listed[found[0]] = None
                continue
            which = f"may be {' or '.join(map(repr, found[:3]))}" if found else "has no caption"
            self.faults.add(
                f"{file.name} lists {name!r}, which {which}",
                "names of images with captions, each of one",
                "Correct the name or add captions.",
            )
        self.lists[split], self.list_files[split] = [*listed], file.name

    def drop_empty_captions(self) -> None:
        """Leave out captions without words, and images that have no other."""
        for name, captions in list(self.captions.items()):
            kept = [caption for caption in captions if tokenize(caption)]
            if len(kept) < max(1, len(captions)):
                self.faults.add(
                    f"The image {name!r} has {len(captions) - len(kept)} empty captions and "
                    f"{len(kept)} others",
                    "captions with words",
                    "Write or remove the empty ones.",
                )
            self.captions[name] = kept
            if not kept:
                del self.captions[name]


def read_annotations(path: Path, faults: Faults) -> Annotations:
    """Read all captions and split lists of a folder.

    Args:
        path: The folder, or one captions file in it.
        faults: Where to note what is left out.

    Raises:
        InputError: There is no captions file, or more than one, or one is malformed.
    """
    annotations = Annotations(faults)
    folder, files = _find_captions(path)
    own_splits = False
    for file in files:
        if file.suffix.lower() == ".json":
            own_splits = _read_json(file, annotations)
        elif ".token" in file.name:
            _read_tokens(file, annotations)
        else:
            _read_table(file, annotations)
    for file in _near(folder, ".txt") if not own_splits else ():
        split = _split_in_name(file)
        if split and file not in files:
            lines = map(str.strip, read_lines(file))
            annotations.add_list(split, file, filter(None, lines))
    annotations.drop_empty_captions()
    return annotations


def _find_captions(path: Path) -> tuple[Path, list[Path]]:
    if path.is_file():
        return path.parent, [path]
    if not path.is_dir():
        raise InputError(
            f"{path} is neither a file nor a folder",
            "a folder with images and captions",
            "Check the path.",
        )
    single = [
        file
        for file in _near(path, ".txt", ".token", ".csv", ".tsv", ".json")
        if _has_captions(file)
    ]
    coco = [file for file in _near(path, ".json") if "captions" in file.name.lower()]
    choices = [[file] for file in single] + ([coco] if coco else [])
    if len(choices) != 1:
        names = ", ".join(str(file.relative_to(path)) for files in choices for file in files)
        raise InputError(
            f"{path} has {f'several captions files: {names}' if names else 'no captions file'}",
            "one *.token.txt, *.csv, *.tsv, captions.txt, *captions*.json or dataset*.json",
            f"Name the file to read: captions:{path}/FILE.",
        )
    return path, choices[0]


def _has_captions(file: Path) -> bool:
    """Whether it does by its name, and by itself: of COCO's files several belong together."""
    if file.suffix == ".json":
        return file.name.lower().startswith("dataset")
    if file.suffix in (".txt", ".token") and ".token" in file.name:
        return ".lemma" not in file.name
    return file.suffix in (".csv", ".tsv") or file.name == "captions.txt"


def _near(folder: Path, *suffixes: str) -> list[Path]:
    files = [*folder.glob("*"), *folder.glob("*/*")]
    return sorted(file for file in files if file.suffix in suffixes and file.is_file())


def _split_in_name(file: Path) -> str | None:
    words = {match.lastgroup for match in _SPLIT_WORD.finditer(file.name.lower())}
    return words.pop() if len(words) == 1 else None


def _read_tokens(file: Path, annotations: Annotations) -> None:
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip():
            continue
        name, tab, caption = line.partition("\t")
        if not tab:
            raise InputError(
                f"{file}, line {number} has no tab",
                "lines of name.jpg#0<TAB>caption",
                "Put a tab between the image's name and the caption.",
            )
        name = re.sub(r"#\d+$", "", name.strip())
        annotations.add(f"{file.name}, line {number},", name, caption)


def _read_table(file: Path, annotations: Annotations) -> None:
    table = text_table(
        file, "Correct that line; put captions that contain the separator into double quotes."
    )
    columns = list(table.columns)
    image, said = (
        column_named(file, columns, names, f"Rename one to {names[0]!r}.")
        for names in (IMAGE_COLUMNS, CAPTION_COLUMNS)
    )
    pairs = zip(table.iloc[:, image], table.iloc[:, said], strict=True)
    for row, (name, caption) in enumerate(pairs, start=1):
        annotations.add(f"{file.name}, row {row} below the header,", name, caption)


def _read_json(file: Path, annotations: Annotations) -> bool:
    """Read COCO's or Karpathy's JSON; say whether it tells the split of each image."""
    remedy = "Give COCO's captions_*.json, Karpathy's dataset_*.json, or a CSV table."
    content = read_json(file, "captions in JSON", remedy)
    try:
        images = [dict(each) for each in content["images"]]
        karpathy = any("sentences" in each for each in images)
        said = [] if karpathy else [dict(each) for each in content["annotations"]]
        names = {} if karpathy else {each["id"]: each["file_name"] for each in images}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{file} is neither in COCO's form nor in Karpathy's ({type(error).__name__}: {error})",
            '"images" with id and file_name and "annotations" with image_id and caption, or '
            '"images" with filename, split and sentences',
            remedy,
        ) from error
    if karpathy:
        _add_karpathy(file, images, annotations)
    else:
        _add_coco(file, names, said, annotations)
        annotations.origin = told_origin(content)
    return karpathy


def told_origin(content: Any) -> str:
    """What COCO's JSON says of where it comes from; empty where it does not."""
    info = content.get("info")
    if not isinstance(info, dict) or not info.get("description"):
        return ""
    return f"{info['description']}, {info.get('url', '')}".rstrip(", ")


def _add_coco(
    file: Path, names: dict[Any, Any], said: list[dict], annotations: Annotations
) -> None:
    known = {
        image_id: annotations.add(f'{file.name}, the image {image_id} of "images"', name)
        for image_id, name in names.items()
    }
    for number, each in enumerate(said, start=1):
        place = f'{file.name}, entry {number} of "annotations",'
        image_id = each.get("image_id")
        if not isinstance(image_id, int | str) or image_id not in known:
            annotations.faults.add(
                f"{place} has a caption of the image {image_id}, which the file does not name",
                'ids that "images" has',
                "Add the image or remove the caption.",
            )
        elif (name := known[image_id]) is not None:
            # Of some pictures COCO's helpers write null: that nobody said anything.
            annotations.add(place, name, each.get("caption"))
    if split := _split_in_name(file):
        annotations.add_list(split, file, filter(None, known.values()))


def _add_karpathy(file: Path, images: list[dict], annotations: Annotations) -> None:
    times = Counter(str(each.get("filename")) for each in images)
    splits: dict[str, list[str]] = {}
    restval = 0
    for number, each in enumerate(images, start=1):
        place, name = f'{file.name}, entry {number} of "images",', each.get("filename")
        # The folder is that of the distribution, and is needed where it alone tells images apart.
        if times[str(name)] > 1 and isinstance(each.get("filepath"), str):
            name = f"{each['filepath']}/{name}"
        own = str(each.get("split")).strip().lower()
        split = _KARPATHY_SPLITS.get(own)
        if split is None:
            annotations.faults.add(
                f"{place} is of the split {each.get('split')!r}",
                ", ".join(_KARPATHY_SPLITS),
                "Write one of them, or remove the entry.",
            )
            continue
        sentences = each.get("sentences")
        texts = map(_sentence, sentences) if isinstance(sentences, list) else [sentences]
        named = annotations.add(place, name, *texts)
        if named is not None:
            splits.setdefault(split, []).append(named)
            restval += own == _RESTVAL
    for split, listed in splits.items():
        annotations.add_list(split, file, listed)
    if restval:
        annotations.list_files["train"] += f" ({restval} images of {_RESTVAL} among them)"


def _sentence(entry: object) -> object:
    """What an entry of Karpathy's sentences says: as it was written, else its tokens."""
    if not isinstance(entry, dict):
        return entry
    tokens = entry.get("tokens")
    if entry.get("raw") is None and isinstance(tokens, list):
        return " ".join(map(str, tokens))
    return entry.get("raw")
