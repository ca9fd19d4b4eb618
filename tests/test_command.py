"""The program answers what it can without an engine, and its own sentence is all that is told."""

import json
import os
import signal
import subprocess
import sys

import pytest

from keras_classics import __version__
from support import ROOT

PATH = os.pathsep.join(str(ROOT / name) for name in ("package", "applications"))
ENGINES = {"keras", "tensorflow", "jax", "torch", "numpy"}


def answer(*arguments, of="keras_classics.cli"):
    """Exit code, both outputs and the engines that were imported."""
    code = f"""if True:
        import json, sys
        from {of} import main
        try:
            code = main()
        except SystemExit as error:
            code = error.code
        sys.stdout.flush()
        print()
        print(json.dumps([code, sorted(sys.modules)]))
    """
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT / "package",
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": PATH},
    )  # fmt: skip
    out, told = done.stdout.rstrip("\n").rsplit("\n", 1)
    code, modules = json.loads(told)
    return code, out, done.stderr, ENGINES & set(modules)


@pytest.mark.parametrize(
    ("arguments", "code", "out", "error"),
    [
        (["--help"], 0, "all facts of one model", ""),
        (["summary", "--help"], 0, "--set KEY=VALUE", ""),
        (["--version"], 0, f"keras-classics {__version__}", ""),
        (["lst"], 2, "", "'lst' was given for verb. Allowed: list, tree, "),
        (["lst"], 2, "", "Did you mean 'list'"),
        (["list", "--yaer=2014"], 2, "", "--yaer=2014 was given. Allowed: the flags that --help "),
        (["list", "--yaer=2014"], 2, "", "Did you mean '--year'"),
        (["serve-check", "x", "--repeats", "0"], 2, "", "'0' is not a whole number from 1 to"),
        (["list", "VGG_D"], 0, "138,357,544  15,470,264,320", ""),
        (["list", "vgg16"], 0, "vgg_d", ""),
        (["list", "--family", "vg"], 1, "", "The family 'vg' is unknown. Allowed: alexnet, "),
        (["list", "vgg_d", "--year", "1800"], 1, "", "No model matches vgg_d of 1800."),
        (["list", "[red]"], 1, "", "No model matches [red]"),
        (["card", "VGG16"], 0, "15,470,264,320", ""),
        (["card", "vgg17"], 1, "", "Did you mean 'VGG19' or 'VGG16'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_it_answers_without_an_engine(arguments, code, out, error):
    found = answer(*arguments)
    assert found[0] == code and out in found[1] and error in found[2]
    # A mistake is told in one line.
    assert found[2].count("\n") == (code != 0)
    assert bool(found[2]) == (code != 0)
    assert found[3] == set()


@pytest.mark.parametrize(
    "name", ["captioning", "classification", "labelling", "language_model", "translation"]
)
def test_applications_answer_without_one_too(name):
    for arguments, code, told in (
        (["--help"], 0, "--batch-size N"),
        (["train", "--help"], 0, "--skip-non-finite"),
        (["--version"], 0, f"keras-classics {__version__}"),
        (["trian"], 2, "Did you mean 'train'"),
        (["evaluate", "--epochs", "3"], 2, "--epochs was given to evaluate"),
    ):
        found = answer(*arguments, of=name)
        assert found[0] == code and told in found[1 if code == 0 else 2], arguments
        assert found[3] <= {"numpy"}, arguments


@pytest.mark.parametrize("name", ["explain", "multi30k", "detection", "compress", "look_inside"])
def test_so_do_those_of_other_kinds(name):
    told = answer("--help", of=name)
    assert told[0] == 0 and "--out" in told[1] and told[3] <= {"numpy"}
    wrong = answer("--uot", "x", of=name)
    assert wrong[0] == 2 and wrong[3] <= {"numpy"}
    assert "Did you mean '--out'" in wrong[2] and wrong[2].count("\n") == 1


@pytest.mark.parametrize(("name", "verb"), [("benchmark", "decode"), ("formats", "run")])
def test_so_do_measurements(name, verb):
    told = answer("--help", of=name)
    assert told[0] == 0 and verb in told[1] and told[3] <= {"numpy"}
    flags = answer(verb, "--help", of=name)
    assert flags[0] == 0 and "--out" in flags[1] and flags[3] <= {"numpy"}
    for arguments in ([verb[:-1]], [verb, "--uot", "x"]):
        wrong = answer(*arguments, of=name)
        assert wrong[0] == 2 and wrong[3] <= {"numpy"} and wrong[2].count("\n") == 1


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        (["--method", "grad_cma"], "Did you mean 'grad_cam'"),
        (["--top", "0"], "'0' is not a whole number from 1 to"),
        (["--picture", "maps.bmp"], "'maps.bmp' ends in neither .png nor .jpg"),
    ],
)
def test_a_wrong_value_for_explanations_is_one_sentence(flag, told):
    code, out, error, _ = answer(*flag, of="explain")
    assert (code, out, error.count("\n")) == (2, "", 1) and told in error


def test_a_verb_that_needs_the_engine_gets_it_without_its_lines():
    code, out, error, engines = answer("summary", "VGG16", "--set", "width=.1", "clases=3")
    assert (code, out) == (1, "") and "keras" in engines
    # One sentence: nothing of TensorFlow's stands before it.
    assert error.startswith("error: 'clases' was given to 'VGG16'.") and error.count("\n") == 1


def test_why_the_engine_is_not_there_is_told():
    code = """if True:
        import sys
        sys.modules["keras"] = None
        sys.argv[1:] = ["summary", "lenet_5"]
        from keras_classics.cli import main
        sys.exit(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "package", capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith("error: ") and "keras" in done.stderr


def started(code, **options):
    """A process that gets to the engine, which is a module of our making."""
    engine = f"""if True:
        import os, signal, sys, types
        from importlib.machinery import ModuleSpec
        # What a shell starts in the background ignores it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        class Engine:
            def find_spec(self, name, *_):
                if name == "keras":
                    os.write(2, b"line of the engine\\n")
                    {code}
        sys.meta_path.insert(0, Engine())
        sys.argv[1:] = ["summary", "lenet_5"]
        from keras_classics.cli import main
        sys.exit(main())
    """
    return subprocess.run(
        [sys.executable, "-c", engine], cwd=ROOT / "package", capture_output=True, timeout=60,
        **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "ended"),
    [("os.abort()", -signal.SIGABRT), ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
     ("sys.exit(7)", 7), ("raise OSError('broken')", 1)],
)  # fmt: skip
def test_what_an_engine_says_before_it_ends_the_process_is_shown(code, ended):
    done = started(code)
    assert done.returncode == ended and done.stderr.startswith(b"line of the engine\n")
    assert done.stdout == b"" and done.stderr.count(b"line of the engine") == 1


def test_ctrl_c_while_an_engine_is_imported_is_one_word():
    # A terminal sends it to all processes of the command.
    done = started("os.killpg(0, 2); sys.modules['time'].sleep(9)", start_new_session=True)
    assert (done.returncode, done.stderr) == (130, b"interrupted\n")


def test_without_standard_error_the_answer_is_the_same():
    code = "import os, sys; os.close(2); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    done = subprocess.run(
        [sys.executable, "-c", code, "-m", "keras_classics", "summary", "lenet_5"],
        cwd=ROOT / "package", capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0 and "trainable parameters: " in done.stdout
