"""What networks cost and what they reach: the rows of an overview of the catalogue.

After Canziani, Paszke, Culurciello, "An analysis of deep neural network models for practical
applications", 2016 (arXiv:1605.07678). Accuracies are those that the cards quote, of which each has
a protocol of its own; costs are those of our builders, and speed and memory are measured here.
"""

from __future__ import annotations

import multiprocessing
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from statistics import median

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import opened
from keras_classics.core.cards import index
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.progress import tracked
from keras_classics.core.types import Whole

DATA = ("imagenet", "cifar-10", "mnist")

# Of what the cards say: the error or accuracy that comes first.
_TOP_1 = re.compile(r"([\d.]+) % top-1")
_ON = r"(error|accuracy)\b[^%]*?([\d.]+) %(?: on {name}\b)"
_OF = r"\b{name} test (error|accuracy) ([\d.]+) %"


@dataclass(frozen=True)
class OverviewRow:
    """What one network reaches and costs.

    Attributes:
        name: The catalogue's.
        family: Its family.
        year: Of the paper.
        accuracy: Published, in per cent, of the first guess.
        published: The card's text, with the protocol.
        multiply_adds: For one native input; None where they are not counted.
        parameters: Trainable ones.
        images_per_second: Measured here; None before.
        megabytes: By which a process grows that builds the network and runs it, measured here; None
            before, and where the system does not tell.
    """

    name: str
    family: str
    year: int
    accuracy: float
    published: str
    multiply_adds: int | None
    parameters: int
    images_per_second: float | None = None
    megabytes: float | None = None


@checked
def overview(pattern: str = "*", *, data: str = "imagenet") -> list[OverviewRow]:
    """The networks of the catalogue whose cards quote an accuracy, the best first.

    Args:
        pattern: Shell pattern on the name, as `kc.list_models` takes it.
        data: On which it was reached: `"imagenet"`, `"cifar-10"` or `"mnist"`.

    Returns:
        A row for each.

    Raises:
        InputError: `data` is unknown, or no such network is there.
    """
    check_choice("data", data, DATA)
    rows = [
        OverviewRow(
            name=facts["name"],
            family=facts["family"],
            year=facts["year"],
            accuracy=accuracy,
            published=facts["published"],
            multiply_adds=facts["multiply_adds"],
            parameters=facts["parameters"],
        )
        for facts in index.chosen(pattern)
        if (accuracy := published_accuracy(facts["published"], data)) is not None
    ]
    if not rows:
        raise InputError(
            f"No network {pattern!r} has a published accuracy on {data}",
            "a shell pattern on names, such as 'resnet*', and one of " + ", ".join(DATA),
            "Leave the pattern out for all of them.",
        )
    return sorted(rows, key=lambda row: (-row.accuracy, row.name))


def published_accuracy(text: str, data: str) -> float | None:
    """The accuracy that a card quotes, in per cent; of several the first.

    Args:
        text: The card's `published`.
        data: See `overview`.

    Returns:
        None where it quotes none.
    """
    if data == "imagenet":
        # ILSVRC-2012 is the same validation set.
        found = _TOP_1.search(text) if re.search("ImageNet|ILSVRC", text) else None
        quoted = found and ("accuracy" if "accuracy" in text else "error", found[1])
    else:
        forms = (form.replace("{name}", re.escape(data.upper())) for form in (_OF, _ON))
        found = next((x for form in forms if (x := re.search(form, text))), None)
        quoted = found and (found[1], found[2])
    if not quoted:
        return None
    kind, value = quoted
    return float(value) if kind == "accuracy" else round(100 - float(value), 4)


@checked
def measure_speed(
    rows: Iterable[OverviewRow], *, batch_size: Whole = 8, repeats: Whole = 5
) -> list[OverviewRow]:
    """Measure how fast networks run and how much memory they take, one process for each.

    They are built with new weights and run on noise in inference mode, compiled, on the backend of
    this process; the batch runs twice before the clock does.

    Args:
        rows: Of the networks.
        batch_size: Images that are run at once.
        repeats: Batches that are timed; the median counts.

    Returns:
        The rows with `images_per_second` and `megabytes`.

    Raises:
        InputError: A number is not admitted, or a network cannot be run here.
    """
    rows = list(rows)
    batch_size, repeats = check_whole("batch_size", batch_size), check_whole("repeats", repeats)

    def each() -> Iterator[OverviewRow]:
        # A fresh process for each: the most memory that one has had never falls.
        context = multiprocessing.get_context("spawn")
        for row in rows:
            with context.Pool(1) as pool:
                speed, grown = pool.apply(_measure, (row.name, batch_size, repeats))
            yield replace(row, images_per_second=speed, megabytes=grown)

    return list(tracked(each(), "networks measured", len(rows)))


def _measure(name: str, batch_size: int, repeats: int) -> tuple[float, float | None]:
    """Build a network and run it, in this process.

    Args:
        name: The catalogue's.
        batch_size: Images that are run at once.
        repeats: Batches that are timed.

    Returns:
        Images per second, and megabytes by which the most memory this process ever had has grown.
    """
    from keras_classics.core.cards.catalogue import create_model

    before = _most_memory()
    model = create_model(name, weights=None)
    shape = [side or 1 for side in model.inputs[0].shape[1:]]
    noise = np.random.default_rng(0).normal(size=(batch_size, *shape))
    images = ops.convert_to_tensor(noise, dtype=model.inputs[0].dtype)
    run = compiled_over(model, lambda x: model(x, training=False))
    seconds = []
    for _ in range(2 + repeats):
        began = time.perf_counter()
        keras.tree.map_structure(ops.convert_to_numpy, run(images))
        seconds.append(time.perf_counter() - began)
    after = _most_memory()
    grown = None if before is None or after is None else after - before
    return batch_size / median(seconds[2:]), grown


def _most_memory() -> float | None:
    """The most megabytes this process ever had; None where the system does not tell, as Linux does.

    What `resource` tells of a process counts in what the one had that started it.
    """
    try:
        with opened("/proc/self/status") as file:
            found = re.search(rb"VmHWM:\s*(\d+) kB", file.read())
    except OSError:
        return None
    return int(found[1]) / 2**10 if found else None
