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
