"""Where the installed command begins. Touches signals."""

from __future__ import annotations

import signal


def main() -> None:
    """Loading the rest takes a second: Ctrl-C then ends the process at once, without a traceback."""
    heard = signal.getsignal(signal.SIGINT)
    if heard != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from service import cli

    signal.signal(signal.SIGINT, heard)
    cli.main()
