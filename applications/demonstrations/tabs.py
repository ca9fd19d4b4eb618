"""What tabs of `applications/demo.py` are made of."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras_classics as kc
from demonstrations.answers import LETTERS

# Of what a model carries with it.
EXAMPLES = 4
# The browser is to fetch nothing from elsewhere, whatever a page asks for.
POLICY = b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'self'"


class Tab(NamedTuple):
    """A tab.

    Attributes:
        title: Its title.
        about: A sentence about it.
        model: Folder of the model among the shipped ones, perhaps as a pattern.
        asks: What a visitor fills in, as `field` takes it.
        answer: From a folder to draw into and what was filled in to `Told`.
        draws: Whether a picture is a part of the answer.
    """

    title: str
    about: str
    model: str
    asks: Sequence[tuple]
    answer: Callable
    draws: bool = True

    @property
    def name(self) -> str:
        """How the page calls it."""
        return self.title.lower().replace(" ", "-")


def add_tab(tab: Tab, shown: Sequence[str]) -> None:
    """What is asked on the left, the answer on the right, and examples below."""
    import gradio as gr

    with gr.Row():
        with gr.Column():
            inputs = [field(*each) for each in tab.asks]
            button = gr.Button("Answer", variant="primary", elem_id=f"{tab.name}-ask")
            if shown:
                gr.Examples([[each] for each in shown], inputs[0], label="Examples")
        with gr.Column():
            said = gr.Textbox(
                label="Answer", interactive=False, lines=2, elem_id=f"{tab.name}-said"
            )
            drawn = gr.Image(label="Picture", interactive=False, format="png", visible=tab.draws,
                             buttons=["download", "fullscreen"],
                             elem_id=f"{tab.name}-drawn")  # fmt: skip
    # One at a time: models and figures are not made for several at once.
    button.click(functools.partial(told, tab), inputs, [said, drawn], concurrency_id="models",
                 concurrency_limit=1)  # fmt: skip


def told(tab: Tab, *given: Any) -> tuple[str, Any]:
    """An answer, or why there is none, in a sentence."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = tab.answer(Path(folder), *given)
        except kc.InputError as error:
            return str(error), None
        return found.text, found.picture and kc.data.read_image(found.picture)


def field(kind: str, label: str, *more: Any) -> Any:
    """What a visitor fills in."""
    import gradio as gr

    if kind == "picture":
        found = gr.Image(label=label, type="filepath", sources=["upload", "clipboard"])
        # By itself it might unpack a picture before its size was looked at.
        found.preprocess = lambda payload: payload.path if payload else None
        return found
    if kind == "text":
        return gr.Textbox(*more, label=label, max_length=LETTERS)
    if kind == "choice":
        return gr.Dropdown([*more[0]], value=more[0][0], label=label)
    least, most, value, step = more
    return gr.Slider(least, most, value=value, step=step, label=label)


def examples(model: Path, folder: Path) -> list[str]:
    """Some of the test examples that a model carries, as texts or files."""
    carried = kc.export.read_examples(model)
    inputs = carried.inputs[:EXAMPLES] if carried else []
    if not len(inputs) or isinstance(inputs[0], str):
        return [text[:LETTERS] for text in inputs if "\n" not in text]
    paths = [folder / f"{model.name}-{number}.png" for number in range(len(inputs))]
    for path, picture in zip(paths, inputs, strict=True):
        kc.data.write_picture(path, picture)
    return [*map(str, paths)]


def fenced(app: Callable) -> Callable:
    """An application whose pages a browser shows without fetching anything from elsewhere."""

    async def answer(scope: dict, receive: Callable, send: Callable) -> None:
        async def sent(message: dict) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY)]
            await send(message)

        await app(scope, receive, sent)

    return answer
