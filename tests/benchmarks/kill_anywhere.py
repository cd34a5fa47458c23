"""SIGKILL at random moments while mails go out, 200 times a variant: mails lost, and duplicates.

The bar: none lost; at most one duplicate a connection and kill, each of a mail that the ledger knows to be in doubt.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.machine import machine
from tests.kill_variants import CONNECTIONS, VARIANTS


def main(kills: int = 200) -> None:
    print(machine())
    print(f"{CONNECTIONS} connections a process, issues of 2,000 mails")
    for name, variant in VARIANTS.items():
        with tempfile.TemporaryDirectory() as folder:
            tally = variant(Path(folder), kills)
        print(
            f"{name}: {tally.kills} kills in {tally.mails} mails: {tally.lost} lost, {tally.duplicates} duplicates"
            f" ({tally.duplicates / tally.kills:.2f} a kill; the bar: {CONNECTIONS}),"
            f" {tally.unknown_to_the_ledger} of them unknown to the ledger{'' if tally.holds else ' - FAILED'}"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
