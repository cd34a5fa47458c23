"""Keep the garbage collector off what a process has loaded. Touches the process."""

from __future__ import annotations

import gc


def spare_what_stays() -> None:
    """Modules, templates and tables stay as long as the process does, and a wave of mails is all short lives beside them.

    A full collection looks through everything: over a wave, that took a seventh of all its work. Done once a process
    (https://docs.python.org/3/library/gc.html#gc.freeze).
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
