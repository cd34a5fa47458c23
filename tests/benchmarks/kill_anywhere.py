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
        print(f"{name}: {tally.kills} kills, {tally.failures} failures of the database, {tally.mails} mails")
        print(f"  lost: {tally.lost} (the bar: 0)")
        print(f"  duplicates: {tally.duplicates}, {tally.duplicates / tally.ends:.2f} each time (the bar: {CONNECTIONS})")
        print(f"  of these unknown to the ledger: {tally.unknown_to_the_ledger} (the bar: 0)")
        print(f"  times with more than a mail a connection in doubt: {tally.too_many_in_doubt} (the bar: 0)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
