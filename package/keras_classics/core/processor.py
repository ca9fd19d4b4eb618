"""What this machine's processor has."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_FLAGS = Path("/proc/cpuinfo")


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def multiplies_bytes() -> bool:
    """Whether it multiplies and adds numbers of eight bits without losing any (x86: VNNI).

    Processors of other makes do; where it cannot be seen of an x86 one the answer is no.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    return bool(flags() & {"avx512_vnni", "avx_vnni"})


def flags() -> set[str]:
    """The instructions that Linux knows it has, by their names there; none on other systems."""
    if not _FLAGS.exists():
        return set()
    with open(_FLAGS, encoding="utf-8") as lines:
        named = [line.partition(":")[2].split() for line in lines if line.startswith("flags")]
    return {name for names in named for name in names}
