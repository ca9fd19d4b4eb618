"""One door to all data: `load("scenes")`, `load("folder:DIR")`, `load("tfds:NAME")`, ..."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, explain, is_number
from keras_classics.core.names import check_known
from keras_classics.core.versions import installed
from keras_classics.data.pictures.images import resolve_size

# Far apart, so that no size of one split reaches into the scenes of another.
_VALIDATION_SCENES, _TEST_SCENES = 1_000_000_000, 2_000_000_000


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

    @checked
    def has(self, *fields: str) -> bool:
        """Whether the examples have all of some fields."""
        return all(getattr(self.train[0], field, None) is not None for field in fields)


class Source(NamedTuple):
    """A kind of data: how it is written in a specification, and the function that reads it."""

    usage: str
    module: str
    function: str


SOURCES = {
    "scenes": Source("scenes", "load", "load_scenes"),
    "captions": Source("captions:FOLDER", "captions.folder", "load_captions"),
    "camvid": Source("camvid:FOLDER", "pictures.mask_folders", "load_camvid"),
    "cityscapes": Source("cityscapes:FOLDER", "pictures.mask_folders", "load_cityscapes"),
    "boxes": Source("boxes:CSV", "pictures.table_boxes", "load_boxes"),
    "coco": Source("coco:JSON[,JSON[,JSON]]", "pictures.coco_boxes", "load_coco"),
    "conllu": Source("conllu:FILE[,FILE[,FILE]]", "texts.conllu", "load_conllu"),
    "digit_lines": Source("digit_lines", "worlds.digit_lines", "load_digit_lines"),
    "digits": Source("digits", "pictures.arrays", "load_digits"),
    "folder": Source("folder:DIR", "pictures.class_folders", "load_folder"),
    "kitti": Source("kitti:FOLDER", "pictures.kitti_boxes", "load_kitti"),
    "masks": Source("masks:FOLDER", "pictures.mask_folders", "load_masks"),
    "parallel": Source("parallel:FILE,FILE or parallel:FOLDER", "texts.parallel", "load_parallel"),
    "phrases": Source("phrases", "worlds.phrases", "load_phrases"),
    "npz": Source("npz:FILE[,FILE]", "pictures.arrays", "load_npz"),
    "sentences": Source("sentences:FOLDER", "texts.sentences", "load_sentences"),
    "source_code": Source("source_code", "worlds.source_code", "load_source_code"),
    "speech": Source("speech:FOLDER", "sound.recordings", "load_speech"),
    "text": Source("text:FILE", "texts.documents", "load_text"),
    "tfds": Source("tfds:NAME", "tfds", "load_tfds"),
    "voc": Source("voc:FOLDER", "pictures.voc_boxes", "load_voc"),
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
            `"speech:FOLDER"` (spoken digits), `"conllu:FILE"` (tagged words),
            `"sentences:FOLDER"` (a file for each class), `"source_code"` (Python's own library),
            `"text:FILE"` (running text), `"voc:FOLDER"`, `"coco:JSON"`, `"kitti:FOLDER"` or
            `"boxes:CSV"` (pictures with boxes), `"masks:FOLDER"`, `"camvid:FOLDER"` or
            `"cityscapes:FOLDER"` (pictures with a class for every pixel, which `voc:`, `coco:` and
            `tfds:` give with `masks=True`), or `"tfds:NAME"` (TensorFlow Datasets).
        seed: Chooses the scenes or phrases, and the images or lines of splits that have no list.
        image_size: Height and width, or one number for a square; the whole picture is resized,
            its aspect ratio not kept. None leaves every picture as it is.
        strict: Refuse faulty files with their name, instead of skipping and counting them.
        **options: The source's own, those of its reader, such as `load_phrases` in
            `keras_classics.data.worlds.phrases`; an unknown one is answered with those there are.

    Raises:
        InputError: The specification or the data it names are wrong.
    """
    if not isinstance(spec, str):
        raise InputError(
            explain(
                f"The data specification {spec!r} was given",
                ", ".join(each.usage for each in SOURCES.values()),
                "Give a text, such as 'digits'.",
            )
        )
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise InputError(
            explain(f"seed={seed!r} was given", "a whole number from 0 on", "Give for example 0.")
        )
    scheme, colon, argument = spec.partition(":")
    source = SOURCES.get(scheme)
    if source is None or bool(colon) != bool(argument) or bool(colon) != (":" in source.usage):
        raise InputError(
            explain(
                f"The data specification {spec!r} was given",
                ", ".join(each.usage for each in SOURCES.values()),
                _nearest(spec, scheme),
            )
        )
    reader: Callable[..., Data] = getattr(
        importlib.import_module(f"keras_classics.data.{source.module}"), source.function
    )
    for name in argument.split(","):
        _check_path(name)
    arguments = [argument] if argument else []
    parameters = inspect.signature(reader).parameters.values()
    # The others are this function's own.
    own = {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}
    # What is beyond them a reader hands on, and checks itself.
    handed_on = any(each.kind is each.VAR_KEYWORD for each in parameters)
    known = {key: options[key] for key in options if key in own or not handed_on}
    check_options(scheme, known, own)
    found = reader(*arguments, seed=seed, image_size=image_size, strict=strict, **options)
    names = found.info.pixel_classes or found.info.classes or ()
    if "" in names or len(set(names)) < len(names):
        wrong = next(name for name in names if not name or names.count(name) > 1)
        raise InputError(
            explain(
                f"A class or more of {spec} has the name {wrong!r}",
                "names that differ, none of them empty",
                "Name the classes otherwise.",
            )
        )
    return found


def check_options(
    receiver: str, given: Mapping[str, object], defaults: Mapping[str, object]
) -> None:
    """Refuse options that a reader does not have, or of another kind than it takes.

    Args:
        receiver: What the options were given to.
        given: The options.
        defaults: Their defaults; None is that of a text or path, or of several.

    Raises:
        InputError: One is unknown, or of another kind than its default.
    """
    check_known(receiver, given, defaults)
    for name, value in given.items():
        default = defaults[name]
        parts = list(value) if isinstance(value, tuple | list) else [value]
        if isinstance(default, bool):
            sound, kind = isinstance(value, bool), "True or False"
        elif is_number(default):
            sound, kind = is_number(value), "a number"
        elif isinstance(default, tuple) and all(map(is_number, default)):
            sound = len(parts) == len(default) and all(map(is_number, parts))
            kind = f"{len(default)} numbers"
        else:
            sound, kind = all(isinstance(part, str | Path) for part in parts), "a text or a path"
        if not sound:
            raise InputError(
                explain(
                    f"{name}={value!r} was given to {receiver!r}",
                    f"{kind}, such as {default!r}" if default is not None else kind,
                    f"Leave {name} out for the default.",
                )
            )


def load_scenes(
    *,
    seed: int = 0,
    image_size: int | tuple[int, int] | None = None,
    strict: bool = False,
    train: int = 4000,
    validation: int = 500,
    test: int = 500,
    **scene_options: Any,
) -> Data:
    """Render the embedded world: no files, no download.

    Args:
        seed: Chooses the world. Within one world the validation and test scenes are the same
            whatever the number of training scenes.
        image_size: Side of the square pictures; None for that of `SceneOptions`.
        strict: Without meaning here, as rendered scenes have no faults.
        train: Number of training scenes.
        validation: Number of validation scenes.
        test: Number of test scenes.
        **scene_options: Fields of `SceneOptions`: objects, clutter, occlusion, noise.

    Raises:
        InputError: The size is not square, or a count or option is out of range.
    """
    from keras_classics.data.worlds.scenes import CLASSES, PIXEL_CLASSES, SceneOptions, scenes

    check_options("scenes", scene_options, vars(SceneOptions()))
    size = resolve_size(image_size)
    if size is not None:
        if size[0] != size[1]:
            raise InputError(
                explain(f"image_size={size} was given", "a square", "Give one number.")
            )
        scene_options["size"] = size[0]
    options = SceneOptions(**scene_options)
    sizes = {"train": train, "validation": validation, "test": test}
    for split, count in sizes.items():
        if not 0 < count <= _VALIDATION_SCENES:
            raise InputError(
                explain(
                    f"{split}={count} was given",
                    f"1 to {_VALIDATION_SCENES:,} scenes",
                    "Give another number of scenes.",
                )
            )
    first = {"train": 0, "validation": _VALIDATION_SCENES, "test": _TEST_SCENES}
    splits = {
        split: scenes(count, seed=seed, first=first[split], options=options)
        for split, count in sizes.items()
    }
    return Data(
        **splits,
        info=Info(
            name="scenes",
            sizes=sizes,
            image_shape=(options.size, options.size, 3),
            classes=tuple(CLASSES),
            pixel_classes=PIXEL_CLASSES,
            split_rule="Scenes of three distant ranges of indices.",
            origin="Rendered by keras-classics; nothing is copied from elsewhere.",
            made_with=installed(["numpy"]),
        ),
    )


def _check_path(name: str) -> None:
    """Refuse names of no possible file: of the home of nobody, or too long."""
    try:
        Path(name.strip()).expanduser().exists()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            explain(f"The path {name[:200]!r} was given ({reason})", "a path", "Check the path.")
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
