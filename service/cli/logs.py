"""What `serve` logs: one line per unit of work, as JSON, or to be read on a terminal. Touches stderr.

Lines of other libraries pass the same way. Addresses and the tokens of links are struck out of whatever is said: replies
of mail servers, for one, name the recipient.
"""

from __future__ import annotations

import logging
import re
import sys
from contextlib import suppress
from typing import TextIO

import stamina
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRETS = re.compile(r"[^\s<>\"'=]+@[^\s<>\"',;]+|\b[0-9a-f]{32}\.[\w.-]+")
_QUIET = ("alembic", "apscheduler", "httpx", "httpcore", "uvicorn.error")
_SHARED: tuple[Processor, ...] = (structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True))


def tell_nothing() -> None:
    """For commands whose report tells what happened."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.basicConfig(level=logging.CRITICAL)


def tell_everything() -> None:
    """Each unit of work on stderr, whatever stderr is at that moment.

    Our own lines, two a mail, don't pass through `logging`, which takes longer for one than to settle a mail.
    """
    written: list[Processor] = [
        structlog.processors.format_exc_info,
        strike_secrets,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    structlog.configure(
        processors=[*_SHARED, *written],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    handler = _Stderr()
    others = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=others))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    stamina.instrumentation.set_on_retry_hooks([])  # it would tell each further try, past `logging`


def strike_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Each secret holds an @ or a dot; most values hold neither."""
    return {
        name: _SECRETS.sub("[struck out]", value) if isinstance(value, str) and ("@" in value or "." in value) else value
        for name, value in event.items()
    }


class _Lines:
    """Writes what is rendered, each line in one piece. One that can't be written, as on a full disk, stops no work."""

    def __init__(self, *_name: str) -> None:
        pass

    def msg(self, line: str) -> None:
        with suppress(OSError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = msg


class _Stderr(logging.StreamHandler[TextIO]):
    """A progress bar puts its own stream in the place of stderr, so that lines stand above it."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        pass
