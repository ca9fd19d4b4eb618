"""What a package registers with Keras is registered whichever of its modules comes first."""

import shutil
import subprocess
import sys

import pytest

import keras_classics as kc
from keras_classics.core import importing

# A package with a room and a deep module, both of which import Keras; Keras is a stub here.
FILES = {
    "keras.py": "",
    "house/__init__.py": (
        "import importing\n"
        "found = []\n"
        "def register():\n"
        "    from house import room\n"
        "    found.append(room.NAME)\n"
        "__getattr__ = importing.later(__name__, {'NAME': 'room', 'deep': ''})\n"
        "importing.once_there_is_keras(__name__, register)\n"
    ),
    "house/deep.py": "import keras\nVALUE = 1\n",
    "house/room.py": "from house.deep import VALUE\nNAME = 'room'\n",
}
ORDERS = {
    "Keras before": "import keras, house; early = house.found[:]",
    "Keras after": "import house; early = house.found[:]; import keras",
    "a room first": "import house.room; early = []",
    # What imports Keras is incomplete then: nothing of it could be imported.
    "a deep module first": "import house.deep; early = []",
    "a member first": "import house; early = house.found[:]; house.NAME",
    "a module first": "import house; early = house.found[:]; house.deep",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    (folder / "house").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "importing.py").write_text(open(importing.__file__).read())
    return folder


@pytest.mark.parametrize("order", ORDERS)
def test_it_is_done_once_and_as_soon_as_keras_is_there(folder, order):
    code = f"{ORDERS[order]}; import house, keras, sys; print(early, house.found, " \
        "any(type(each).__name__ == '_Watch' for each in sys.meta_path))"  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env={}
    )
    early = ["room"] if order == "Keras before" else []
    assert done.stdout == f"{early} ['room'] False\n", done.stderr


def test_without_keras_nothing_is_done_and_an_unknown_name_is_an_error(folder):
    code = "import house\ntry:\n house.nothing\nexcept AttributeError as error: print(error)\nprint(house.found)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env={}
    )
    assert done.stdout == "module 'house' has no attribute 'nothing'\n[]\n", done.stderr


def test_threads_that_import_at_once_wait_for_one_another(folder):
    # While one imports Keras, another is in the middle of a room that needs it.
    slow = folder / "slow"
    shutil.copytree(folder, slow, ignore=shutil.ignore_patterns("slow"))
    (slow / "keras.py").write_text("import time\ntime.sleep(0.3)\n")
    code = """if True:
        import house, sys, threading
        def take(name):
            try:
                __import__(name)
            except BaseException as error:
                print(repr(error))
        names = ["keras", "house.room", "house.deep", "keras"]
        threads = [threading.Thread(target=take, args=[name]) for name in names]
        for each in threads: each.start()
        for each in threads: each.join()
        print(house.found, any(type(each).__name__ == "_Watch" for each in sys.meta_path))
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=slow, capture_output=True, text=True, env={}
    )
    assert done.stdout == "['room'] False\n", done.stdout + done.stderr


def test_after_an_import_that_failed_it_is_done_by_the_next(folder):
    code = """if True:
        import house, sys
        try:
            import house.absent
        except ImportError:
            pass
        (lambda: __import__("keras"))()
        print(house.found)
    """
    (folder / "house" / "absent.py").write_text("import nothing_of_this_name\n")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env={}
    )
    assert done.stdout == "['room']\n", done.stderr


def test_a_member_that_is_not_there_is_told_with_the_nearest():
    with pytest.raises(AttributeError, match=r"no attribute 'analyse'. Did you mean 'analysis'"):
        kc.analyse  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute '_models'$"):
        kc._models  # noqa: B018
    with pytest.raises(AttributeError, match="'SqueezeNet'. Did you mean 'SqueezeNet1_"):
        kc.models.SqueezeNet  # noqa: B018
    with pytest.raises(ImportError):
        from keras_classics.models import InceptionV3  # noqa: F401
