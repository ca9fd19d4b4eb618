"""What of other libraries' private parts, and of the user's process, a source file touches."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ENGINES = ("keras", "tensorflow", "tf", "jax")
# Beginnings of modules that their libraries do not document.
PRIVATE_MODULES = ("keras.src", "tensorflow.python", "tf.python", "jax._src", "jaxlib")
# Names without an underscore that no documentation of Keras explains, and ways past its classes.
UNDOCUMENTED = {
    "call_signature_parameters",
    "distribute_strategy",
    "get_dropout_mask",
    "get_jax_iterator",
    "inner_loop",
    "jax_state_sync",
    "node_index",
    "operations",
    "__dict__",
    "__new__",
}
# By Python, of named tuples and of itself; and what argparse alone knows of a program's flags.
DOCUMENTED = {"_replace", "_asdict", "_fields", "_make", "_getframe", "_actions", "_exit"}


def own_names(files: list[Path]) -> set[str]:
    """Private names that some files define themselves."""
    names: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.id if isinstance(node, ast.Name) else node.attr)
    return {name for name in names if name.startswith("_")}


def private_uses(file: Path, own: set[str]) -> Iterator[str]:
    """What a file uses of others' private parts: `line: what`."""
    for node in ast.walk(ast.parse(file.read_text())):
        for name in _names(node):
            private = name.startswith("_") and not name.endswith("__")
            if (private and name not in own | DOCUMENTED) or name in UNDOCUMENTED:
                yield f"{node.lineno}: {name}"
        for module in _modules(node):
            if module.startswith(PRIVATE_MODULES):
                yield f"{node.lineno}: {module}"
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if _dotted(node).split(".")[0] in ENGINES:
                yield f"{node.lineno}: {_dotted(node)} is replaced"


def process_settings(file: Path) -> Iterator[str]:
    """Which settings of the whole process a file changes: `line: what`."""
    tree = ast.parse(file.read_text())
    # Python puts these back by itself.
    kept = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.With)
        and any("catch_warnings" in ast.unparse(item.context_expr) for item in node.items)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and id(node) not in kept and _dotted(node.func) in SETTINGS:
            yield f"{node.lineno}: {_dotted(node.func)}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            if any(module.startswith("matplotlib.pyplot") for module in _modules(node)):
                yield f"{node.lineno}: matplotlib.pyplot"
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            if _dotted(node.value) in ("os.environ", "matplotlib.rcParams"):
                yield f"{node.lineno}: {_dotted(node.value)}"


SETTINGS = {
    "sys.setrecursionlimit",
    "matplotlib.use",
    "matplotlib.rcParams.update",
    "warnings.filterwarnings",
    "warnings.simplefilter",
    "logging.basicConfig",
    "logging.disable",
    "logging.captureWarnings",
    "os.environ.setdefault",
    "os.environ.update",
    "os.environ.pop",
    "os.putenv",
    "np.seterr",
    "np.random.seed",
    "random.seed",
    "locale.setlocale",
    "tf.get_logger",
    "tf.config.set_visible_devices",
    "keras.config.set_floatx",
    "keras.config.set_dtype_policy",
    "keras.utils.set_random_seed",
}


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
        second = node.args[1]
        if node.func.id in ("getattr", "setattr", "hasattr", "delattr"):
            return [second.value] if isinstance(second, ast.Constant) else []
    return []


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{each.name}" for each in node.names]
    if isinstance(node, ast.Attribute):
        return [_dotted(node)]
    # A module that is imported, or a function that is replaced, by its name.
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""
