"""A progress bar for what takes long, where somebody looks at it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

SECONDS_WITHOUT_BAR = 2.0


def tracked(results: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Hand results on as they come; a terminal shows a bar when they take long.

    The bar is drawn on standard error and goes at the end. Where no one looks (a pipe, a log file)
    nothing is written.

    Args:
        results: Of any kind.
        description: Stands beside the bar.
        total: How many there will be.
    """
    results = iter(results)
    started = time.monotonic()
    done = 0
    for result in results:
        yield result
        done += 1
        if time.monotonic() - started > SECONDS_WITHOUT_BAR:
            break

    if done < total:
        # Not before it is needed: every application would begin later.
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import Progress

        console = Console(stderr=True)
        looked_at = console.is_terminal or console.is_jupyter
        with Progress(console=console, transient=True, disable=not looked_at) as progress:
            task = progress.add_task(escape(description), total=total, completed=done)
            for result in results:
                yield result
                progress.advance(task)
