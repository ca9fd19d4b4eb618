"""The fuzz of the public face: calls with arguments their authors did not think of.

    python tests/fuzz/run.py --cases 10000 --seed 0

An outcome is a result or a refusal in a sentence of ours; anything else is a fault, told with the
exact call, which `--call` repeats with its traceback. Cases run in processes of their own, which
import once and are replaced when they hang, crash or grow.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

TESTS = Path(__file__).resolve().parent.parent
PATHS = [str(TESTS.parent / "package"), str(TESTS), str(TESTS.parent / "applications")]
# On a machine that others use too a case that has not had so much of the processor does not hang.
SECONDS, SECONDS_AT_MOST = 10, 60
SECONDS_TO_START = 1200
# A process is replaced after so many cases, whatever they left in it.
CASES_OF_A_PROCESS = 2000
MEMORY_AT_MOST = 1.5e9


class Case(NamedTuple):
    """A call, and what came of it."""

    call: str
    kind: str
    what: str
    where: str
    seconds: float


class Worker:
    """A process that makes cases, and is replaced when one of them takes it down."""

    def __init__(self, seed: int, backend: str) -> None:
        os.environ["KERAS_BACKEND"] = backend
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        # What is started has these paths.
        sys.path[:0] = [each for each in PATHS if each not in sys.path]
        # No forks of this process, in which TensorFlow's threads would be missing, but of one that
        # has imported Keras and us; the things of the cases would start an engine.
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["support"])
        self.arguments = (seed, backend)
        self.process = None

    def start(self) -> None:
        """Begin anew."""
        self.connection, theirs = multiprocessing.Pipe()
        self.process = self.context.Process(
            target=_serve, args=(theirs, *self.arguments), daemon=True
        )
        # The server of forks, which begins with the first, has paths from its environment alone.
        with mock.patch.dict(os.environ, {"PYTHONPATH": os.pathsep.join(PATHS)}):
            self.process.start()
        theirs.close()
        self.made = 0

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None

    def make(self, case: int | str) -> Case:
        """Make a case, by its number or its call."""
        if self.process is None or self.made >= CASES_OF_A_PROCESS:
            self.stop()
            self.start()
        self.made += 1
        begun, call = time.monotonic(), f"number {case}"
        try:
            self.connection.send(case)
            if not self.connection.poll(SECONDS_TO_START):
                raise TimeoutError
            call = self.connection.recv()
            begun = time.monotonic()
            outcome = self._outcome(begun)
        except TimeoutError:
            self._check_started(call)
            outcome = ("fault", "hangs", "hang")
        except MemoryError:
            outcome = ("fault", "grows", "memory")
        except (EOFError, OSError):
            self.process.join(5)
            self._check_started(call)
            outcome = ("fault", f"crashes with exit code {self.process.exitcode}", "crash")
        if outcome[0] == "fault" and outcome[2] in ("hang", "memory", "crash"):
            self.stop()
        return Case(call, *outcome, time.monotonic() - begun)

    def _check_started(self, call: str) -> None:
        """A process that has not told its first call is no fault of the call."""
        if self.made == 1 and call.startswith("number "):
            raise RuntimeError("No process for cases starts; if it says why, then above.")

    def _outcome(self, begun: float) -> tuple[str, str, str]:
        used, resident = self._spent()
        while not self.connection.poll(0.05):
            now, size = self._spent()
            passed = time.monotonic() - begun
            if passed > SECONDS_AT_MOST or (passed > SECONDS and now - used > SECONDS):
                raise TimeoutError
            if size - resident > MEMORY_AT_MOST:
                raise MemoryError
        return self.connection.recv()

    def _spent(self) -> tuple[float, float]:
        """Seconds of processors, and bytes of memory, that the process has taken."""
        try:
            of = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0.0, 0.0
        ticks = int(of[11]) + int(of[12])
        return ticks / os.sysconf("SC_CLK_TCK"), int(pages) * os.sysconf("SC_PAGE_SIZE")


def _serve(connection: Any, seed: int, backend: str) -> None:
    from fuzz.cases import serve

    serve(connection, seed, backend)


def made(
    cases: Iterable[int | str], *, seed: int = 0, backend: str = "tensorflow"
) -> Iterator[Case]:
    """Make cases one after the other.

    Args:
        cases: Their numbers, of which a seed makes calls, or calls.
        seed: Which calls.
        backend: The engine of Keras.
    """
    worker = Worker(seed, backend)
    try:
        for case in cases:
            yield worker.make(case)
    finally:
        worker.stop()


def kinds_of(faults: Iterable[Case]) -> dict[tuple[str, str], list[Case]]:
    """Faults by where they come from and what is raised there, the commonest first."""
    kinds = collections.defaultdict(list)
    for each in faults:
        kinds[each.where, each.what.partition(":")[0]].append(each)
    return dict(sorted(kinds.items(), key=lambda kind: -len(kind[1])))


def main(argv: list[str] | None = None) -> int:
    """Run the fuzz; the exit code says whether there were faults."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--backend", default="tensorflow")
    parser.add_argument("--log", type=Path, help="a file for all cases, a line of JSON each")
    parser.add_argument("--call", help="one call to make in this process, with its traceback")
    parser.add_argument("--again", type=Path, help="a log of whose faults the calls are made again")
    given = parser.parse_args(argv)
    if given.call:
        return _repeat(given)
    cases = range(given.first, given.first + given.cases)
    if given.again:
        lines = map(json.loads, given.again.read_text().splitlines())
        cases = [line["call"] for line in lines if line["kind"] == "fault"]
    outcomes, faults, begun = collections.Counter(), [], time.monotonic()
    log = given.log.open("a") if given.log else None
    for case in made(cases, seed=given.seed, backend=given.backend):
        outcomes[case.kind] += 1
        if log:
            print(json.dumps(case._asdict()), file=log, flush=True)
        if case.kind == "fault":
            faults.append(case)
    kinds = kinds_of(faults)
    for (where, what), alike in kinds.items():
        shortest = min(alike, key=lambda case: len(case.call))
        told = (
            f"{len(alike)} x {where} {what}\n    {shortest.what[:300]}\n    {shortest.call[:400]}"
        )
        # A lone half of a surrogate pair cannot be printed.
        print(told.encode(errors="backslashreplace").decode())
    print(
        f"{sum(outcomes.values())} cases on {given.backend}: {outcomes['result']} results, "
        f"{outcomes['refusal']} refusals, {outcomes['signature']} wrong signatures, "
        f"{outcomes['fault']} faults of {len(kinds)} kinds, {time.monotonic() - begun:.0f} s"
    )
    return min(1, len(faults))


def _repeat(given: argparse.Namespace) -> int:
    os.environ["KERAS_BACKEND"] = given.backend
    sys.path[:0] = PATHS
    import tempfile

    from fuzz.files import read_mutated
    from fuzz.things import NAMES, consumed

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        print(consumed(eval(given.call, {**NAMES, "read_mutated": read_mutated})))
    return 0


if __name__ == "__main__":
    sys.exit(main())
