"""`serve`: the scheduler and the web door in one process. Touches everything."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import structlog
import typer

from service import connections
from service.cli.logs import tell_everything
from service.cli.output import Json, database, progress, say_json
from service.errors import WrongUse
from service.settings import sender
from service.store.locks import hold_alone

log = structlog.get_logger(__name__)

_LAST_REQUESTS = 5  # seconds that open requests have after a signal


def serve(
    host: Annotated[str, typer.Option(metavar="HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="The port to listen on.")] = 8000,
    as_json: Json = False,
) -> None:
    """Fetch and send by itself, at each subscriber's own hour, until it is stopped.

    It fetches each hour and sends each minute what is due; what an outage delayed is caught up once. The links of the mails
    lead here; `/health` answers 200, or 503 where `paperround status` needs you; `/metrics` is for Prometheus. SIGTERM and
    Ctrl-C end it after the mails that are being handed over. --json prints the address when it is ready.
    """
    import uvicorn  # with fastapi half a second to import, and needed by this command only

    from service.scheduler import start_scheduler
    from service.web import web_application

    tell_everything()
    with database() as (settings, engine), hold_alone(engine, "serve") as is_alone, _listening(host, port) as door:
        identity = sender(settings)
        with connections.transport(settings, engine, identity):
            pass  # what can't be used to send is told now, not at the first mail
        server = uvicorn.Server(
            uvicorn.Config(
                web_application(engine, identity), log_config=None, access_log=False, timeout_graceful_shutdown=_LAST_REQUESTS
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT):  # until uvicorn handles them, and when it raises them again at its end
            signal.signal(number, server.handle_exit)
        scheduler = start_scheduler(
            settings, engine, identity, lambda: server.should_exit, lambda: progress("Sending"), tell_everything, is_alone
        )
        if settings.smtp_url is None:
            log.warning("no mail server is set, so mails go to a folder", outbox=str(settings.outbox))
        log.info("ready", host=host, port=port)
        if as_json:
            say_json({"host": host, "port": port}, indent=None)
        server.run(sockets=[door])
        log.info("stopping")
        server.should_exit = True
        scheduler.shutdown(wait=True)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """The port is ours before anything else begins. Raises WrongUse."""
    if not host:
        raise WrongUse("no address is named, which would mean all of this machine: say one with --host, or leave it out")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except (OSError, OverflowError, TypeError) as error:  # no such port, no name that DNS could hold
            reason = getattr(error, "strerror", None) or error
            raise WrongUse(f"{host}:{port} can't be listened on: {reason}: say others with --host and --port") from error
        door.listen()
        yield door
