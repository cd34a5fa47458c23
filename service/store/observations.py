"""Papers' counts over time, and how fast upvotes come. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from service.models import Observation, Paper
from service.portions import portions
from service.store.database import MOST_VALUES

COUNTS = ("upvotes", "comments", "code_stars")

_WINDOW = timedelta(days=2)  # the span over which velocity is measured
_SHORTEST = timedelta(hours=1)  # below this a single upvote would look like a rush


def put_observations(session: Session, papers: Sequence[Paper], now: datetime) -> None:
    """Store the counts of each paper where one has changed, and bring its velocity up to date."""
    history = _history(session, [paper.id for paper in papers])
    for paper in papers:
        seen = history.get(paper.id, [])
        counts = (paper.upvotes, paper.comments, paper.code_stars)
        if _is_news(seen, counts, now):
            session.add(Observation(paper_id=paper.id, observed_at=now, **dict(zip(COUNTS, counts, strict=True))))
        paper.velocity = _velocity(seen, paper.upvotes, now)


def _is_news(seen: Sequence[Observation], counts: tuple[int | None, ...], now: datetime) -> bool:
    """The first counts there are, or others than the last; two answers of one fetch are one observation."""
    if not seen:
        return any(count is not None for count in counts)
    last = seen[-1]
    return last.observed_at < now and (last.upvotes, last.comments, last.code_stars) != counts


def _velocity(seen: Sequence[Observation], upvotes: int | None, now: datetime) -> float | None:
    """Upvotes a day over the last two days, or since the first observation where that is later; they can go down."""
    known = [observation for observation in seen if observation.upvotes is not None]
    if upvotes is None or not known:
        return None
    begin = now - _WINDOW
    before = [observation for observation in known if observation.observed_at <= begin]
    start = before[-1] if before else known[0]
    span = now - max(start.observed_at, begin)
    if start.upvotes is None or span < _SHORTEST:
        return None
    return (upvotes - start.upvotes) / (span / timedelta(days=1))


def _history(session: Session, ids: Sequence[str]) -> dict[str, list[Observation]]:
    found: dict[str, list[Observation]] = {}
    for some in portions(ids, MOST_VALUES):
        question = select(Observation).where(col(Observation.paper_id).in_(some))
        for observation in session.exec(question.order_by(col(Observation.observed_at))):
            found.setdefault(observation.paper_id, []).append(observation)
    return found
