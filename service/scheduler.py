"""Wake the pipeline: each minute for what is due, each hour for a fetch. Touches everything, through the pipeline.

APScheduler keeps its jobs in memory and in UTC: a waking holds no state, the tables do. Its default would drop a tick that
comes a second late; here a late one runs, and several late ones run as one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from service import connections
from service.errors import PaperroundError
from service.models import Sender
from service.pipeline.due import send_due_digests
from service.pipeline.gather import gather_latest
from service.settings import Settings

log = logging.getLogger(__name__)


def start_scheduler(settings: Settings, engine: Engine, sender: Sender, should_stop: Callable[[], bool]) -> BackgroundScheduler:
    """Fetches at once and at seven past each hour; sends at each full minute, beside a fetch that takes long."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"fetch": ThreadPoolExecutor(1), "send": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_job(
        _told("fetch", lambda: _fetch(settings, engine)), "cron", minute=7, executor="fetch", next_run_time=datetime.now(UTC)
    )
    scheduler.add_job(_told("send", lambda: _send(settings, engine, sender, should_stop)), "cron", second=0, executor="send")
    scheduler.start()
    return scheduler


def _fetch(settings: Settings, engine: Engine) -> None:
    with connections.fetcher(settings, engine) as fetcher:
        complete = connections.completion(settings)
        report = gather_latest(engine, settings.source_url, fetcher.fetch, now=datetime.now(UTC), complete=complete)
    for page in report.pages:
        if page.error:
            log.error("fetch failed reason=%s", page.error)


def _send(settings: Settings, engine: Engine, sender: Sender, should_stop: Callable[[], bool]) -> None:
    send_due_digests(
        engine,
        lambda: connections.transport(settings, sender),
        sender,
        clock=lambda: datetime.now(UTC),
        stale_after=timedelta(hours=settings.stale_after_hours),
        should_stop=should_stop,
        waits_for_sound_lists=settings.on_suspect == "wait",
    )


def _told(name: str, work: Callable[[], None]) -> Callable[[], None]:
    """A waking that fails is told in one line; the next one tries again."""

    def run() -> None:
        try:
            work()
        except PaperroundError as error:
            log.error("%s failed reason=%s", name, error)
        except Exception:
            log.exception("%s failed, which is a fault in Paperround", name)

    return run
