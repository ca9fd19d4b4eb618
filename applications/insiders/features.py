"""What layers see, what excites them, and what they have kept."""

from __future__ import annotations

import numpy as np

import keras_classics as kc
from insiders.subject import BOUNDS, Finding, Subject, shown_as

# Channels of a layer on its page; as many rows of a channel's patches make a square.
CHANNELS, TOP = 16, 9
RESTARTS = 2
CLASSES = 8


def receptive(subject: Subject) -> Finding:
    """How much of the picture a unit of each layer sees."""
    fields = [kc.analysis.receptive_field(subject.model, name) for name in subject.layers]
    kc.analysis.draw_receptive_fields(subject.file("receptive.png"), subject.images[0], fields)
    sizes = {name: each.size for name, each in zip(subject.layers, fields, strict=True)}
    height, width = subject.images.shape[1:3]
    first = next((name for name, (h, w) in sizes.items() if h >= height and w >= width), None)
    told = ", ".join(f"{h:g} x {w:g} pixels in {name}" for name, (h, w) in sizes.items())
    whole = f"from {first} on it" if first else "in none of them it"
    sentence = f"A unit sees {told}; {whole} can see the whole picture of {height} x {width}."
    return Finding([sentence], {"What the unit in the middle of each map sees": "receptive.png"},
                   {"sizes": sizes})  # fmt: skip


def patches(subject: Subject) -> Finding:
    """The pieces of pictures that excite each channel most."""
    found = kc.analysis.find_patches(subject.model, subject.images, subject.layers, top=TOP)
    drawn, sentences, purity, alives = {}, [], {}, {}
    rng = np.random.default_rng(subject.settings.seed)
    for number, (name, each) in enumerate(zip(subject.layers, found, strict=True)):
        alive = np.flatnonzero(each.values[:, 0] > 0)
        alives[name] = len(alive)
        file = f"patches_{number}.png"
        shown = alive[:CHANNELS] if len(alive) else range(1)
        kc.analysis.draw_patches(
            subject.file(file), each, shown_as(subject.images), channels=list(map(int, shown))
        )
        drawn[
            f"{name}: in each square the {TOP} strongest patches of a channel, above it its "
            "number and its highest activation; grey is outside of the picture"
        ] = file
        strongest = len(np.unique(each.pictures[alive, 0]))
        sentence = (
            f"In {name} {len(alive)} of {len(each.values)} channels answer to some picture, and "
            f"{strongest} of {len(subject.images)} pictures excite one of them most"
        )
        if np.bincount(subject.labels).max() >= TOP:
            own = _commonest(subject.labels, each.pictures[alive])
            chance = _commonest(rng.permutation(subject.labels), each.pictures[alive])
            purity[name] = own
            sentence += (
                f"; of the {TOP} that excite a channel most {own:.0%} are of one class "
                f"({chance:.0%} where labels are shuffled)"
            )
        sentences.append(f"{sentence}.")
    return Finding(sentences, drawn, {"answering": alives, "of one class": purity})


def invert(subject: Subject) -> Finding:
    """Pictures that a layer takes for others: what it has kept of them."""
    shown = subject.images[: subject.settings.pictures]
    rows, titles = [*shown], ["picture"] * len(shown)
    sentences, figures = [], {}
    for name in subject.layers:
        found = kc.analysis.invert(
            subject.model, shown, name, bounds=BOUNDS, restarts=RESTARTS,
            steps=subject.settings.steps, seed=subject.settings.seed,
        )  # fmt: skip
        rows += [*found.images[:, 0]]
        titles += [name] * len(shown)
        away = float(np.abs(found.images - shown[:, None]).mean())
        apart = float(np.abs(found.images[:, 0] - found.images[:, 1]).mean())
        error, between = float(found.errors.mean()), float(found.between.mean())
        sentences.append(
            f"{name}: pictures were found whose features differ by {error:.1%} of their length, "
            f"where those of two pictures differ by {between:.0%}; their pixels are {away:.0f} of "
            f"255 levels from the picture's and, from two starts, {apart:.0f} from each other's."
        )
        figures[name] = {"error": error, "between": between, "away": away, "apart": apart}
    kc.analysis.draw_tiles(
        subject.file("inversion.png"), [*map(shown_as, rows)], titles, columns=len(shown)
    )
    caption = "The pictures, then what each layer takes for them"
    return Finding(sentences, {caption: "inversion.png"}, figures)


def maximize(subject: Subject) -> Finding:
    """The pictures that classes would like best."""
    # Those that the pictures show, the commonest first.
    counts = np.bincount(subject.labels, minlength=len(subject.classes))
    wanted = np.argsort(-counts, kind="stable")[: min(CLASSES, np.count_nonzero(counts))]
    found = kc.analysis.maximize(
        subject.model, [*map(int, wanted)], bounds=BOUNDS, steps=subject.settings.steps,
        seed=subject.settings.seed,
    )  # fmt: skip
    sure = subject.probabilities_of(found.images)
    taken = sure.argmax(axis=1) == wanted
    own = sure[np.arange(len(wanted)), wanted]
    titles = [f"{subject.name(n)}\n{p:.0%}" for n, p in zip(wanted, own, strict=True)]
    kc.analysis.draw_tiles(
        subject.file("maximization.png"), [*shown_as(found.images)], titles, columns=4
    )
    real = subject.probabilities.max(axis=1).mean()
    sentence = (
        f"The score of a class rises from {found.start.mean():.1f} to {found.values.mean():.1f} on "
        f"average; {taken.sum()} of {len(wanted)} of these pictures are taken for their class, "
        f"with {own.mean():.0%} on average, where the network gives real pictures {real:.0%}"
        + (
            "; the others excite another class still more, and are like no picture it has seen."
            if not taken.all()
            else "."
        )
    )
    figures = {"start": found.start, "values": found.values, "probabilities": own}
    return Finding([sentence], {"What each class would like best": "maximization.png"}, figures)


def _commonest(labels: np.ndarray, pictures: np.ndarray) -> float:
    """Mean share that the commonest class has among the pictures of a channel."""
    shares = [
        np.bincount(labels[row[row >= 0]]).max() / np.count_nonzero(row >= 0) for row in pictures
    ]
    return float(np.mean(shares)) if shares else 0.0
