"""Photographs with captions from a folder: Flickr8k's layout, a table, or COCO's JSON.

Captions files and split lists lie in the folder or one level below it, images up to two levels
below. Recognised by their names are

* `*.token.txt` or `*.token`: lines of `name.jpg#0<TAB>caption` (Flickr8k's `.lemma.` file is not);
* `*.csv`, `*.tsv` or `captions.txt`: a table with a column for the image, one for the caption;
* `*captions*.json`: COCO's images and annotations, one file, or one for each split;
* `*.txt` with train, val or dev, or test as a word of its name: a split list, an image a line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import chain
from pathlib import Path

from keras_classics.core.errors import InputError, explain
from keras_classics.core.files import file_fingerprint
from keras_classics.data.captions.flickr8k_coco_csv import Annotations, read_annotations
from keras_classics.data.holdout import SPLIT_NAMES, check_filled, complete_splits
from keras_classics.data.load import Data, Info
from keras_classics.data.pictures.images import measure_images, read_image, resolve_size
from keras_classics.data.splits import Made, Pictures

_HELD_OUT = 10


def load_captions(
    path: str | Path,
    *,
    seed: int = 0,
    image_size: int | tuple[int, int] | None = None,
    strict: bool = False,
) -> Data:
    """Read photographs with captions from files; the module describes the layouts.

    Splits follow the lists, or the splits in the names of COCO's files. Without a train list
    everything that is in no list is for training. A validation or test split without a list is
    held out of the training images: a tenth of them, chosen by a hash of the seed and the image's
    name; equal files are on one side. So all captions of an image stay together, and a given
    evaluation list stays whole.

    All images are decoded once to find the faulty ones, then again when they are asked for.

    Args:
        path: The folder, or the captions file in it where there are several.
        seed: Chooses the images that are held out.
        image_size: Height and width, or one number for a square; see `read_image`.
        strict: Refuse an absent or unreadable image, an empty caption, or a listed image without
            captions, instead of skipping and counting it.

    Raises:
        InputError: No captions, a malformed file, an image in two splits, or an empty split.
    """
    size = resolve_size(image_size)
    source = Path(path).expanduser()
    annotations = read_annotations(source, strict=strict)
    names, rules = _listed(annotations)
    folder = source if source.is_dir() else source.parent
    paths = _locate(folder, chain.from_iterable(names.values()), annotations)
    shapes = _measure(paths, annotations)
    # What is faulty is held out like the rest, so that to mend it moves no other.
    names, held = complete_splits(
        names,
        lambda count: max(1, round(count / _HELD_OUT)),
        seed,
        source=path,
        what="image",
        same=lambda name: (file_fingerprint(paths[name]) if name in shapes else name,),
        key=lambda split, name: name,
    )
    names = {split: [name for name in part if name in shapes] for split, part in names.items()}
    check_filled(names, path, "image", annotations.faults)
    rules |= held
    distinct = {size} if size else set(shapes.values())
    return Data(
        **{
            split: Pictures(
                Made([paths[name] for name in part], partial(read_image, size=size)),
                part,
                captions=[tuple(annotations.captions[name]) for name in part],
            )
            for split, part in names.items()
        },
        info=Info(
            name=f"captions:{path}",
            sizes={split: len(part) for split, part in names.items()},
            image_shape=(*distinct.pop(), 3) if len(distinct) == 1 else None,
            skipped=tuple(annotations.faults),
            split_rule="; ".join(f"{split}: {rules[split]}" for split in SPLIT_NAMES),
            origin=annotations.origin,
        ),
    )


def _listed(annotations: Annotations) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The images of each split that has a list, of training always; and what says so."""
    splits: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    for split, listed in annotations.lists.items():
        splits[split] = [name for name in listed if name in annotations.captions]
        for name in splits[split]:
            if owners.setdefault(name, split) != split:
                raise InputError(
                    explain(
                        f"The image {name!r} is in the {owners[name]} and in the {split} split",
                        "each image in one split, or results are too good",
                        "Remove it from one of the lists.",
                    )
                )
    unlisted = [name for name in annotations.captions if name not in owners]
    rules = dict(annotations.list_files)
    if "train" not in splits:
        splits["train"], rules["train"] = unlisted, "every image in no list"
    elif unlisted:
        rules["train"] += f" (in no list and not used: {len(unlisted)} images)"
    return {split: splits[split] for split in SPLIT_NAMES if split in splits}, rules


def _locate(folder: Path, names: Iterable[str], annotations: Annotations) -> dict[str, Path]:
    """Find the file of each image name; absent ones are faults."""
    below = defaultdict(list)
    for pattern in ("*", "*/*", "*/*/*"):
        for path in folder.glob(pattern):
            below[path.name].append(path)
    paths = {}
    for name in names:
        found = sorted(
            path for path in below[Path(name).name] if f"/{path.as_posix()}".endswith(f"/{name}")
        )
        if len(found) > 1 and folder / name not in found:
            raise InputError(
                explain(
                    f"The image {name!r} is both {found[0]} and {found[1]}",
                    "one file for each name",
                    "Remove one, or write the names with their folder.",
                )
            )
        if found:
            paths[name] = folder / name if folder / name in found else found[0]
        else:
            annotations.fault(
                explain(
                    f"The image {name!r} has captions but is not in {folder}",
                    "a file for each image, up to two folders deep",
                    "Add the image or remove its captions.",
                )
            )
    return paths


def _measure(paths: Mapping[str, Path], annotations: Annotations) -> dict[str, tuple[int, int]]:
    """Decode every image once; give the sizes of the sound ones."""
    shapes = {}
    for name, shape in zip(paths, measure_images([*paths.values()]), strict=True):
        if isinstance(shape, InputError):
            annotations.fault(str(shape))
        else:
            shapes[name] = shape
    return shapes
