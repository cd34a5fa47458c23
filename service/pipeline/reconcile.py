"""The only recovery: whatever a dead worker left, whoever wants no mail, what is too old. Touches the database.

Run at every start and each minute, by any number of processes: a second one at the same time finds nothing to do.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from service.models import DeliveryState
from service.pipeline.outcomes import unwanted
from service.store.database import reading, transaction
from service.store.deliveries import unwelcome_deliveries
from service.store.ledger import expire_stale, free_leases, settle_free
from service.store.mail_counts import is_anything_open
from service.store.workers import seen_workers, worker_folder

log = structlog.get_logger(__name__)


def reconcile(engine: Engine, now: datetime, *, stale_after: timedelta, workers: Path | None = None) -> set[str]:
    """After this, whatever is due and unclaimed can be taken up. Answers the keys of the mails that it gave up as stale."""
    with seen_workers(workers or worker_folder(engine)) as seen:
        with reading(engine) as session:
            if not (seen.dead or is_anything_open(session)):
                return set()
        with transaction(engine) as session:
            lost = free_leases(session, seen, now)
            _skip_unwanted(session, now)
            expired = expire_stale(session, now, stale_after)
    if seen.dead or lost:
        log.warning("recovered", dead_workers=len(seen.dead), mails_that_may_have_arrived=lost)
    return expired


def _skip_unwanted(session: Session, now: datetime) -> None:
    for delivery, person in unwelcome_deliveries(session, now):
        settled = unwanted(delivery, person, None, now)
        if settled and settled.state == DeliveryState.SKIPPED and settled.reason:
            settle_free(session, delivery, settled.state, reason=settled.reason, now=now)
