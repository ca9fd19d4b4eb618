"""One door to all data: `load("scenes")`, `load("folder:DIR")`, `load("tfds:NAME")`, ..."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole, is_whole
from keras_classics.core.names import check_known
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import SPLIT_NAMES, Row, complete_splits


@dataclass(frozen=True, kw_only=True)
class Info:
    """What is known of a data set.

    Attributes:
        name: The specification it was loaded by.
        sizes: Number of images, of sentences or of documents, by split.
        image_shape: `(height, width, 3)`, or None when pictures differ in size.
        classes: Names of the classes, if images have one, or objects in them.
        class_ids: Of each class the number that its file has for it, where that is another.
        pixel_classes: Names of the classes of pixels, where each pixel has one.
        languages: The languages of parallel text.
        skipped: One sentence for everything that was left out because it is faulty.
        remarks: What a reader did not leave out and may be a mistake; `keras-classics check-data`
            has more of them.
        split_rule: Where the splits come from.
        origin: Where the data come from and under which licence, as far as known.
        made_with: Releases by library of what makes the data, where another release may make
            others; empty where they are read from files.
    """

    name: str
    sizes: Mapping[str, int]
    image_shape: tuple[int, int, int] | None = None
    classes: tuple[str, ...] | None = None
    class_ids: tuple[int, ...] | None = None
    pixel_classes: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    skipped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    split_rule: str = ""
    origin: str = ""
    made_with: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """What tells these data from others, for the record of a run."""
        return {
            "name": self.name,
            "sizes": dict(self.sizes),
            "origin": self.origin,
            "made_with": dict(self.made_with),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """A data set in three splits.

    Each split is a `Sequence` of examples, which are dataclasses of arrays and texts. Pictures have
    `image` `(height, width, 3)` uint8, `name`, and `captions`, `label` (the number of a class), or
    both, or the boxes of objects, `boxes` `(n, 4)` and `box_labels` `(n,)`, in the convention of
    `keras_classics.boxes.detections`, or the class of every pixel, `class_mask` `(height, width)`
    uint8, 255 where nothing is to be learnt; what may be absent is None. Parallel text has `texts`
    by language and `name`; running text `text` and `name`, and source code also `token_classes`
    `(characters,)` uint8; the readers tell of the others. Pictures are read from their files when
    they are asked for.

    Attributes:
        train: The examples to learn from.
        validation: Those to choose by.
        test: Those to report on.
        info: What is known of the set.
    """

    train: Sequence[Any]
    validation: Sequence[Any]
    test: Sequence[Any]
    info: Info

    @classmethod
    def of(
        cls, splits: Mapping[str, Sequence[Any]], rule: str | Mapping[str, str], **facts: Any
    ) -> Data:
        """The set of three splits.

        Args:
            splits: Examples by split.
            rule: Where the splits come from, as one text or by split.
            **facts: The other fields of `Info`.
        """
        if not isinstance(rule, str):
            rule = "; ".join(f"{split}: {rule[split]}" for split in SPLIT_NAMES if split in rule)
        sizes = {split: len(splits[split]) for split in SPLIT_NAMES}
        return cls(**splits, info=Info(sizes=sizes, split_rule=rule, **facts))

    @checked
    def has(self, *fields: str) -> bool:
        """Whether the examples have all of some fields."""
        return all(getattr(self.train[0], field, None) is not None for field in fields)


@checked
@dataclass(frozen=True, kw_only=True)
class Asked:
    """What `load` was asked for: what every reader takes beside options of its own.

    A reader heeds what has a meaning for it: a world has no faults, a text no image size.

    Attributes:
        spec: The specification.
        seed: Chooses a world, or what is held out where nobody has divided the data.
        image_size: As for `load`.
        strict: As for `load`.
    """

    spec: str
    seed: int = 0
    image_size: int | tuple[int, int] | None = None
    strict: bool = False

    @property
    def argument(self) -> str:
        """What stands behind the colon of the specification."""
        return self.spec.partition(":")[2]

    @property
    def path(self) -> Path:
        """That as a path."""
        return Path(self.argument).expanduser()

    @property
    def paths(self) -> list[Path]:
        """That as paths, which commas separate; as one where a file of that name is there."""
        if os.path.isfile(self.path):
            return [self.path]
        return [Path(each.strip()).expanduser() for each in self.argument.split(",")]

    def files(self, *ways: Sequence[str]) -> dict[str, Path]:
        """Those paths by split.

        Args:
            *ways: The splits that one file, two files and so on are of.

        Raises:
            InputError: There are more files.
        """
        paths = self.paths
        if len(paths) > len(ways):
            scheme = self.spec.partition(":")[0]
            raise InputError(
                f"{len(paths)} files were given",
                f"1 to {len(ways)}",
                f"Write {scheme}:{','.join(map(str.upper, ways[-1]))}.",
            )
        return dict(zip(ways[len(paths) - 1], paths, strict=True))

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of pictures, or None for their own."""
        # Which itself needs Pillow, as a reader of texts does not.
        from keras_classics.data.pictures.images import resolve_size

        return resolve_size(self.image_size)

    @cached_property
    def faults(self) -> Faults:
        """Where a reader notes what it leaves out."""
        return Faults(self.strict)

    def divided(
        self,
        parts: Mapping[str, Sequence[Row]],
        shares: tuple[float, float] | Callable[[int], int],
        what: str,
        **equal: Any,
    ) -> tuple[dict[str, list[Row]], dict[str, str]]:
        """Examples of all three splits; arguments as of `complete_splits`."""
        return complete_splits(
            parts, shares, self.seed, source=self.spec, what=what, faults=self.faults, **equal
        )

    def data(
        self, splits: Mapping[str, Sequence[Any]], rule: str | Mapping[str, str], **facts: Any
    ) -> Data:
        """What was asked for; arguments as of `Data.of`, the origin by default the path."""
        noted = {"skipped": tuple(self.faults.messages), "remarks": tuple(self.faults.remarks)}
        facts = {"origin": str(self.path), **noted, **facts}
        return Data.of(splits, rule, name=self.spec, **facts)


class Source(NamedTuple):
    """A kind of data: how it is written in a specification, and the function that reads it.

    `folder` says that behind the colon is one path, of a folder as a rule, and that it has to be
    there.
    """

    usage: str
    module: str
    function: str
    folder: bool = False


SOURCES = {
    "scenes": Source("scenes", "worlds.scenes", "load_scenes"),
    "captions": Source("captions:FOLDER", "captions.folder", "load_captions", folder=True),
    "boundaries": Source(
        "boundaries:FOLDER", "pictures.formats.boundary_maps", "load_boundaries", folder=True
    ),
    "camvid": Source("camvid:FOLDER", "pictures.formats.mask_folders", "load_camvid", folder=True),
    "cityscapes": Source(
        "cityscapes:FOLDER", "pictures.formats.mask_folders", "load_cityscapes", folder=True
    ),
    "boxes": Source("boxes:CSV", "pictures.formats.table_boxes", "load_boxes"),
    "coco": Source("coco:JSON[,JSON[,JSON]]", "pictures.formats.coco_boxes", "load_coco"),
    "conllu": Source("conllu:FILE[,FILE[,FILE]]", "texts.conllu", "load_conllu"),
    "digit_lines": Source("digit_lines", "worlds.digit_lines", "load_digit_lines"),
    "digits": Source("digits", "pictures.formats.arrays", "load_digits"),
    "frames": Source("frames:FOLDER", "clips.clip_folders", "load_frames", folder=True),
    "folder": Source("folder:DIR", "pictures.formats.class_folders", "load_folder", folder=True),
    "iam": Source("iam:FOLDER", "pictures.formats.handwritten_lines", "load_iam", folder=True),
    "kitti": Source("kitti:FOLDER", "pictures.formats.kitti_boxes", "load_kitti", folder=True),
    "masks": Source("masks:FOLDER", "pictures.formats.mask_folders", "load_masks", folder=True),
    "moving_scenes": Source("moving_scenes", "worlds.moving_scenes", "load_moving_scenes"),
    "parallel": Source("parallel:FILE,FILE or parallel:FOLDER", "texts.parallel", "load_parallel"),
    "phrases": Source("phrases", "worlds.phrases", "load_phrases"),
    "npz": Source("npz:FILE[,FILE]", "pictures.formats.arrays", "load_npz"),
    "sentences": Source("sentences:FOLDER", "texts.sentences", "load_sentences", folder=True),
    "source_code": Source("source_code", "worlds.source_code", "load_source_code"),
    "speech": Source("speech:FOLDER", "sound.recordings", "load_speech", folder=True),
    "text": Source("text:FILE", "texts.documents", "load_text"),
    "tfds": Source("tfds:NAME", "tfds", "load_tfds"),
    "videos": Source("videos:FOLDER", "clips.clip_folders", "load_videos", folder=True),
    "voc": Source("voc:FOLDER", "pictures.formats.voc_boxes", "load_voc", folder=True),
}


def load(
    spec: str,
    *,
    seed: int = 0,
    image_size: int | tuple[int, int] | None = None,
    strict: bool = False,
    **options: Any,
) -> Data:
    """Load data by a specification.

    Args:
        spec: `"scenes"` (rendered, no files), `"digits"` (scikit-learn's), `"captions:FOLDER"`
            (images with a Flickr8k token file, a CSV table or COCO's caption JSON),
            `"folder:DIR"` (a subfolder for each class), `"npz:FILE"` or `"npz:TRAIN,TEST"`
            (arrays), `"phrases"` (parallel text, no files), `"parallel:a.en,a.fr"` or
            `"parallel:FOLDER"` (files of parallel text), `"digit_lines"` (rendered, no files),
            `"speech:FOLDER"` (spoken digits), `"iam:FOLDER"` (lines of handwriting),
            `"moving_scenes"` (clips, no files), `"frames:FOLDER"` or `"videos:FOLDER"` (clips of
            classes), `"conllu:FILE"` (tagged words),
            `"sentences:FOLDER"` (a file for each class), `"source_code"` (Python's own library),
            `"text:FILE"` (running text), `"voc:FOLDER"`, `"coco:JSON"`, `"kitti:FOLDER"` or
            `"boxes:CSV"` (pictures with boxes), `"masks:FOLDER"`, `"camvid:FOLDER"`,
            `"cityscapes:FOLDER"` or `"boundaries:FOLDER"` (pictures with a class for every pixel,
            which `voc:`, `coco:` and `tfds:` give with `masks=True`), or `"tfds:NAME"` (TensorFlow
            Datasets).
        seed: Chooses the scenes or phrases, and the images or lines of splits that have no list.
        image_size: Height and width, or one number for a square; the whole picture is resized,
            its aspect ratio not kept. None leaves every picture as it is. Without meaning where
            there are no pictures, or these are of one size by their nature.
        strict: Refuse faulty files with their name, instead of skipping and counting them. Without
            meaning where nothing can be left out.
        **options: The source's own: `classes` of boxes and masks, a list or one text with commas,
            `masks` of `voc:`, `coco:` and `tfds:`, `validation` and `test` where they are held
            out, `train` too of what is made. All are those of its reader, such as `load_voc` in
            `keras_classics.data.pictures.formats.voc_boxes` or `load_phrases` in
            `keras_classics.data.worlds.phrases`; an unknown one is answered with those there are.

    Raises:
        InputError: The specification or the data it names are wrong.

    Example:
        ```python
        data = kc.data.load("scenes", train=8, validation=2, test=2, image_size=32)
        len(data.train)  # 8
        data.train[0].image.shape  # (32, 32, 3)
        data.train[0].captions[0]  # "a small orange heart touching a large blue striped ..."
        data.info.classes[:3]  # ("circle", "square", "triangle")
        ```
    """
    scheme, colon, argument = str(spec).partition(":")
    source = SOURCES.get(scheme) if isinstance(spec, str) else None
    if source is None or bool(colon) != bool(argument) or bool(colon) != (":" in source.usage):
        raise InputError(
            f"The data specification {spec!r} was given",
            ", ".join(each.usage for each in SOURCES.values()),
            _nearest(str(spec), scheme),
        )
    for name in argument.split(","):
        _check_path(name)
    if source.folder and not Path(argument).expanduser().exists():
        raise InputError(
            f"{argument} does not exist",
            "the path of a folder",
            "Check the path; a relative one begins where the program was started.",
        )
    reader = _reader(source)
    check_known(scheme, options, options_of(spec))
    if "classes" in options:
        options["classes"] = _names(options["classes"])
    seed = check_whole("seed", seed, 0)
    found = reader(Asked(spec=spec, seed=seed, image_size=image_size, strict=strict), **options)
    names = found.info.pixel_classes or found.info.classes or ()
    if "" in names or len(set(names)) < len(names):
        wrong = next(name for name in names if not name or names.count(name) > 1)
        raise InputError(
            f"A class or more of {spec} has the name {wrong!r}",
            "names that differ, none of them empty",
            "Name the classes otherwise.",
        )
    return found


def options_of(spec: str) -> list[str]:
    """The options of its own that the source of a specification has; none of what is no source."""
    source = SOURCES.get(spec.partition(":")[0])
    parameters = inspect.signature(_reader(source)).parameters.values() if source else ()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def _reader(source: Source) -> Callable[..., Data]:
    module = importlib.import_module(f"keras_classics.data.{source.module}")
    return getattr(module, source.function)


def world_sizes(most: int, what: str, **sizes: int) -> dict[str, int]:
    """Sizes of a world's splits, of which none is empty, nor of more than the most examples."""
    for split, size in sizes.items():
        if not 0 < size <= most:
            raise InputError(
                f"{split}={size} was given",
                f"1 to {most:,} {what}",
                f"Give another number of {what}.",
            )
    return sizes


def _names(classes: Any) -> Any:
    """Names of classes, which a command line has as one text, or as numbers if they look so."""
    if isinstance(classes, str):
        return [name.strip() for name in classes.split(",")]
    if isinstance(classes, list | tuple):
        return [str(name) if is_whole(name) else name for name in classes]
    return classes


def _check_path(name: str) -> None:
    """Refuse names of no possible file: of the home of nobody, or too long."""
    try:
        Path(name.strip()).expanduser().exists()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"The path {name[:200]!r} was given ({reason})", "a path", "Check the path."
        ) from error


def _nearest(spec: str, scheme: str) -> str:
    _check_path(spec)
    if Path(spec).exists():
        return (
            f"For images with captions in {spec} write captions:{spec}, with classes folder:{spec}."
        )
    match, asked = difflib.get_close_matches, scheme.lower()
    near = match(asked, SOURCES, 1, 0.8) or match(asked, SOURCES, 2, 0.5) or SOURCES
    return f"Did you mean {' or '.join(SOURCES[each].usage for each in near)}?"
