"""A case: a call with one or two arguments that its author did not think of, and what came of it."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import functools
import gc
import inspect
import os
import random
import re
import resource
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras

import keras_classics as kc
from core.test_public_face import PUBLIC
from fuzz import strange
from fuzz.files import draw_file, read_mutated
from fuzz.things import NAMES, SPOIL, consumed
from models.image.test_families import SMALL
from support import growth

_LINES = [
    line
    for line in Path(__file__).with_name("calls.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
# What takes seconds comes a tenth as often.
OFTEN = [10 - 9 * line.startswith("~") for line in _LINES]
CALLS = [line.lstrip("~") for line in _LINES]
KEPT = Path(__file__).with_name("kept.txt").read_text().splitlines()
# What runs on TensorFlow alone.
OF_TENSORFLOW = (
    "kc.data.", "kc.export.", "kc.jobs.", "kc.cli.", "kc.compression.", "kc.distribution.",
)  # fmt: skip
# Public callables without a call of their own, and why.
ELSEWHERE = {
    "InputError": "an error", "export.ExportError": "an error", "ModelCard": "checked in the catalogue",
    "register": "makes a builder, which is called", "cli.main": "tests/test_hostile_flags.py",
    "cli.guarded": "runs what it is given", "cli.sound": "runs what it is given",
    "models.Sharing": "a base to be filled in", "data.load_speech": "a door of tests/test_hostile_files.py",
    "callbacks.PictureCallback": "a base to be filled in", "jobs.run": "tests/test_hostile_flags.py", "jobs.Job": "a base to be filled in",
    "jobs.Answers": "runs a program", "jobs.open_run": "a door of tests/test_hostile_files.py",
    "data.load_tfds": "needs a network",
    "export.answers_elsewhere": "starts a process", "export.reopen": "runs a program", "export.load_saved_model": "runs a program",
    "export.Exported": "holds what export returns", "export.Reopened": "holds what reopen returns",
    "compression.PackedModel": "made by pack", "compression.Shared": "made by share_weights",
    "export.Served": "holds what serve_check returns",
}  # fmt: skip
# What is given under a name where no line says it.
COMMON = {
    "model": "classifier()", "models": "[classifier()]", "path": "'a path'", "folder": "'a folder'",
    "images": "pictures()", "pictures": "pictures()", "texts": "['one two', 'five']",
    "vocabulary": "vocabulary()", "recipe": "recipe()", "labels": "[0, 1]", "text": "'one two'",
    "references": "[['one'], ['two']]", "hypotheses": "['one', 'two']", "states": "normal(4, 3)",
    "probabilities": "probabilities()", "pairs": "[('en', 'fr')]", "units": "units()",
    "source_vocabulary": "vocabulary()", "target_vocabulary": "vocabulary()", "count": "2",
}  # fmt: skip
MEMORY = 500e6
HEADROOM = 6e9
SEPARATE = ("Unrecognized keyword argument", "Argument(s) not recognized")


class Outcome(NamedTuple):
    """What came of a call: a result, a refusal in a sentence, or a fault and where."""

    kind: str
    what: str = ""
    where: str = ""


def is_record(value: Any) -> bool:
    """Whether a class only holds what it is given."""
    if not inspect.isclass(value):
        return False
    plain = dataclasses.is_dataclass(value) and not hasattr(value, "__post_init__")
    return plain or issubclass(value, tuple)


def _uncalled() -> Iterator[tuple[str, Any]]:
    """Public callables that no line is written for, by their names below `kc`."""
    text = "\n".join(CALLS)
    builders = {kc.core.cards.catalogue.builder(name).__name__ for name in kc.list_models()}
    for name, value in PUBLIC.items():
        own = name.removeprefix("keras_classics.").replace(".inside.", ".")
        known = own in ELSEWHERE or own.removeprefix("models.") in builders or is_record(value)
        if not known and not re.search(rf"kc\.{re.escape(own)}\b", text):
            yield own, value


@functools.cache
def derived() -> list[str]:
    """Calls of what no line is written for: what is given elsewhere under the same names."""
    found = []
    for name, value in _uncalled():
        required = [
            each.name
            for each in inspect.signature(value).parameters.values()
            if each.default is each.empty
            and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        ]
        given = [
            f"{each}={COMMON.get(each) or _alike().get(each, ['None'])[0]}" for each in required
        ]
        found.append(f"kc.{name}({', '.join(given)})")
    return found


# ---------------------------------------------------------------------------------------------


def draw_case(seed: int, number: int, backend: str = "tensorflow") -> str:
    """The call of a case, as text that can be evaluated among `things.NAMES`."""
    draw = random.Random(f"{seed} {number}")
    kind = draw.random()
    if kind < 0.08 and backend == "tensorflow":
        return draw_file(draw)
    if kind < 0.25:
        name = draw.choice(sorted(SMALL))
        given = ", ".join(f"{key}={value!r}" for key, value in SMALL[name].items())
        text = f"kc.models.{kc.core.cards.catalogue.builder(name).__name__}({given})"
    else:
        (text,) = draw.choices([*CALLS, *derived()], [*OFTEN, *[5] * len(derived())])
        while backend != "tensorflow" and any(each in text for each in OF_TENSORFLOW):
            (text,) = draw.choices(CALLS, OFTEN)
    tree = ast.parse(text, mode="eval")
    if draw.random() > 0.04:
        for _ in range(draw.choice((1, 1, 1, 2))):
            _change(draw, draw.choice(list(_subjects(tree.body))))
    return ast.unparse(tree)


def _subjects(body: ast.expr) -> Iterator[ast.Call]:
    """The calls of public things in a call, or the last one."""
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
    ours = [call for call in calls if ast.unparse(call.func).startswith("kc.")]
    yield from ours or calls[:1]


def _change(draw: random.Random, call: ast.Call) -> None:
    """Change an argument of a call."""
    way = draw.random()
    slots = [(call.args, n) for n in range(len(call.args))]
    slots += [(each, "value") for each in call.keywords]
    further = _further(call)
    if way < 0.02 and all(each.arg != "nonsense" for each in call.keywords):
        return call.keywords.append(ast.keyword("nonsense", _value(draw)))
    if way < 0.04:
        return call.args.append(_value(draw))
    if way < 0.07 and slots:
        holder, place = draw.choice(slots)
        return holder.pop(place) if isinstance(holder, list) else call.keywords.remove(holder)
    if further and (way < 0.2 or not slots):
        return call.keywords.append(ast.keyword(draw.choice(further), _value(draw)))
    if not slots:
        return call.args.append(_value(draw))
    holder, place = draw.choice(slots)
    old = holder[place] if isinstance(place, int) else holder.value
    name = holder.arg if isinstance(holder, ast.keyword) else None
    new = _changed(draw, old, name)
    if isinstance(place, int):
        holder[place] = new
    else:
        holder.value = new
    return None


@functools.cache
def _signature(function: str) -> inspect.Signature | None:
    try:
        return inspect.signature(eval(function, dict(NAMES)))
    # Of what has none there is nothing to add.
    except Exception:
        return None


def _further(call: ast.Call) -> list[str]:
    """Names of arguments that a call leaves out."""
    signature = _signature(ast.unparse(call.func))
    given = {each.arg for each in call.keywords}
    parameters = list(signature.parameters.values()) if signature else []
    return [
        each.name
        for each in parameters[len(call.args) :]
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY) and each.name not in given
    ]


@functools.cache
def _alike() -> dict[str, list[str]]:
    """What is given elsewhere under the name of an argument: of the right type, beside it."""
    found: dict[str, list[str]] = {}
    for call in CALLS:
        for node in ast.walk(ast.parse(call, mode="eval")):
            if isinstance(node, ast.keyword) and node.arg:
                found.setdefault(node.arg, []).append(ast.unparse(node.value))
    return found


def _value(draw: random.Random, kinds: list[list[str]] | None = None) -> ast.expr:
    return ast.parse(draw.choice(draw.choice(kinds or strange.KINDS)), mode="eval").body


def _changed(draw: random.Random, old: ast.expr, name: str | None) -> ast.expr:
    """Another value for an argument: near to what it is, or anything."""
    way, text = draw.random(), ast.unparse(old)
    if way < 0.1 and len(_alike().get(name or "", [])) > 1:
        return ast.parse(draw.choice(_alike()[name]), mode="eval").body
    if isinstance(old, ast.List | ast.Tuple) and old.elts and way < 0.4:
        place = draw.randrange(len(old.elts))
        old.elts[place] = _changed(draw, old.elts[place], None)
        return old
    if isinstance(old, ast.Dict) and old.keys and way < 0.4:
        place = draw.randrange(len(old.keys))
        side = draw.choice([old.keys, old.values])
        side[place] = _changed(draw, side[place], None)
        return old
    literal = old.value if isinstance(old, ast.Constant) else None
    if way < 0.75:
        if isinstance(literal, bool):
            return _value(draw, [strange.NUMBERS, strange.TEXTS, ["None"]])
        if isinstance(literal, int | float):
            near = ("-{}", "{} * 1000", "{} + 0.5", "np.int64({})", "str({})", "float({})", "[{}]",
                    "bool({})", "{} / 7", "np.array({})", "np.float32({})", "{} - 1", "{} + 1")  # fmt: skip
            return ast.parse(
                draw.choice([*[each.format(text) for each in near], *strange.NUMBERS]), mode="eval"
            ).body
        if isinstance(literal, str):
            near = ("{}.upper()", "{} + 'x'", "[{}]", "{}.encode()", "Path({})", "{} * 2", "({},)")
            return ast.parse(
                draw.choice([*[each.format(text) for each in near], *strange.TEXTS]), mode="eval"
            ).body
        if literal is None:
            return ast.parse(f"{draw.choice(sorted(SPOIL))}({text})", mode="eval").body
    return _value(draw)


# ---------------------------------------------------------------------------------------------


def run_case(text: str) -> Outcome:
    """Make the call and say what came of it."""
    taken: list[Outcome] = []
    keras.utils.set_random_seed(0)
    grown = growth(lambda: taken.append(_made(text)))
    (outcome,) = taken
    if grown > MEMORY and outcome.kind != "fault":
        return Outcome("fault", f"{grown / 1e6:,.0f} MB more", "memory")
    return outcome


def _made(text: str) -> Outcome:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            consumed(eval(compile(text, "<case>", "eval"), {**NAMES, "read_mutated": read_mutated}))
    except kc.InputError as error:
        if ". Allowed: " not in str(error):
            return _fault(error, "not in three parts: ")
        return Outcome("refusal")
    except argparse.ArgumentTypeError as error:
        # What reads a flag says so to argparse.
        return Outcome("refusal") if text.startswith("kc.cli.") else _fault(error)
    except BaseException as error:
        return Outcome("signature") if _is_of_the_signature(error) else _fault(error)
    return Outcome("result")


def _is_of_the_signature(error: BaseException) -> bool:
    """Whether Python, or Keras for its layers, says that there is no such argument."""
    if isinstance(error, ValueError):
        return str(error).startswith(SEPARATE)
    if isinstance(error, AttributeError) and "module 'keras_classics" in str(error):
        # A call of what is no longer there says nothing.
        return False
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    said = r"argument|positional|keyword|takes no"
    # Of what a text says and Python refuses before anything is called nothing is to be learnt.
    return isinstance(error, TypeError | AttributeError) and (
        last == "<case>"
        or (last.endswith("core/arguments.py") and bool(re.search(said, str(error))))
    )


def _fault(error: BaseException, prefix: str = "") -> Outcome:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if "keras_classics" in each.filename]
    last = (ours or frames)[-1]
    where = f"{last.filename.rpartition('keras_classics/')[2]}:{last.name}"
    said = " ".join(str(error).split())[:160]
    return Outcome("fault", f"{prefix}{type(error).__name__}: {said}", where)


def serve(connection: Any, seed: int, backend: str) -> None:
    """Make the cases whose numbers come in, one after the other; tell each call before it is made."""
    assert keras.config.backend() == backend, "one server of forks has imported one backend"
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    os.environ["HOME"] = str(folder)
    with Path(os.devnull).open("w") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
    for name in kc.__all__:
        getattr(kc, name)
    _bound_memory()
    # What is there now stays; looking through it after every case would take longest.
    gc.freeze()
    try:
        while (number := connection.recv()) is not None:
            place = folder / "a case"
            place.mkdir()
            os.chdir(place)
            text = number if isinstance(number, str) else draw_case(seed, number, backend)
            connection.send(text)
            connection.send(run_case(text))
            os.chdir(folder)
            shutil.rmtree(place, ignore_errors=True)
            keras.backend.clear_session(free_memory=False)
            gc.collect()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bound_memory() -> None:
    """What asks for very much is told that there is none, and the machine goes on."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = int(pages * os.sysconf("SC_PAGE_SIZE") + HEADROOM)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
