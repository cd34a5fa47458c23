"""What a benchmark says of the machine it ran on, and how it measures."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in lines.splitlines() if line.startswith("model name")]
    return f"{os.cpu_count()} x {models[0] if models else platform.machine()}, Python {platform.python_version()}"


def cpu_milliseconds(work: Callable[[], object], times: int = 9) -> float:
    """The median of several runs after one to warm up."""
    work()
    taken = []
    for _ in range(times):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return statistics.median(taken) * 1000
