"""A type checker sees every argument of a builder, as `py.typed` promises."""

import re
import subprocess
import sys

import pytest

from support import ROOT

CALLS = """\
import numpy as np
import keras_classics as kc

kc.models.ResNet50()
kc.models.ResNet50(include_top=False, weights=None, name="mine", stride_in="3x3")
kc.models.ResNet50(True, "imagenet")
kc.models.ResNet50(classes=np.int64(4), classifier_activation=None, width=0.5)
kc.models.Perceptron(classes=3)
kc.models.RoadAlexNet(until="conv4", pooling="avg")
kc.create_model("vgg16", name="mine", width=0.5)
kc.models.ResNet50(clases=10)  # wrong: "clases".*did you mean "classes"
kc.models.ResNet50(classes="ten")  # wrong: "classes".*incompatible type "str"
kc.models.ResNet50("imagenet")  # wrong: Argument 1.*incompatible type "str"; expected "bool"
kc.models.ResNet50(stride_in=3)  # wrong: "stride_in".*incompatible type "int"
kc.models.ResNet50(batch_norm=True)  # wrong: Unexpected keyword argument "batch_norm"
kc.models.VGG16(batch_norm="yes")  # wrong: "batch_norm".*incompatible type "str"
kc.models.Perceptron(width=0.5)  # wrong: Unexpected keyword argument "width"
reveal_type(kc.models.VGG16)
"""


@pytest.mark.slow
def test_a_checker_admits_what_is_right_and_refuses_what_is_wrong(tmp_path):
    file = tmp_path / "calls.py"
    file.write_text(CALLS)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--follow-imports=silent", str(file)],
        cwd=ROOT, capture_output=True, text=True, env={"MYPYPATH": str(ROOT / "package")},
    )  # fmt: skip
    errors = re.findall(r"calls\.py:(\d+): error: (.*)", done.stdout)
    wrong = re.findall(r"^(.*)# wrong: (.*)$", CALLS, re.MULTILINE)
    assert len(errors) == len(wrong), done.stdout + done.stderr
    for (number, message), (call, expected) in zip(errors, wrong, strict=True):
        assert CALLS.splitlines()[int(number) - 1].startswith(call)
        assert re.search(expected, message)
    revealed = re.search(r"Revealed type is .*", done.stdout)[0]
    for argument in (
        "dense_units: int =",
        "batch_norm: bool =",
        "include_top: bool =",
        "classes: typing.SupportsIndex | None =",
        "input_shape: tuple[int | None, ...] | None =",
        "name: str | None =",
    ):
        assert argument in revealed
