"""Tests in processes of their own: an engine is imported once, and every test gets a copy of that.

To import Keras on an engine took half of what such a test costs. So a process for each engine has
done it, and nothing else: it has neither threads nor devices, which a copy could not take along.
Tests run in forks of it, strangers to one another; where one dies, its answer is its signal.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import traceback
import types
from pathlib import Path

# Only Linux tells of the end of a process by a file, and elsewhere a fork may not live.
CAN_COPY = hasattr(os, "pidfd_open")


class Engine:
    """A process that has imported some modules, and runs code in copies of itself."""

    def __init__(self, imports: tuple[str, ...], settings: dict[str, str]):
        """Start to import.

        Args:
            imports: Names of modules.
            settings: Its environment, the backend within.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="engine-")
        with open(self._path("log"), "w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, *imports], env=settings, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        atexit.register(self.end)

    def run(self, code: str, timeout: float) -> str:
        """What the code printed in a copy of the process; an assertion where it failed."""
        asked = {"code": code, "timeout": timeout, "folder": self._folder.name}
        try:
            print(json.dumps(asked), file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            engine.cache_clear()
            self.end()
            raise AssertionError(f"the engine ended: {self._path('log').read_text()[-3000:]}")
        status = json.loads(answer)
        output, errors = (self._path(name).read_text() for name in ("output", "errors"))
        said = f"{output[-3000:]}{errors[-3000:]}"
        assert status is not None, f"after {timeout} s it had not ended: {said}"
        assert status == 0, f"it ended with {status}: {said}"
        return output

    def end(self) -> None:
        """Let it go, and wait for it."""
        atexit.unregister(self.end)
        self._process.stdin.close()
        self._process.wait()

    def _path(self, name: str) -> Path:
        return Path(self._folder.name, name)


@functools.cache
def engine(*imports: str, **settings: str) -> Engine:
    """The one process of these modules and these settings beside today's environment."""
    return Engine(imports, {**os.environ, **settings})


def _serve() -> None:
    """Answer each line of the standard input, a code to run, with how it ended."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    for name in sys.argv[1:]:
        importlib.import_module(name)
    # Nobody looks at it again: a copy shares its pages with the others.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            _become(asked["code"], Path(asked["folder"]))
        ended = os.pidfd_open(child)
        seen, _, _ = select.select([ended], [], [], asked["timeout"])
        os.close(ended)
        if not seen:
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps(status if seen else None), file=answers, flush=True)


def _become(code: str, folder: Path) -> None:
    """In the copy: be the process that `python -c code` would be, to its end."""
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, folder / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, folder / "errors", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        os.dup2(os.open(path, flags), number)
    sys.argv = ["-c"]
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    status = 1
    try:
        exec(compile(code, "<string>", "exec"), main.__dict__)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # The end of an interpreter with an engine takes as long as a test, and nobody looks at it.
        os._exit(status)


if __name__ == "__main__":
    _serve()
