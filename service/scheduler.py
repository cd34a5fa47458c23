"""Wake the pipeline: each minute for what is due, each half minute for notices, each hour for a fetch. Touches everything.

APScheduler keeps its jobs in memory and in UTC: a waking holds no state, the tables do. Its default would drop a tick that
comes a second late; here a late one runs, and several late ones run as one. After a start no digest is sent before the first
fetch is done, or has failed: a digest after an outage shall hold what the outage missed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from service import connections
from service.errors import PaperroundError, Stopped
from service.models import Sender
from service.pipeline.crew import Crew
from service.pipeline.deliver import Progress
from service.pipeline.doubts import mail_alarms
from service.pipeline.due import send_due_mails, send_due_notices
from service.pipeline.gather import gather_latest
from service.settings import Settings, states_to_send

log = structlog.get_logger(__name__)

_STOP_CHECK = 0.1  # seconds


def start_scheduler(
    settings: Settings,
    engine: Engine,
    sender: Sender,
    should_stop: Callable[[], bool],
    progress: Callable[[], AbstractContextManager[Progress]],
    prepare: Callable[[], None],
    is_alone: Callable[[], bool],
) -> BackgroundScheduler:
    """Fetches and sends at once; then fetches at seven past each hour, and sends at each full minute beside it.
    Notices go out at each half minute as well, whatever wave is on its way.

    `prepare` is called first in every other process that a large wave takes, and `is_alone` each minute: it takes the lock
    of `serve` again, should the database have been started anew.
    """
    crew = Crew(settings, sender, prepare)
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={name: ThreadPoolExecutor(1) for name in ("fetch", "send", "notices")},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    has_caught_up = threading.Event()

    def fetch() -> None:
        _told("fetch", lambda: _fetch(settings, engine, sender, should_stop))
        if not has_caught_up.is_set() and not should_stop():
            _told("send", lambda: _send(settings, engine, sender, should_stop, progress, crew))
            has_caught_up.set()

    def send() -> None:
        if has_caught_up.is_set():
            _told("send", lambda: _send(settings, engine, sender, should_stop, progress, crew))

    scheduler.add_job(fetch, "cron", minute=7, executor="fetch", next_run_time=datetime.now(UTC))
    scheduler.add_job(send, "cron", second=0, executor="send")
    notices = partial(_told, "notices", partial(_send_notices, settings, engine, sender, should_stop))
    scheduler.add_job(notices, "cron", second=30, executor="notices", next_run_time=datetime.now(UTC))
    scheduler.add_job(partial(_told, "lock", partial(_stay_alone, is_alone)), "cron", second=15, executor="notices")
    scheduler.start()
    return scheduler


def _fetch(settings: Settings, engine: Engine, sender: Sender, should_stop: Callable[[], bool]) -> None:
    sleep = partial(_sleep, should_stop=should_stop)
    with connections.fetcher(settings, engine, sleep=sleep) as fetcher, connections.language_model(settings) as model:
        gather_latest(engine, settings.source_url, fetcher.fetch, now=datetime.now(UTC), model=model)
    if settings.admin_email:
        with connections.transport(settings, engine, sender) as transport:
            mail_alarms(engine, transport, sender, settings.admin_email, datetime.now(UTC))


def _send(
    settings: Settings,
    engine: Engine,
    sender: Sender,
    should_stop: Callable[[], bool],
    progress: Callable[[], AbstractContextManager[Progress]],
    crew: Crew,
) -> None:
    send_due_mails(
        engine,
        lambda: connections.transport(settings, engine, sender),
        sender,
        clock=lambda: datetime.now(UTC),
        stale_after=timedelta(hours=settings.stale_after_hours),
        progress=progress,
        should_stop=should_stop,
        waits_for_sound_lists=settings.on_suspect == "wait",
        states=states_to_send(settings),
        workers=settings.worker_folder,
        crew=crew,
    )


def _send_notices(settings: Settings, engine: Engine, sender: Sender, should_stop: Callable[[], bool]) -> None:
    """Over one connection, beside those of a wave."""
    one = settings.model_copy(update={"connections": 1})
    send_due_notices(
        engine,
        lambda: connections.transport(one, engine, sender),
        sender,
        clock=lambda: datetime.now(UTC),
        should_stop=should_stop,
        states=states_to_send(settings),
        workers=settings.worker_folder,
    )


def _stay_alone(is_alone: Callable[[], bool]) -> None:
    if not is_alone():
        log.error("another `serve` runs on this database: stop one of them")


def _sleep(seconds: float, *, should_stop: Callable[[], bool]) -> None:
    """Raises Stopped. The source may ask us to wait for an hour, and a stop can't."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if should_stop():
            raise Stopped("told to stop")
        time.sleep(min(left, _STOP_CHECK))


def _told(name: str, work: Callable[[], None]) -> None:
    """A waking that fails is told in one line; the next one tries again."""
    try:
        work()
    except Stopped:
        log.info("waking stopped", waking=name)
    except PaperroundError as error:
        log.error("waking failed", waking=name, reason=str(error))
    except Exception:
        log.exception("waking failed, which is a fault in Paperround", waking=name)
