"""What `serve` logs: one line per unit of work, as JSON, or to be read on a terminal. Touches stderr.

Lines of other libraries pass the same way. Addresses and the tokens of links are struck out of whatever is said: replies
of mail servers, for one, name the recipient.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRETS = re.compile(r"[^\s<>\"'=]+@[^\s<>\"',;]+|\b[0-9a-f]{32}\.[\w.-]+")
_QUIET = ("alembic", "apscheduler", "httpx", "httpcore", "stamina", "uvicorn.error")
_SHARED: tuple[Processor, ...] = (structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True))


def tell_nothing() -> None:
    """For commands whose report tells what happened."""
    _route_structlog()
    logging.basicConfig(level=logging.CRITICAL)


def tell_everything() -> None:
    """Each unit of work on stderr, whatever stderr is at that moment."""
    _route_structlog()
    written: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        strike_secrets,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    handler = _Stderr()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=written))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def _route_structlog() -> None:
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def strike_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: _SECRETS.sub("[struck out]", value) if isinstance(value, str) else value for name, value in event.items()}


class _Stderr(logging.StreamHandler[TextIO]):
    """A progress bar puts its own stream in the place of stderr, so that lines stand above it."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        pass
