"""The graph of a model as Graphviz draws it."""

from __future__ import annotations

from pathlib import Path

import keras

from keras_classics.core.boundary.files import write_whole
from keras_classics.core.errors import InputError, installing

# Graphviz draws all but the first.
GRAPH_ENDINGS = (".dot", ".png", ".svg", ".pdf")


def check_graph_ending(path: Path) -> None:
    """Refuse a file that no graph is drawn into.

    Raises:
        InputError: It has another ending.
    """
    if path.suffix.lower() not in GRAPH_ENDINGS:
        raise InputError(
            f"--out {path} was given",
            f"a file ending in {', '.join(GRAPH_ENDINGS)}",
            f"Write --out {path.with_suffix('.png')}.",
        )


def draw_graph(path: Path, model: keras.Model) -> None:
    """Draw the layers of a model, with the shapes between them.

    Args:
        path: File to write, of one of `GRAPH_ENDINGS`.
        model: The model.

    Raises:
        InputError: Graphviz or pydot is not installed, or the file cannot be written.
    """
    ending = path.suffix.lower()
    try:
        dot = keras.utils.model_to_dot(model, show_shapes=True, show_layer_names=True)
        drawn = dot.to_string().encode() if ending == ".dot" else dot.create(format=ending[1:])
    except (ImportError, FileNotFoundError) as error:
        remedy = (
            installing("plot")
            if isinstance(error, ImportError)
            else f"Install Graphviz (on Debian: apt-get install graphviz), or write --out "
            f"{path.with_suffix('.dot')}."
        )
        raise InputError(
            f"The graph cannot be drawn here ({str(error).splitlines()[0]})",
            "an environment with pydot and, but for .dot files, the Graphviz programs",
            remedy,
        ) from error
    write_whole(path, lambda fresh: fresh.write_bytes(drawn))
