"""Keep the garbage collector off what a process has loaded. Touches the process."""

from __future__ import annotations

import gc

_EVERY = 50_000  # new containers, instead of 700: a few MB of garbage at most


def collect_rarely() -> None:
    """Look for cycles of garbage seldom, and never in what is loaded. Done once a process, before its first wave of mails.

    Modules, templates and tables stay as long as the process does, and mails, which come by the thousand beside them, hold no
    cycles: looking through all that took a seventh of a wave's work (https://docs.python.org/3/library/gc.html#gc.freeze).
    """
    if gc.get_threshold()[0] != _EVERY:
        gc.collect()
        gc.freeze()
        gc.set_threshold(_EVERY)


def collect_between_portions() -> None:
    """Garbage of a portion of people or mails, before the next one comes.

    Statements hold cycles, with the values that they ask for: 45 kB a portion, which would stay for 500 of them. When a portion
    is done hardly anything new is alive, so that looking through it takes less than half a millisecond.
    """
    gc.collect(1)
