"""Answers of the shipped models, without a page: a folder to draw into and what is asked go in."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

import keras_classics as kc

SHIPPED = Path(__file__).resolve().parents[2] / "saved_models"
# Pixels of a picture that is read at all, and of the longer side of what models see of it.
MOST_PIXELS, SIDE = 40_000_000, 384
# Letters of a text that is brought, and of one that is written.
LETTERS, LONGEST = 300, 1000


class Told(NamedTuple):
    """An answer in words, and the file of a picture of it, if there is one."""

    text: str
    picture: Path | None = None


def checked_text(text: str) -> str:
    """A text that is not too long.

    Raises:
        InputError: It is.
    """
    if len(text) > LETTERS:
        raise kc.InputError(
            f"A text of {len(text):,} letters was given", f"up to {LETTERS}", "Shorten it."
        )
    return text


def read(path: str | None) -> Image.Image:
    """A picture, whose size is looked at before it is unpacked.

    Raises:
        InputError: There is none, it is damaged, or too large.
    """
    if path is None:
        raise kc.InputError("No picture was given", "a picture", "Drop one, or take an example.")
    try:
        return Image.fromarray(kc.data.read_image(path))
    except kc.InputError as error:
        # Where it lies on this machine is nobody's matter.
        raise kc.InputError(str(error).replace(str(path), Path(path).name)) from None


def smaller(path: str | None, folder: Path) -> Path:
    """A picture as models are asked about it: none of them gains by more pixels."""
    picture = read(path)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    kc.data.write_picture(folder / "picture.png", np.asarray(picture))
    return folder / "picture.png"


def line_of(path: str | None, folder: Path, height: int = 12) -> Path:
    """A picture of a line of digits as the network reads it: light on dark, of its height."""
    picture = read(path)
    width = round(picture.width * height / picture.height)
    if not height <= width <= 50 * height:
        raise kc.InputError(
            f"A picture of {picture.width} x {picture.height} pixels was given",
            "a line, wider than high and at most 50 times as wide",
            "Cut the line out.",
        )
    pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    kc.data.write_picture(folder / "line.png", 255 - pixels if pixels.mean() > 127 else pixels)
    return folder / "line.png"


@functools.cache
def answers(application: str, job: str, name: str, **settings: Any) -> kc.jobs.Answers:
    """A shipped model, opened when it is first asked."""
    kind = getattr(__import__(application), job)
    return kc.jobs.Answers(kind, SHIPPED / name, **settings)


def asked(
    application: str, job: str, name: str, prepare: Callable = smaller, **settings: Any
) -> Callable[..., Told]:
    """From a folder and a query to the answer of a job's shipped model."""

    def answer(folder: Path, query: str | None) -> Told:
        given = prepare(query, folder)
        found = answers(application, job, name, **settings)(given, folder)
        drawn = folder / "answers.png"
        return Told(found.text, drawn if drawn.exists() else None)

    return answer


@functools.cache
def classifier() -> Any:
    """The shipped classifier, and what keeps the maps that were compiled for it."""
    from explainers.classifiers import of_run
    from explainers.maps import Maps

    return Maps(of_run(SHIPPED / "classification-scenes"))


def maps(folder: Path, picture: str | None, method: str) -> Told:
    """What the classifier says, and where it sees it."""
    from explainers.scenes import Question

    question = Question("picture", np.asarray(read(picture)))
    found = classifier().found([question], top=2)
    laid = classifier().laid(found, [method])
    kc.analysis.draw_methods(folder / "maps.png", found.shown, found.titles, laid)
    return Told(
        ", ".join(each.removeprefix("picture: ") for each in found.told), folder / "maps.png"
    )


@functools.cache
def subject() -> Any:
    """The classifier as what fools it sees it: pictures of 0 to 255 go in."""
    from insiders.subject import subject_of

    seen = classifier().classifier.seen([np.zeros((64, 64, 3), "uint8")])
    return subject_of(classifier().classifier, seen, None, Path(), None)


def fooled(folder: Path, picture: str | None, size: float) -> Told:
    """A picture that is called otherwise after a change that is hardly seen."""
    from insiders.damage import beside
    from insiders.subject import BOUNDS

    seen = classifier().classifier.seen([np.asarray(read(picture))])
    own = dataclasses.replace(subject(), images=seen)
    labels = own.probabilities.argmax(axis=1).astype("int32")
    changed = kc.analysis.fooling.pgd(own.model, seen, labels, epsilon=size, bounds=BOUNDS)
    after = own.probabilities_of(changed)
    names = [[own.name(each[0])] for each in (labels, after.argmax(axis=1))]
    sure = own.probabilities.max(axis=1), after.max(axis=1)
    tiles, titles = beside(seen, changed, names, sure, size)
    factor = max(1, SIDE // (2 * seen.shape[1]))
    tiles = [each.repeat(factor, axis=0).repeat(factor, axis=1) for each in tiles]
    kc.analysis.draw_tiles(folder / "fooled.png", tiles, titles, columns=3)
    verb = "is now called" if names[0] != names[1] else "is still called"
    told = (
        f"What was called {names[0][0]} ({sure[0][0]:.0%}) {verb} {names[1][0]} ({sure[1][0]:.0%})"
    )
    return Told(
        f"{told}: no value was changed by more than {size:g} of 255.", folder / "fooled.png"
    )


@functools.cache
def writer() -> tuple[Any, Any]:
    """The shipped character model: its job and the model."""
    from language_model import LanguageModel

    job = kc.jobs.open_run(LanguageModel, SHIPPED / "writing-shakespeare")
    return job, job.trained()


def written(folder: Path, prime: str, temperature: float, length: float, seed: float) -> Told:
    """What the character model writes on from a beginning."""
    if not 1 <= length <= LONGEST:
        raise kc.InputError(f"{length:g} letters were asked for", f"1 to {LONGEST}", "Ask again.")
    job, model = writer()
    job.settings = dataclasses.replace(
        job.settings, prime=checked_text(prime), temperature=temperature, seed=int(seed)
    )
    [text] = job.writer(model, int(length))()
    return Told(prime + text)


@functools.cache
def style_network() -> Any:
    """The shipped style network."""
    import keras

    [path, *_] = sorted(SHIPPED.glob("style-*"))
    return kc.export.saved_model_network(path, keras.Input((None, None, 3)))


def styled(folder: Path, picture: str | None) -> Told:
    """A picture in the style of the network."""
    given = kc.data.read_image(smaller(picture, folder))
    [made] = kc.models.transform_pictures(style_network(), [given])
    kc.data.write_picture(folder / "styled.png", made)
    return Told(f"{given.shape[1]} x {given.shape[0]} pixels, styled.", folder / "styled.png")
