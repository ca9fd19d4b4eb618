"""One adapter: what engines do not document is used in two files, and settings of the process in none."""

import inspect
import sys

import pytest

from core.private_names import own_names, private_uses, process_settings
from support import ROOT, run_python

PACKAGE = ROOT / "package" / "keras_classics"
FILES = [*PACKAGE.rglob("*.py"), *(ROOT / "applications").rglob("*.py")]
OWN = own_names(FILES)
ADAPTERS = [PACKAGE / "core/keras_internals.py", PACKAGE / "distribution/mending.py"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_private_parts_of_engines_are_used_in_two_files_alone(file):
    used = list(private_uses(file, OWN))
    if file in ADAPTERS:
        assert used, f"{file} adapts nothing"
    else:
        assert not used, "belongs into core/keras_internals.py"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("x._keras_history", "_keras_history"),
        ("self._inbound_nodes", "_inbound_nodes"),
        ("getattr(x, '_flatten_layers')", "_flatten_layers"),
        ("model.jax_state_sync()", "jax_state_sync"),
        ("from keras.src import ops", "keras.src.ops"),
        ("from tensorflow.python.ops import x", "tensorflow.python.ops.x"),
        ("importlib.import_module('keras.src.ops')", "keras.src.ops"),
        ("keras.src.ops", "keras.src"),
        ("keras.Variable.__init__ = f", "keras.Variable.__init__ is replaced"),
    ],
)
def test_such_a_use_would_be_found(line, found, tmp_path):
    (tmp_path / "file.py").write_text(f"self._own = point._replace(x=1)\n{line}\n")
    uses = list(private_uses(tmp_path / "file.py", {"_own"}))
    assert f"2: {found}" in uses and not any(use.startswith("1:") for use in uses)


def test_no_class_of_ours_hides_a_private_name_of_keras():
    """A method of theirs that is overridden without being known is used as much as one called."""
    hidden = []
    for name, module in list(sys.modules.items()):
        if not name.startswith("keras_classics.") or name.endswith("keras_internals"):
            continue
        for own in filter(inspect.isclass, vars(module).values()):
            theirs = [base for base in own.__mro__ if base.__module__.startswith("keras.")]
            taken = {key for base in theirs for key in vars(base)}
            hidden += [
                f"{name}.{own.__name__}.{key}"
                for base in own.__mro__
                if base.__module__ == name
                for key in vars(base)
                if key in taken and key.startswith("_") and not key.endswith("__")
            ]
    # What Python and Keras themselves put into classes.
    assert [each for each in hidden if "_abc_impl" not in each and "._api_" not in each] == []


# Programs of our own, whose process is theirs, begin there.
COMMANDS = {"jobs", "cli.py", "core/commands.py"}
# Elsewhere each has a reason: deep graphs; one call of Keras, after which all is as it was.
SETTINGS_ALLOWED = {
    "core/keras_internals.py": {"sys.setrecursionlimit"},
    "analysis/maps/map_sanity.py": {"random.seed"},
}


@pytest.mark.parametrize(
    "name", sorted(str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py"))
)
def test_settings_of_the_process_are_left_alone(name):
    if not COMMANDS & {name, name.split("/")[0]}:
        changed = {each.split(": ")[1] for each in process_settings(PACKAGE / name)}
        assert changed == SETTINGS_ALLOWED.get(name, set())


STATE = """
import logging, os, random, signal, sys, threading, warnings
import keras, matplotlib, numpy as np, tensorflow

def state():
    return {
        "recursion": sys.getrecursionlimit(),
        "filters": list(warnings.filters),
        "environment": dict(os.environ),
        "loggers": {name: (each.level, each.disabled, len(each.handlers))
                    for name, each in logging.Logger.manager.loggerDict.items()
                    if isinstance(each, logging.Logger)},
        "root": (logging.root.level, len(logging.root.handlers), logging.root.manager.disable),
        "rc": {key: matplotlib.rcParams._get(key) for key in matplotlib.rcParams},
        "numpy": (np.geterr(), np.get_printoptions()),
        "draws": (random.getstate(), np.random.get_state()[1].tolist()),
        "keras": (keras.config.floatx(), keras.config.dtype_policy().name,
                  keras.config.image_data_format(), keras.config.is_traceback_filtering_enabled()),
        "hooks": (sys.excepthook, threading.excepthook, signal.getsignal(signal.SIGINT)),
        "threads": threading.active_count(),
    }

before = state()
import keras_classics as kc
after = state()
# Importing makes loggers of libraries; those that were there stay as they were.
after["loggers"] = {name: after["loggers"][name] for name in before["loggers"]}
print([key for key in before if before[key] != after[key]])
"""


def test_importing_leaves_the_process_as_it_was():
    assert run_python(STATE).strip() == "[]"
