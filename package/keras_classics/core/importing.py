"""When things are imported: not before they are asked for, as Keras and its engine take seconds.

`import keras_classics` brings neither, so that a command answers `--help` or a typing error at
once. What the package promises all the same, that files of its models load by themselves, is kept
by watching for Keras.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def later(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose members are imported when they are first asked for.

    Args:
        package: Its name.
        places: The module of each member, below the package; a member that is a module itself has
            the empty text.
    """

    def near(name: str) -> str:
        known = vars(sys.modules[package]).get("__all__", ())
        # Python itself asks for what begins so, which no package has to have.
        if not known or name.startswith("_"):
            return ""
        from keras_classics.core.names import did_you_mean, not_here

        return f". {not_here(name) or did_you_mean(name, known)}".rstrip(". ")

    def member(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}{near(name)}")
        module = importlib.import_module(f"{package}.{places[name] or name}")
        found = getattr(module, name) if places[name] else module
        setattr(sys.modules[package], name, found)
        return found

    return member


def once_there_is_keras(package: str, register: Callable[[], object]) -> None:
    """Do something now if Keras has been imported, and otherwise as soon as it has.

    Args:
        package: The package that is registered, whose modules may be what imports Keras: then it is
            done when the first of them is complete.
        register: What is done, once.
    """
    if sys.modules.get("keras") is not None:
        register()
    else:
        sys.meta_path.insert(0, _Watch(package, register))


class _Watch(MetaPathFinder):
    """Stands before the other finders of modules until Keras has been imported."""

    def __init__(self, package: str, register: Callable[[], object]) -> None:
        self._inner = f"{package}."
        self._register = register
        self._thread = threading.local()
        # Of all threads: how many are importing something, and whether one registers.
        self._lock = threading.Lock()
        self._active = 0
        self._taken = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """What the others find, with a look around when it has been run."""
        if fullname != "keras" and not fullname.startswith(self._inner):
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((each for each in found if each is not None), None)
        if spec is not None and spec.loader is not None:
            # Of this one module: each has a loader of its own, which stays what it is.
            run = spec.loader.exec_module
            spec.loader.exec_module = functools.partial(self._run, run)  # type: ignore[method-assign]
        return spec

    def _run(self, run: Callable[[ModuleType], None], module: ModuleType) -> None:
        if getattr(self._thread, "within", False):
            run(module)
            return
        self._thread.within = True
        with self._lock:
            self._active += 1
        try:
            run(module)
        finally:
            with self._lock:
                self._active -= 1
            self._finish()
            self._thread.within = False

    def _finish(self) -> None:
        """Register, if nobody is importing or has done it.

        A module on the way in is incomplete, in whichever thread: nothing that imports from it
        could be run. Who leaves last has none beside it.
        """
        with self._lock:
            if self._active or self._taken or sys.modules.get("keras") is None:
                return
            self._taken = True
        try:
            self._register()
            sys.meta_path.remove(self)
        except RuntimeError as error:
            # Another thread has begun an import meanwhile that waits for this one; it is the last
            # then. Python has no public name for that error.
            if type(error).__name__ != "_DeadlockError":
                raise
        finally:
            self._taken = self not in sys.meta_path
