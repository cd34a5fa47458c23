"""The command `paperround`. Touches everything, through what it calls.

Exit status 0: done, or nothing to do; 1: something asked for was not done; 2: wrong use or settings. Errors are one plain
line on stderr that says what to do.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path

import typer

from service.cli import (
    backup,
    costs,
    deliveries,
    demo,
    fetch,
    sending,
    serve,
    stages,
    status,
    subscribers,
    suppressions,
    topics,
    why,
)
from service.cli.listing import Listing
from service.cli.logs import tell_nothing
from service.cli.output import say, tell
from service.errors import PaperroundError, WrongUse

app = typer.Typer(
    name="paperround",
    cls=Listing,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""A daily digest of research papers, for each subscriber's own topics.

    In order, the first time: `fetch` brings papers in, `topics list` shows what there is to choose, `subscribers add`
    takes somebody in, `preview` shows their mail, `send-now` sends it. `demo` does all of it on sample data.
    Settings come from the environment and from .env in this folder; the README tells them.
    """,
)
app.command("demo")(demo.demo)
app.add_typer(fetch.app, name="fetch")
app.command("serve")(serve.serve)
app.command("send-now")(sending.send_now)
app.command("preview")(sending.preview)
app.command("why")(why.why)
app.command("status")(status.status)
app.add_typer(topics.app, name="topics", help="What subscribers can choose.")
app.add_typer(subscribers.app, name="subscribers", help="Who gets mail, and how.")
app.add_typer(deliveries.app, name="deliveries", help="What became of each mail.")
app.add_typer(suppressions.app, name="suppressions", help="Addresses that get no mail.")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("parse")(stages.parse)
app.command("summarize")(stages.summarize)
app.command("summarize-again")(costs.summarize_again)
app.command("costs")(costs.costs)
app.command("match")(stages.match)

# Options of these commands that take several values in a row: --to a@x.org b@x.org
_SEVERAL = {"fetch": ("--from",), "send-now": ("--to", "--topic"), "deliveries": ("--state",)}


def main() -> None:
    os.umask(0o077)  # the database, its backups and the outbox hold people's addresses, and links that work
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started us, as by `>&-`
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and answer its exit status."""
    tell_nothing()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    if list(arguments) == ["--version"]:
        say(f"paperround {version('paperround')}")
        return 0
    if list(arguments) in ([], ["topics"], ["subscribers"], ["deliveries"], ["suppressions"]):
        arguments = [*arguments, "--help"]
    try:
        return _command()(args=_with_repeated_options(arguments), prog_name="paperround", standalone_mode=False) or 0
    except (KeyboardInterrupt, typer.Abort):
        tell("stopped")
        return 1
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "paperround"
        tell(f"error: {' '.join(error.format_message().split())} ({command} --help tells more)")
        return 2
    except PaperroundError as error:
        tell(f"error: {error}")
        return 2 if isinstance(error, WrongUse) else 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        what = f"{error.filename} can't be used" if error.filename else "what was done could not be told"
        tell(f"error: {what}: {error.strerror or error}")
        return 2 if error.errno == errno.ENAMETOOLONG else 1
    except Exception as error:  # the last resort: still one line, and no secret of a traceback's locals
        if garbled := [argument for argument in arguments if argument.encode(errors="ignore").decode() != argument]:
            tell(f"error: {garbled[0]!a} is not UTF-8 text")
            return 2
        place = traceback.extract_tb(error.__traceback__)[-1]
        tell(f"error: a fault in Paperround, please report it: {error!r} at {Path(place.filename).name}:{place.lineno}")
        return 1


@cache
def _command() -> Callable[..., int | None]:
    return typer.main.get_command(app)


def _with_repeated_options(arguments: Sequence[str]) -> list[str]:
    """`--to a b` as `--to a --to b`, which is the form that the option parser knows."""
    several = _SEVERAL.get(arguments[0], ()) if arguments else ()
    spelled: list[str] = []
    current: str | None = None
    is_first = False
    for argument in arguments:
        if argument.startswith("-") and argument != "-":
            current, is_first = (argument, True) if argument in several else (None, False)
        elif current and not is_first:
            spelled.append(current)
        else:
            is_first = False
        spelled.append(argument)
    return spelled
