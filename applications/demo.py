"""A page with a tab for each kind of shipped model: ask it, see what it looks at, fool it.

    pip install '.[demo]' && python applications/demo.py       # then open http://127.0.0.1:7860
    python applications/demo.py --port 8000
    python applications/demo.py --host 0.0.0.0                  # for the network, and not before

Only this machine is answered unless --host says otherwise. Nothing is told or fetched elsewhere,
what visitors bring is deleted after ten minutes, and what is too large is refused.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras_classics as kc
from demonstrations import answers
from demonstrations.answers import MOST_PIXELS, SHIPPED, asked, checked_text
from demonstrations.tabs import Tab, add_tab, examples, fenced

if TYPE_CHECKING:
    import gradio
    import uvicorn

METHODS = ("grad_cam", "cam", "layer_cam", "guided_grad_cam", "saliency", "integrated_gradients")
MISSING = "`saved_models` holds no {}: this tab answers when one is shipped."
# Seconds that what was brought and drawn is kept.
KEPT = 600
FILE = "20mb"


PICTURE = [("picture", "Picture")]
TABS = [
    Tab("Captions", "A sentence about a picture, by attention over its parts.",
        "captioning-scenes", PICTURE,
        asked("captioning", "Captioning", "captioning-scenes", n_best=3), draws=False),
    Tab("Translation", "English to French, of numbers, dates, times, sums and measures; below, "
        "what each French word looks at.", "translation-phrases",
        [("text", "English", "")],
        asked("translation", "Translation", "translation-phrases",
              lambda text, folder: checked_text(text or ""), n_best=3, draw=True)),
    Tab("Maps", "What a picture shows, and where the classifier sees it.",
        "classification-scenes",
        [*PICTURE, ("choice", "Method", METHODS)], answers.maps),
    Tab("Writing", "A network that learned Shakespeare letter by letter writes on.",
        "writing-shakespeare",
        [("text", "Beginning", "ROMEO:"), ("number", "Temperature", 0.2, 1.5, 0.7, 0.1),
         ("number", "Letters", 50, 1000, 300, 50), ("number", "Seed", 0, 100, 0, 1)],
        answers.written, draws=False),
    Tab("Digits", "Lines of digits, beside each other, read without knowing where each begins.",
        "labelling-digit_lines", PICTURE,
        asked("labelling", "Labelling", "labelling-digit_lines", answers.line_of), draws=False),
    Tab("Detection", "Boxes around things, with their names.", "detection-scenes", PICTURE,
        asked("detection", "Detection", "detection-scenes")),
    Tab("Segmentation", "The class of every pixel.", "segmentation-scenes", PICTURE,
        asked("segmentation", "Segmentation", "segmentation-scenes")),
    Tab("Fooling", "Every value of a picture is changed a little, so that it is called otherwise.",
        "classification-scenes",
        [*PICTURE, ("number", "Largest change of a value, of 255", 0.5, 16, 8, 0.5)],
        answers.fooled),
    Tab("Style", "A picture painted anew.", "style-*", PICTURE, answers.styled),
]  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> None:
    """Parse the arguments, and answer until Ctrl-C."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = kc.cli.Parser(description=__doc__, formatter_class=raw)
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address that is answered on (default: %(default)s, "
        "this machine alone)")  # fmt: skip
    add("--port", type=kc.cli.positive, default=7860, help="(default: %(default)s)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        server = server_of(options.host, options.port, Path(folder))
        print(f"page: http://{options.host}:{options.port}  (Ctrl-C ends it)", flush=True)
        server.run()


def server_of(host: str, port: int, folder: Path) -> uvicorn.Server:
    """What answers, once it is run.

    Args:
        host: Address.
        port: Port.
        folder: For what visitors bring and what is drawn.

    Raises:
        InputError: The address is not of this machine, or something else answers there.
        ImportError: gradio is not installed.
    """
    # Read when it is imported.
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=str(folder))
    # First: it brings the two others, and is what an error should name.
    import gradio as gr  # isort: skip
    import fastapi
    import uvicorn
    from PIL import Image

    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise kc.InputError(
            f"{host}:{port} cannot be answered on ({error.strerror})",
            "an address of this machine, and a port that is free",
            "Give another --port.",
        ) from None
    # `kc.data.read_image` takes two thirds of it.
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS * 3 // 2
    kc.cli.import_keras()
    app = gr.mount_gradio_app(
        fastapi.FastAPI(openapi_url=None), built(folder), "/", server_name=host, server_port=port,
        footer_links=[], run_history=False, max_file_size=FILE, ssr_mode=False, show_error=False,
        # By default fonts are fetched from elsewhere.
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
    )  # fmt: skip
    return uvicorn.Server(
        uvicorn.Config(fenced(app), host, port, log_level="warning", timeout_graceful_shutdown=1)
    )


def built(folder: Path) -> gradio.Blocks:
    """The page."""
    import gradio as gr

    with gr.Blocks(
        title="keras-classics", analytics_enabled=False, delete_cache=(60, KEPT)
    ) as page:
        gr.Markdown("# keras-classics\nSmall networks that were trained in minutes on one core.")
        for tab in TABS:
            with gr.Tab(tab.title, elem_id=tab.name):
                gr.Markdown(tab.about)
                found = sorted(SHIPPED.glob(tab.model))
                if found:
                    add_tab(tab, examples(found[0], folder))
                else:
                    gr.Markdown(MISSING.format(tab.model))
    return page


if __name__ == "__main__":
    sys.exit(main())
