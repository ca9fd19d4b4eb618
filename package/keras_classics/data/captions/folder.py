"""Photographs with captions from a folder: Flickr8k's layout, a table, COCO's JSON or Karpathy's.

Captions files and split lists lie in the folder or one level below it, images up to two levels
below. Recognised by their names are

* `*.token.txt` or `*.token`: lines of `name.jpg#0<TAB>caption` (Flickr8k's `.lemma.` file is not);
* `*.csv`, `*.tsv` or `captions.txt`: a table with a column for the image, one for the caption;
* `*captions*.json`: COCO's images and annotations, one file, or one for each split;
* `dataset*.json`: Karpathy's images with their sentences and their split, whose `restval` is for
  training; split lists beside it are not read;
* `*.txt` with train, val or dev, or test as a word of its name: a split list, an image a line.

A name means the file that has it, else one in which the composition of accents (NFC, NFD), `./`,
case, folders or a missing ending differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import chain
from pathlib import Path

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import file_fingerprint
from keras_classics.core.errors import InputError
from keras_classics.data.captions.flickr8k_coco_csv import Annotations, read_annotations
from keras_classics.data.captions.spellings import Spellings
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import (
    SPLIT_NAMES,
    check_filled,
    check_one_split,
)
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.images import measure_images, read_image
from keras_classics.data.splits import Made, Pictures

_HELD_OUT = 10


@checked
def load_captions(asked: Asked) -> Data:
    """Read photographs with captions from files; the module describes the layouts.

    Splits follow the lists, or the splits in the names of COCO's files. Without a train list
    everything that is in no list is for training. A validation or test split without a list is
    held out of the training images: a tenth of them, chosen by a hash of the seed and the image's
    name; equal files are on one side. So all captions of an image stay together, and a given
    evaluation list stays whole.

    All images are decoded once to find the faulty ones, then again when they are asked for.

    Args:
        asked: The folder, or the captions file in it where there are several. Faulty are an absent
            or unreadable image, an empty caption, and a listed image without captions.

    Raises:
        InputError: No captions, a malformed file, an image in two splits, or an empty split.
    """
    source, size, faults = asked.path, asked.size, asked.faults
    annotations = read_annotations(source, faults)
    names, rules = _listed(annotations)
    paths = _locate(source, list(chain.from_iterable(names.values())), faults)
    sizes = measure_images([*paths.values()], faults)
    shapes = {name: sizes[path] for name, path in paths.items() if path in sizes}
    complete = partial(
        asked.divided,
        shares=lambda count: max(1, round(count / _HELD_OUT)),
        what="image",
        same=lambda name: (file_fingerprint(paths[name]) if name in shapes else name,),
        key=lambda split, name: name,
    )
    sound = {split: [name for name in part if name in shapes] for split, part in names.items()}
    # What is faulty is held out like the rest, so that to mend it moves no other.
    every, held = complete(names)
    splits = {split: [name for name in part if name in shapes] for split, part in every.items()}
    if any(split in held and not part for split, part in splits.items()):
        # Unless nothing sound would be left of what was held out.
        splits, held = complete(sound)
    check_filled(splits, asked.spec, "image", faults)
    distinct = {size} if size else set(shapes.values())
    return asked.data(
        {
            split: Pictures(
                Made([paths[name] for name in part], partial(read_image, size=size)),
                part,
                captions=[tuple(annotations.captions[name]) for name in part],
            )
            for split, part in splits.items()
        },
        rules | held,
        image_shape=(*distinct.pop(), 3) if len(distinct) == 1 else None,
        origin=annotations.origin,
    )


def _listed(annotations: Annotations) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The images of each split that has a list, of training always; and what says so."""
    splits: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    for split, listed in annotations.lists.items():
        splits[split] = [name for name in listed if name in annotations.captions]
        for name in splits[split]:
            check_one_split(owners, name, split)
    unlisted = [name for name in annotations.captions if name not in owners]
    rules = dict(annotations.list_files)
    if "train" not in splits:
        splits["train"], rules["train"] = unlisted, "every image in no list"
    elif unlisted:
        rules["train"] += f" (in no list and not used: {len(unlisted)} images)"
    return {split: splits[split] for split in SPLIT_NAMES if split in splits}, rules


def _locate(source: Path, names: Iterable[str], faults: Faults) -> dict[str, Path]:
    """Find the file of each image name; absent ones are faults, and files that two names mean."""
    folder = source if source.is_dir() else source.parent
    known = _files(folder)
    if source.is_file() and not any(map(known.find, names)):
        # The captions file that was named lies in a folder of its own, beside that of the images.
        folder = folder.resolve().parent
        known = _files(folder)
    paths: dict[str, Path] = {}
    owners: dict[str, str] = {}
    for name in names:
        found = sorted(known.find(name))
        if len(found) > 1:
            raise InputError(
                f"The image {name!r} is both {folder / found[0]} and {folder / found[1]}",
                "one file for each name",
                "Remove one, or write the names with their folder.",
            )
        if not found:
            faults.add(
                f"The image {name!r} has captions but is not in {folder}",
                "a file for each image, up to two folders deep",
                "Add the image or remove its captions.",
            )
        elif owners.setdefault(found[0], name) != name:
            faults.add(
                f"{owners[found[0]]!r} and {name!r} are one file, {folder / found[0]}",
                "one name for each image",
                "Write its name alike everywhere.",
            )
        else:
            paths[name] = folder / found[0]
    return paths


def _files(folder: Path) -> Spellings:
    """What lies in a folder, by the path from it."""
    found = (path for pattern in ("*", "*/*", "*/*/*") for path in folder.glob(pattern))
    return Spellings(path.relative_to(folder).as_posix() for path in found)
