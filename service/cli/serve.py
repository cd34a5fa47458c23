"""`serve`: the scheduler and the web door in one process. Touches everything."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import structlog
import typer

from service.cli.logs import tell_everything
from service.cli.output import Json, database, progress, say_json
from service.settings import sender
from service.store.database import hold_alone

log = structlog.get_logger(__name__)


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    as_json: Json = False,
) -> None:
    """Fetch and send by itself, at each subscriber's own hour, until it is stopped.

    It fetches each hour and sends each minute what is due; what an outage delayed is caught up once. The links of the mails
    lead here; `/health` answers 200, or 503 where `paperround status` needs you; `/metrics` is for Prometheus. SIGTERM and
    Ctrl-C end it after the mail that is being handed over. --json prints the address when it is ready.
    """
    import uvicorn  # with fastapi half a second to import, and needed by this command only

    from service.scheduler import start_scheduler
    from service.web import web_application

    tell_everything()
    with database() as (settings, engine), hold_alone(engine, "serve"):
        identity = sender(settings)
        stopping = threading.Event()

        @contextmanager
        def running() -> Iterator[None]:
            scheduler = start_scheduler(settings, engine, identity, stopping.is_set, lambda: progress("Sending"))
            log.info("ready", host=host, port=port)
            if as_json:
                say_json({"host": host, "port": port}, indent=None)
            yield
            log.info("stopping")
            stopping.set()
            scheduler.shutdown(wait=True)

        for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn handles them, then raises them again
            signal.signal(number, lambda *_: None)
        uvicorn.run(web_application(engine, identity, running), host=host, port=port, log_config=None, access_log=False)
