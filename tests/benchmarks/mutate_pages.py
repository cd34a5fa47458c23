"""Mutated pages in any number: `python -m tests.benchmarks.mutate_pages [COUNT [FIRST-SEED]]`, 200,000 by default.

Each is parsed within the bounds of tests/sources/mutations.py; the first that isn't ends the run with its seed.
"""

from __future__ import annotations

import sys
import time

from tests.benchmarks.machine import machine
from tests.conftest import REAL
from tests.sources.mutations import check_bounds, check_memory, composed_pages, mutated, real_pages


def main(count: int = 200_000, first: int = 0) -> None:
    pages = composed_pages() + (real_pages(REAL) if REAL.is_dir() else ())
    print(f"{machine()}; {len(pages)} pages to mutate, real ones {'included' if REAL.is_dir() else 'not at hand'}")
    begun = time.process_time()
    for seed in range(first, first + count):
        content = mutated(pages, seed)
        try:
            check_bounds(content)
            if seed % 50 == 0:  # watching memory costs ten times as much time
                check_memory(content)
        except BaseException:
            print(f"seed {seed} is out of bounds", file=sys.stderr)
            raise
    print(f"{count:,} mutations: nothing but PageChanged raised, none long or large; {time.process_time() - begun:.0f} s of CPU")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
