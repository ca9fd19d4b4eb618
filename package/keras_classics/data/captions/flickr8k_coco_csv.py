"""The forms in which captions are written down: token files, tables, COCO's JSON, split lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from keras_classics.core.errors import InputError, explain
from keras_classics.core.text_files import read_json, read_lines, read_table
from keras_classics.core.tokenization import tokenize

IMAGE_COLUMNS = ("image", "image_name", "image_path", "filename", "file_name", "file")
CAPTION_COLUMNS = ("caption", "captions", "comment", "sentence", "text")

# As a word of its own: "latest" is no test and "values" are no validation.
_SPLIT_WORD = re.compile(
    r"(?<![a-z])(?:(?P<train>train|training)|(?P<validation>val|valid|validation|dev)|"
    r"(?P<test>test))(?=images|set|list|split|[^a-z]|$)"
)


@dataclass
class Annotations:
    """The captions and split lists that a folder's text files hold.

    Attributes:
        strict: Whether a fault is refused rather than noted.
        captions: Captions by image name, in the order of the files.
        lists: Image names by split, for the splits that have a list.
        list_files: The file that each list comes from.
        faults: What was left out, one message each.
        origin: What a file says of its origin.
    """

    strict: bool = False
    captions: dict[str, list[str]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    list_files: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    origin: str = ""

    def fault(self, message: str) -> None:
        """Note something that is left out because it is faulty.

        Raises:
            InputError: Always under `strict`.
        """
        if self.strict:
            raise InputError(message)
        self.faults.append(message)

    def add_list(self, split: str, file: Path, names: Iterable[str]) -> None:
        """Take a split's list of image names; names without captions are faults.

        Raises:
            InputError: The split already has a list.
        """
        if split in self.lists:
            raise InputError(
                explain(
                    f"Both {self.list_files[split]} and {file.name} list the {split} split",
                    "one list for each split",
                    "Remove or rename one of them.",
                )
            )
        self.list_files[split] = file.name
        self.lists[split] = []
        for name in dict.fromkeys(names):
            if name in self.captions:
                self.lists[split].append(name)
            else:
                self.fault(
                    explain(
                        f"{file.name} lists {name!r}, which has no caption",
                        "images with captions",
                        "Correct the name or add captions.",
                    )
                )

    def drop_empty_captions(self) -> None:
        """Leave out captions without words, and images that have no other."""
        for name, captions in list(self.captions.items()):
            kept = [caption for caption in captions if tokenize(caption)]
            if len(kept) < max(1, len(captions)):
                self.fault(
                    explain(
                        f"The image {name!r} has {len(captions) - len(kept)} empty captions "
                        f"and {len(kept)} others",
                        "captions with words",
                        "Write or remove the empty ones.",
                    )
                )
            if kept:
                self.captions[name] = kept
            else:
                del self.captions[name]


def read_annotations(path: str | Path, *, strict: bool = False) -> Annotations:
    """Read all captions and split lists of a folder.

    Args:
        path: The folder, or one captions file in it.
        strict: Refuse faults instead of noting them.

    Raises:
        InputError: There is no captions file, or more than one, or one is malformed.
    """
    annotations = Annotations(strict)
    folder, files = _find_captions(Path(path).expanduser())
    for file in files:
        if file.suffix.lower() == ".json":
            _read_coco(file, annotations)
        elif ".token" in file.name:
            _read_tokens(file, annotations)
        else:
            _read_table(file, annotations)
    for file in _near(folder, ".txt"):
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
            explain(
                f"{path} does not exist",
                "a folder with images and captions",
                "Check the path.",
            )
        )
    tokens = [
        file
        for file in _near(path, ".txt", ".token")
        if ".token" in file.name and ".lemma" not in file.name
    ]
    tables = [
        file
        for file in _near(path, ".csv", ".tsv", ".txt")
        if file.suffix != ".txt" or file.name == "captions.txt"
    ]
    coco = [file for file in _near(path, ".json") if "captions" in file.name.lower()]
    choices = [[file] for file in tokens + tables] + ([coco] if coco else [])
    if len(choices) != 1:
        names = ", ".join(str(file.relative_to(path)) for files in choices for file in files)
        raise InputError(
            explain(
                f"{path} has {f'several captions files: {names}' if names else 'no captions file'}",
                "one *.token.txt, one *.csv, *.tsv or captions.txt, or *captions*.json",
                f"Name the file to read: captions:{path}/FILE.",
            )
        )
    return path, choices[0]


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
                explain(
                    f"{file}, line {number} has no tab",
                    "lines of name.jpg#0<TAB>caption",
                    "Put a tab between the image's name and the caption.",
                )
            )
        name = re.sub(r"#\d+$", "", name.strip())
        annotations.captions.setdefault(name, []).append(caption.strip())


def _read_table(file: Path, annotations: Annotations) -> None:
    table = read_table(
        file,
        "a header, then rows with as many fields as the header",
        "Put captions that contain the separator into double quotes.",
        dtype=str,
        keep_default_na=False,
        skipinitialspace=True,
    )
    table.columns = [str(column).strip() for column in table.columns]
    images = table[_column(file, list(table.columns), IMAGE_COLUMNS)]
    captions = table[_column(file, list(table.columns), CAPTION_COLUMNS)]
    for name, caption in zip(images, captions, strict=True):
        annotations.captions.setdefault(name.strip(), []).append(caption.strip())


def _column(file: Path, columns: list[str], wanted: tuple[str, ...]) -> str:
    for column in columns:
        if column.lower() in wanted:
            return column
    raise InputError(
        explain(
            f"{file} has the columns {', '.join(columns)}",
            f"a column named {', '.join(IMAGE_COLUMNS)}, and one named "
            f"{', '.join(CAPTION_COLUMNS)}",
            f"Rename one to {wanted[0]!r}.",
        )
    )


def _read_coco(file: Path, annotations: Annotations) -> None:
    remedy = "Give a captions_*.json of COCO, or a CSV table."
    content = read_json(file, "COCO's caption JSON", remedy)
    try:
        names = {image["id"]: image["file_name"] for image in content["images"]}
        # Of some pictures COCO's helpers write that nobody said anything.
        pairs = [(each["image_id"], each["caption"] or "") for each in content["annotations"]]
        strange = [text for text in (*names.values(), *dict(pairs).values())
                   if not isinstance(text, str)]  # fmt: skip
        if strange:
            raise TypeError(f"{strange[0]!r} is no text")
    except (KeyError, TypeError) as error:
        raise InputError(
            explain(
                f"{file} is not in COCO's form ({type(error).__name__}: {error})",
                '"images" with id and file_name, "annotations" with image_id and caption',
                remedy,
            )
        ) from error
    for name in names.values():
        annotations.captions.setdefault(name, [])
    for image_id, caption in pairs:
        if image_id in names:
            annotations.captions[names[image_id]].append(caption.strip())
        else:
            annotations.fault(
                explain(
                    f"{file.name} has a caption of the image {image_id}, which it does not name",
                    'ids that "images" has',
                    "Add the image or remove the caption.",
                )
            )
    split = _split_in_name(file)
    if split:
        annotations.add_list(split, file, names.values())
    described = content.get("info")
    if isinstance(described, dict) and described.get("description"):
        annotations.origin = f"{described['description']}, {described.get('url', '')}".rstrip(", ")
