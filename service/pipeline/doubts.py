"""Tell the administrator of doubts, and whether a day's list is in doubt. Touches the database, and the mail server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from html import escape

from sqlalchemy import Engine
from sqlmodel import Session

from service.delivery.message import build_message
from service.drift import CAUSES_OF_A_DAY
from service.models import Alarm, Email, Sender, new_key
from service.pipeline.deliver import Transport
from service.store.alarms import alarms, mark_told
from service.store.database import reading, transaction
from service.store.pages import last_page_of

SUBJECT = "Paperround: the source is in doubt"


def tell_alarms(engine: Engine, tell: Callable[[str, str], None], now: datetime) -> int:
    """Hand each cause that was not told yet to `tell`, as one subject and text; answers how many there were.

    What lies in all that the source answers is one cause, on however many days' lists it is found. What `tell` raises
    goes through, and the causes are told by the next run.
    """
    with reading(engine) as session:
        found = alarms(session)
    known = {alarm.kind_of_doubt for alarm in found if alarm.told_at} - CAUSES_OF_A_DAY
    untold = [alarm for alarm in found if alarm.told_at is None]
    news = [alarm for alarm in untold if alarm.kind_of_doubt not in known]
    if news:
        tell(SUBJECT, _text(news))
    with transaction(engine) as session:
        mark_told(session, [alarm.cause for alarm in untold], now)
    return len(news)


def mail_alarms(engine: Engine, transport: Transport, sender: Sender, to: str, now: datetime) -> int:
    """Tell the administrator by mail. Raises what the mail meets; then the causes are told by the next run."""

    def tell(subject: str, words: str) -> None:
        email = Email(subject, f"<!doctype html><pre>{escape(words)}</pre>", words)
        transport.send(build_message(email, sender, to=to, key=new_key(), now=now), to=to)

    return tell_alarms(engine, tell, now)


def doubt_of_day(session: Session, day: date) -> str | None:
    """Why the newest answer for this day's list is suspect; None where it is not, or where there is none."""
    page = last_page_of(session, day)
    return "; ".join(page.warnings) if page and page.is_suspect else None


def _text(alarms: list[Alarm]) -> str:
    """What two kinds of answers have in common is told once."""
    lines = {alarm.words: f"(fetch {alarm.page_id}, since {alarm.since:%Y-%m-%d %H:%M} UTC)" for alarm in alarms}
    told = "\n".join(f"- {words} {place}" for words, place in lines.items())
    return (
        f"What the source answered is not as it should be, or not as it usually is:\n\n{told}\n\n"
        "The papers that could be read are stored, and nothing was deleted. `paperround fetch log` lists the fetches,\n"
        "`paperround parse --fetch N` reads one again. Each cause is told once, until it is gone and comes back.\n"
    )
