"""How a group of commands lists them in its help. Touches nothing."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

_LONGEST = 1000  # characters of a sentence


class Listing(TyperGroup):
    """Each command with its first sentence whole, however narrow the terminal."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.commands[name].get_short_help_str(_LONGEST)) for name in self.list_commands(ctx)])
