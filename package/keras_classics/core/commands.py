"""What every command line of the house does: how it reads, how it prints, and how it ends.

Needs no engine, so that a command can answer before one is imported.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import errno
import importlib
import io
import math
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from traceback import print_exception
from typing import TYPE_CHECKING, NoReturn, TypeVar

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, UsageError, explain, installing
from keras_classics.core.names import did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

# What a terminal obeys, and halves of characters, which it cannot show.
_CODES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
Asked = TypeVar("Asked")
Content = TypeVar("Content")

# What a disk answers to who writes or reads; the file is not always named.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
OWN = "keras_classics"
# No count or size is larger; what is would not fit into an engine's numbers.
MOST = 2**63 - 1
# What is to be installed for a module that the package always needs; its name is not always the
# module's. Of a module that is neither here nor below nothing is guessed: whoever likes may have
# published something under its name.
DISTRIBUTIONS = {
    "PIL": "pillow", "h5py": "h5py", "keras": "keras", "matplotlib": "matplotlib",
    "numpy": "numpy", "pandas": "pandas", "rich": "rich", "tensorflow": "tensorflow",
    "tensorflow_datasets": "tensorflow-datasets",
}  # fmt: skip
# The extra that brings a module, in releases that go with the others.
EXTRAS = {
    "ai_edge_litert": "litert", "av": "video", "babel": "translation", "cv2": "cv",
    "gradio": "demo", "huggingface_hub": "huggingface", "jax": "jax", "keras_hub": "hub",
    "networkx": "graphs", "num2words": "translation", "numba": "binary", "onnx": "onnx",
    "onnxruntime": "onnx", "openvino": "openvino", "pycocoevalcap": "captions",
    "pycocotools": "cv", "pydot": "plot", "sacrebleu": "translation", "scipy": "fooling",
    "sentencepiece": "translation", "sklearn": "digits", "tensorboard": "tensorboard",
    "tf2onnx": "onnx", "torch": "torch",
}  # fmt: skip
# As a shell reports a program that the signal of the same meaning has ended.
INTERRUPTED, NOBODY_READS = 130, 141


# How argparse says that a word is none of some.
_NO_CHOICE = re.compile(r"argument (.*?): invalid choice: '(.*)' \(choose from (.*)\)$", re.S)


class Parser(argparse.ArgumentParser):
    """A command line that says what is wrong with it in one sentence, like all of this package."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command.

        Args:
            message: What argparse found.

        Raises:
            UsageError: Always.
        """
        help = f"See {self.prog} --help."
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            word = unknown.split()[0].partition("=")[0]
            raise UsageError(
                f"{unknown} was given",
                "the flags that --help lists",
                did_you_mean(word, self._options()) or help,
            )
        if found := _NO_CHOICE.search(message):
            name, word, listed = found.groups()
            choices = [each.strip(" '") for each in listed.split(",")]
            raise UsageError(
                f"{word!r} was given for {name}",
                ", ".join(choices),
                did_you_mean(word, choices) or help,
            )
        raise UsageError(f"A flag is wrong ({message})", "what --help lists", help)

    def _options(self) -> Iterator[str]:
        """All flags, those of the verbs too, which leave what they do not know to the whole."""
        for action in self._actions:
            yield from action.option_strings
            verbs = action.choices.values() if isinstance(action.choices, dict) else ()
            for each in verbs:
                yield from each._options() if isinstance(each, Parser) else ()


def guarded(
    run: Callable[[Sequence[str] | None], int | None],
    argv: Sequence[str] | None,
    *,
    tracebacks: bool = False,
) -> int:
    """Run a command: a user's mistake becomes one sentence and exit code 1 or 2, Ctrl-C code 130.

    A mistake is what our own checks found, a file or disk that is not as it must be, or a library
    that is not installed. Anything else is a defect of ours and keeps its traceback.

    Args:
        run: The command, from the arguments to an exit code or None.
        argv: The arguments; those of the process by default.
        tracebacks: Show where a user's mistake was found, too.
    """
    with _somewhere_to_print():
        try:
            return _printed(run, argv)
        except BrokenPipeError:
            # `head`, say, has read enough.
            _leave_output()
            return NOBODY_READS
        except Exception as error:
            sentence = _told(error)
            if sentence is None:
                raise
            tell(error, sentence, traceback=tracebacks)
            if isinstance(error, OSError) and error.filename is None:
                _leave_output()
            return getattr(error, "exit_code", 1)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return INTERRUPTED


def _printed(run: Callable[[Sequence[str] | None], int | None], argv: Sequence[str] | None) -> int:
    """Run a command; what was printed to a full disk or a gone reader fails where it is caught."""
    try:
        code = run(argv) or 0
    except SystemExit:
        # Its help, say, after which argparse leaves.
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return code


def _leave_output() -> None:
    """Let what is still buffered go somewhere at exit, where it would fail once more."""
    # What stands in for the output may be no file of the system's.
    with open(os.devnull, "w") as nowhere, contextlib.suppress(io.UnsupportedOperation):
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@contextlib.contextmanager
def _somewhere_to_print() -> Iterator[None]:
    """Stand in for the outputs of a process that was started without them, which Python lacks."""
    with contextlib.ExitStack() as stack:
        for name, redirect in (
            ("stdout", contextlib.redirect_stdout),
            ("stderr", contextlib.redirect_stderr),
        ):
            if getattr(sys, name) is None:
                nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                stack.enter_context(redirect(nowhere))
        yield


def tell(error: Exception, sentence: str, *, traceback: bool) -> None:
    """Print a mistake of the user's on standard error.

    Args:
        error: What was raised.
        sentence: What the user is told.
        traceback: Show where it was raised, first.
    """
    if traceback:
        print_exception(error)
    print(f"error: {printable(sentence)}", file=sys.stderr)


def printable(text: str) -> str:
    """A text whose codes for a terminal are written out: names may be a stranger's.

    Args:
        text: The text; ends of lines and tabs stay.
    """
    return _CODES.sub(lambda found: ascii(found[0])[1:-1], text)


def _told(error: Exception) -> str | None:
    """What the user is told of an error; None of a defect of ours."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError) and (error.filename is not None or error.errno in DISK):
        return explain(
            f"{error.filename or 'A file'} cannot be used ({error.strerror})",
            "files you may read, and folders you may write to with room on their disk",
            "Check the path, its permissions and the disk.",
        )
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith(OWN):
        module = str(error.name).split(".")[0]
        if module in EXTRAS:
            remedy = installing(EXTRAS[module])
        elif module in DISTRIBUTIONS:
            remedy = f"Run: pip install {DISTRIBUTIONS[module]}"
        else:
            remedy = f"Install the distribution that brings the module {module}."
        return explain(
            f"{module} is needed here and not installed",
            "an environment with it installed",
            remedy,
        )
    return None


@contextlib.contextmanager
def engines_lines_kept() -> Iterator[None]:
    """Show what is written to standard error meanwhile only where it says why something failed.

    TensorFlow tells about instruction sets and missing drivers: at every import whatever is set,
    later unless it is told not to. Its errors come as exceptions all the same, or end the process
    at once; for then another process waits, which shows the lines.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        shown = os.dup(2)
    except OSError:
        # There is no standard error, and nothing to be kept from it.
        yield
        return
    with tempfile.TemporaryFile() as kept, _shown_after_an_abort(kept.fileno(), shown):
        _flush()
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except (Exception, SystemExit):
            _flush()
            _show(kept.fileno(), shown)
            raise
        finally:
            _flush()
            os.dup2(shown, 2)
            os.close(shown)


def _flush() -> None:
    # A process that was started without standard error may have it by number only.
    if sys.stderr is not None:
        sys.stderr.flush()


def _show(kept: int, shown: int) -> None:
    os.lseek(kept, 0, os.SEEK_SET)
    while block := os.read(kept, 2**16):
        os.write(shown, block)


@contextlib.contextmanager
def _shown_after_an_abort(kept: int, shown: int) -> Iterator[None]:
    """Have what was kept shown by another process if this one ends before it leaves."""
    if not hasattr(os, "fork"):
        yield
        return
    ended, running = os.pipe()
    # Ctrl-C is for one of the two alone, at whatever moment it comes.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    watcher = os.fork()
    if watcher == 0:
        # Nothing else of this process may happen twice.
        try:
            os.close(running)
            if not os.read(ended, 1):
                _show(kept, shown)
        finally:
            os._exit(0)
    os.close(ended)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield
    finally:
        # It may have been ended by somebody.
        with contextlib.suppress(BrokenPipeError):
            os.write(running, b".")
        os.close(running)
        os.waitpid(watcher, 0)


def import_keras() -> None:
    """Import Keras and its engine, for a command whose arguments are known to be good."""
    if "keras" not in sys.modules:
        with engines_lines_kept():
            importlib.import_module("keras")


def sound(
    asked: Iterable[Asked], read: Callable[[Asked], Content], faulty: list[Asked]
) -> Iterator[tuple[Asked, Content]]:
    """Read what a user names, one after the other; a faulty one is a line of its own, not the end.

    Args:
        asked: Such as the paths of pictures.
        read: From one of them to its content; raises `InputError`.
        faulty: Takes those that could not be read.

    Yields:
        Each of the others, and its content.
    """
    for each in asked:
        try:
            content = read(each)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            faulty.append(each)
            continue
        yield each, content


@checked
def key_values(text: str) -> tuple[str, object]:
    """Parse `key=value` for argparse; the value is a Python literal or else a string."""
    key, separator, value = text.partition("=")
    if not separator or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not of the form key=value")
    try:
        found = ast.literal_eval(value)
    # The last three of what is nested too deep, or a table of lists.
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return key, value
    if any(not _fits(number) for number in _numbers(found)):
        raise argparse.ArgumentTypeError(
            f"{key} has a number that is too large; numbers go up to {MOST:,}"
        )
    return key, found


def _numbers(value: object) -> Iterator[float]:
    """All numbers in a literal."""
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, dict):
        yield from _numbers([*value, *value.values()])
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from _numbers(each)


def _fits(number: float) -> bool:
    return -MOST <= number <= MOST if isinstance(number, int) else math.isfinite(number)


@checked
def parse_pairs(text: str) -> list[list[str]]:
    """Directions of translation as they are written on a command line: `en-fr,fr-en`.

    Raises:
        InputError: They are not directions, or one is there twice.
    """
    pairs = [part.strip().split("-") for part in text.split(",") if part.strip()]
    sound = all(len(pair) == 2 and all(pair) for pair in pairs)
    if not sound or len(set(map(tuple, pairs))) < len(pairs):
        raise InputError(
            f"The directions {text} were given",
            "different ones, each a source and a target language, with commas between",
            "Write for example en-fr,fr-en.",
        )
    return pairs


@checked
def positive(text: str) -> int:
    """Parse a whole number from 1 on for argparse."""
    if text.isdecimal() and len(text) <= len(str(MOST)) and 0 < int(text) <= MOST:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from 1 to {MOST:,}")


@checked
def plain_console(*, stderr: bool = False) -> Console:
    """A console of Rich that prints texts as they are.

    What stands in a path or a sentence is neither markup (`photo[red].png`) nor an emoji's name
    (`:cat:`), and lines are as long as they are.

    Args:
        stderr: Print to standard error instead of standard output.
    """
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, soft_wrap=True)


@checked
def columns(rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """Rows of texts below each other, each column as wide as its widest text: nothing is cut.

    Args:
        rows: Such as the headings and what stands below them; a short row is filled up.
        left: Number of columns, from the first, whose texts begin below each other; the texts of
            the others, figures, end so.

    Returns:
        A line for each row, two spaces between columns.
    """
    from rich.cells import cell_len

    aligned = []
    for number, column in enumerate(zip_longest(*rows, fillvalue="")):
        # As many letters may be twice as wide, in Chinese say.
        widths = [cell_len(text) for text in column]
        gaps = [" " * (max(widths) - width) for width in widths]
        pairs = zip(column, gaps, strict=True)
        aligned.append([text + gap if number < left else gap + text for text, gap in pairs])
    return "\n".join("  ".join(row).rstrip() for row in zip(*aligned, strict=True))
