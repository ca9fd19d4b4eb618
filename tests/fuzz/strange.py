"""Values that users pass and a caller may not have thought of, as text."""

from __future__ import annotations

import importlib.util

NUMBERS = [
    "0", "1", "-1", "2", "3", "7", "2**31", "2**40", "10**30", "-2**63", "0.0", "-0.5", "0.5", "1.0",
    "1.5", "2.0", "1e-300", "1e300", "float('nan')", "float('inf')", "-math.inf", "3 + 4j", "True",
    "False", "np.int64(3)", "np.int8(-1)", "np.uint8(2)", "np.float32(0.5)", "np.float64('nan')",
    "np.bool_(True)", "np.array(3)", "np.array([2])", "Decimal('1.5')", "Fraction(1, 2)",
]  # fmt: skip
TEXTS = [
    "''", "' '", "'a'", "'nonsense'", "'3'", "'ünïcödé 中文 😀👩‍🚀'", "'عربي'", "'a\\x00b'", "'\\ud800'",
    "'x' * 100_000", "b'bytes'", "'no/such/folder/a file.txt'", "'[brackets]/$HOME/{a} b.png'",
    "'~/a'", "'.'", "Path('no such folder')", "Path('[a] $b/ü 😀.keras')", "Path('.')", "'a\\nb'",
    "'imagenet'", "'same'", "'relu'", "'None'", "folder_of(a__txt='a')", "a_file('a.txt')",
    "a_file('empty', b'')",
]  # fmt: skip
ARRAYS = [
    "np.array([])", "np.array([1, 2, 3])", "np.array([[1.0, 2.0]])", "np.zeros((2, 3, 4, 5))",
    "np.zeros((0, 3))", "np.full((2, 2), np.nan)", "np.array(['a', 'b'])", "np.array([None, 1])",
    "np.array('2020-01-01', 'datetime64')", "np.ones((1, 1, 1, 1, 1, 1))", "np.array([[1], [2]])",
    "np.ma.masked_array([1, 2], [0, 1])", "keras.ops.ones((2, 3))", "keras.Input((4,))",
    "keras.Variable(1.0)", "keras.KerasTensor((None, 3))", "tensor_of('tensorflow', 2, 3)",
    "pictures()", "normal(2, 3)", "ids(2, 3)",
]  # fmt: skip
COLLECTIONS = [
    "[]", "()", "{}", "set()", "[None]", "[[]]", "[1, 2]", "(1, 2)", "['a', 'b']", "(0, 0)",
    "(-1, 4)", "(4, 1)", "(0.5, 0.5)", "{'a': 1}", "{1: 2}", "{'a': None}", "[1, 'a', None]", "range(3)",
    "iter([1, 2])", "(x for x in ['a', 'b'])", "[['a', 'b'], ['c']]", "[float('nan')]", "[[1, 2], [3]]",
    "['']", "['a', 'a']", "[True, False]", "[10**30]", "[-1]", "(1, 2, 3)", "frozenset([1])",
]  # fmt: skip
OBJECTS = [
    "None", "None", "object()", "int", "type(None)", "len", "(lambda *a, **k: None)", "(lambda: 1)",
    "pd.Series([1, 2, 3])", "pd.Series(['a', 'b'])", "pd.Series(dtype=float)", "pd.NA", "pd.Timestamp(0)",
    "pd.DataFrame({'a': [1.0], 'b': ['x']})", "pd.DataFrame()", "pd.Index([1, 2])",
    "pd.Categorical(['a'])", "layers.Dense(3)", "keras.Sequential()", "classifier()", "compiled()",
    "vocabulary()", "alphabet()", "kc.models", "kc.models.LeNet5", "keras.optimizers.SGD()",
    "keras.losses.MeanSquaredError()", "recipe()", "np.random.default_rng(0)", "Ellipsis", "slice(3)",
    "keras.Model", "layers.LSTMCell(3)", "'relu'.upper",
]  # fmt: skip
# A tensor of an engine that is not the one that computes.
for engine in ("torch", "jax"):
    if importlib.util.find_spec(engine):
        ARRAYS.append(f"tensor_of({engine!r}, 2, 3)")
KINDS = [NUMBERS, TEXTS, ARRAYS, COLLECTIONS, OBJECTS]
