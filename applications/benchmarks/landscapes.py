"""Points of loss landscapes beside the loop that everybody writes: move the weights, evaluate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import CLOCKS, MEASURED, console, turns

TIMED = "lenet_5_modern,resnet_20_cifar"


def landscape(
    *,
    models: Annotated[str, "our names of classifiers, with commas"] = TIMED,
    images: Annotated[int, "pictures that each point is measured on"] = 1000,
    batch: Annotated[int, "pictures of a batch, in both"] = 128,
    points: Annotated[int, "points of a turn"] = 5,
    repeats: Annotated[int, "turns; the fastest counts"] = 3,
) -> pd.DataFrame:
    """Milliseconds of a point of a loss landscape, beside `set_weights` and `evaluate`.

    Both are compiled before the clock runs, and find the same losses. "The bare forward" only runs
    the compiled network: what is left of a point when everything else costs nothing.
    """
    rows = []
    for name in models.split(","):
        model = kc.create_model(name, weights=None)
        model.compile(loss="sparse_categorical_crossentropy")
        draw = np.random.default_rng(0)
        inputs = draw.normal(size=(images, *model.input_shape[1:])).astype("float32")
        labels = draw.integers(0, model.output_shape[-1], images)
        direction = kc.analysis.random_direction(model)
        surface = kc.analysis.LossSurface(model, inputs, labels, [direction], batch_size=batch)
        contenders = {
            "ours": partial(along, surface, points),
            "set_weights, evaluate": partial(
                by_the_loop, model, inputs, labels, direction, batch, points
            ),
            "the bare forward": forward(model, inputs, batch, points),
        }
        own, others, _ = (contender() for contender in contenders.values())
        console.print(f"{name}: largest difference {np.abs(np.subtract(own, others)).max():.1g}")
        taken = turns(contenders, repeats) * 1e3 / points
        for clock, note in CLOCKS.items():
            ours, *peers = taken[clock].items()
            rows += [
                {"model": f"{name}{note}", "beside": beside, "ours": ours[1], "peer": peer}
                for beside, peer in peers
            ]
    setting = f"{images} pictures, batch {batch}, {keras.config.backend()}"
    return pd.DataFrame(rows).assign(setting=setting, unit="ms").reindex(columns=MEASURED)


def forward(model, inputs, batch: int, points: int) -> Callable[[], None]:
    """The network alone, as often as a line needs it."""
    parts = [inputs[start : start + batch] for start in range(0, len(inputs), batch)]

    def repeated() -> None:
        for part in parts * points:
            model.predict_on_batch(part)

    return repeated


def along(surface, points: int) -> list[float]:
    """Losses on a line, by one compiled function of the distance."""
    return [surface(distance) for distance in np.linspace(0, 1, points)]


def by_the_loop(model, inputs, labels, direction, batch: int, points: int) -> list[float]:
    """The same losses, and the weights put back."""
    own, losses = model.get_weights(), []
    for distance in np.linspace(0, 1, points):
        pairs = zip(own, direction.steps, strict=True)
        model.set_weights([x + distance * step for x, step in pairs])
        losses.append(model.evaluate(inputs, labels, batch_size=batch, verbose=0))
    model.set_weights(own)
    return losses
