"""Two workers of one training, one of them killed, in forks of a process that has only imported.

No operation of TensorFlow runs before the forks, so each begins as a fresh process does, without
the seconds that importing takes.
"""

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path

import curves
import keras_classics as kc


def killed_and_again(place):
    """Train until the second worker is killed, and then both again to the end.

    Args:
        place: A folder, for the run `two`, its copy `alone` as the kill left it, and `until_killed`,
            what the first worker printed.
    """
    place = Path(place)
    with Workers(place, pause=0.2) as (first, second):
        while not (place / "two" / "history.csv").exists() and not first.has_ended():
            time.sleep(0.2)
        second.kill()
        first.must_end_with(1, within=120)
        assert "error: Another worker does not answer any more" in first.errors.read_text()
        first.output.rename(place / "until_killed")
    shutil.copytree(place / "two", place / "alone")
    with Workers(place, pause=0) as both:
        for worker in both:
            worker.must_end_with(0, within=600)


class Workers:
    """Both, for a while."""

    def __init__(self, place, pause):
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
        for each in sockets:
            each.close()
        self.workers = [Worker(place, number, addresses, pause) for number in range(2)]

    def __enter__(self):
        return self.workers

    def __exit__(self, *error):
        for worker in self.workers:
            worker.kill()


class Worker:
    """A fork that trains in the folder `two`."""

    def __init__(self, place, number, addresses, pause):
        self.output, self.errors = place / f"output{number}", place / f"errors{number}"
        self.ended = None
        self.process = os.fork()
        if self.process == 0:
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
            os.environ["TF_CONFIG"] = json.dumps(task)
            # For what a killed worker leaves behind.
            os.environ["TMPDIR"], tempfile.tempdir = str(place), None
            for stream, path in ((1, self.output), (2, self.errors)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
            work(place / "two", pause)

    def has_ended(self):
        if self.ended is None:
            process, status = os.waitpid(self.process, os.WNOHANG)
            self.ended = os.waitstatus_to_exitcode(status) if process else None
        return self.ended is not None

    def must_end_with(self, code, within):
        latest = time.monotonic() + within
        while not self.has_ended() and time.monotonic() < latest:
            time.sleep(0.1)
        assert self.ended == code, f"{self.ended}: {self.errors.read_text()[-3000:]}"

    def kill(self):
        if not self.has_ended():
            os.kill(self.process, signal.SIGKILL)
            self.ended = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def work(folder, pause):
    """Be a worker, as a command is one, to the end of the process."""
    code = 1
    try:
        if pause:
            curves.show("multi_worker", cases=("normalized", "captioner", "translator"))
        code = kc.cli.guarded(lambda _: curves.resumable("multi_worker", folder, pause), None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
