"""Photographs with captions from a folder: Flickr8k's layout, a table, or COCO's JSON.

Captions files and split lists lie in the folder or one level below it, images up to two levels
below. Recognised by their names are

* `*.token.txt` or `*.token`: lines of `name.jpg#0<TAB>caption` (Flickr8k's `.lemma.` file is not);
* `*.csv`, `*.tsv` or `captions.txt`: a table with a column for the image, one for the caption;
* `*captions*.json`: COCO's images and annotations, one file, or one for each split;
* `*.txt` with train, val or dev, or test as a word of its name: a split list, an image a line.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics.core.errors import InputError, explain
from keras_classics.data.captions.flickr8k_coco_csv import Annotations, read_annotations
from keras_classics.data.load import Data, Info
from keras_classics.data.pictures.images import image_tensor, measure_images, resolve_size

if TYPE_CHECKING:
    import tensorflow as tf

SPLITS = ("train", "validation", "test")
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
    name. So all captions of an image stay together, and a given evaluation list stays whole.

    All images are decoded once to find the faulty ones, then again when the pipeline asks.

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
    names, rule = _split(annotations, seed)
    folder = source if source.is_dir() else source.parent
    paths = _locate(folder, chain.from_iterable(names.values()), annotations)
    shapes = _measure(paths, annotations)
    names = {split: [name for name in names[split] if name in shapes] for split in SPLITS}
    _check_filled(names, annotations)

    distinct = {size} if size else set(shapes.values())
    image_shape = (*distinct.pop(), 3) if len(distinct) == 1 else None
    texts = {
        split: [tuple(annotations.captions[name]) for name in names[split]] for split in SPLITS
    }
    return Data(
        **{
            split: _dataset(names[split], paths, texts[split], size, image_shape)
            for split in SPLITS
        },
        texts=texts,
        info=Info(
            name=f"captions:{path}",
            sizes={split: len(names[split]) for split in SPLITS},
            image_shape=image_shape,
            skipped=tuple(annotations.faults),
            split_rule=rule,
            origin=annotations.origin,
        ),
    )


def _split(annotations: Annotations, seed: int) -> tuple[dict[str, list[str]], str]:
    """Give every image to a split, and say in a sentence how."""
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
    rule = dict(annotations.list_files)
    if "train" not in splits:
        splits["train"] = unlisted
        rule["train"] = "every image in no list"
    ranked = sorted(
        splits["train"], key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()
    )
    share = max(1, round(len(ranked) / _HELD_OUT))
    for split in ("test", "validation"):
        if split not in splits:
            splits[split], ranked = ranked[:share], ranked[share:]
            rule[split] = f"{len(splits[split])} images of train by a hash of seed {seed} and name"
    kept = set(ranked)
    splits["train"] = [name for name in splits["train"] if name in kept]
    sentence = "; ".join(f"{split}: {rule[split]}" for split in SPLITS)
    if unlisted and "train" in annotations.lists:
        sentence += f"; in no list and not used: {len(unlisted)} images"
    return {split: splits[split] for split in SPLITS}, sentence


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


def _check_filled(names: Mapping[str, Sequence[str]], annotations: Annotations) -> None:
    for split in SPLITS:
        if not names[split]:
            faults = annotations.faults
            first = f"; the first of {len(faults)} faults: {faults[0]}" if faults else ""
            raise InputError(
                explain(
                    f"The {split} split is empty{first}",
                    "at least one sound image with captions in each split",
                    "Check the captions, the split lists and where the images are.",
                )
            )


def _dataset(
    names: Sequence[str],
    paths: Mapping[str, Path],
    texts: Sequence[Sequence[str]],
    size: tuple[int, int] | None,
    image_shape: tuple[int, int, int] | None,
) -> tf.data.Dataset:
    import tensorflow as tf

    counts = [len(captions) for captions in texts]
    known_count = counts[0] if len(set(counts)) == 1 else None

    def complete(element: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {
            "image": image_tensor(element["path"], size, image_shape or (None, None, 3)),
            "captions": tf.ensure_shape(element["captions"], (known_count,)),
            "name": element["name"],
        }

    flat = list(chain.from_iterable(texts))
    elements = tf.data.Dataset.from_tensor_slices(
        {
            "path": [os.fsencode(paths[name]) for name in names],
            "captions": tf.RaggedTensor.from_row_lengths(flat, counts),
            "name": list(names),
        }
    )
    return elements.map(complete, num_parallel_calls=tf.data.AUTOTUNE)
