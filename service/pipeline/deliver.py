"""Claim mails, hand them over, record what became of each. Touches the database, and the mail server through `Transport`.

Deliveries and notices alike. Whatever breaks in between, the tables tell where to carry on: `reconcile` is the only recovery.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlmodel import Session

from service.delivery.feed import Feed, Parcel, Result, Turn
from service.models import OPEN_STATES, Bounce
from service.pipeline.heap import collect_between_portions
from service.pipeline.make import Maker
from service.pipeline.outcomes import outcome, pauses_domain, unwanted
from service.replies import without_addresses
from service.store.database import KeptConnection, insisting, session_on, transaction
from service.store.ledger import (
    Claimed,
    Ref,
    Settled,
    claim_mails,
    give_back,
    pause_domain,
    read_again,
)
from service.store.suppressions import add_suppression, suppressed
from service.store.turns import settle_mails, settle_unstarted, start_mails
from service.store.workers import hold_worker, worker_folder
from service.subscribers import address_hash, domain_of

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]  # mails done, and how many there are

_PORTION = 200  # mails claimed in one transaction
_Answer = TypeVar("_Answer")
_Bound = TypeVar("_Bound", Session, Connection)
_Waiting = TypeVar("_Waiting", int, Claimed)


class Transport(Protocol):
    def send(self, message: bytes, *, to: str) -> str:
        """Hand one mail over; answers the reply. Raises DeliveryFailed, DeliveryUncertain, ServerUnusable."""

    def carry(self, feed: Feed) -> None:
        """Hand over what the feed gives until it gives no more, or the server takes none. Raises StoreFailed."""


@dataclass(frozen=True, slots=True)
class Run:
    """How mails are sent: by which clock, which of them, until when, and who is told."""

    clock: Clock
    states: Collection[str] = OPEN_STATES  # mails in other states are left alone
    workers: Path | None = None  # where each sender keeps its locked file; None: where the database has its place for it
    should_stop: Callable[[], bool] = lambda: False
    progress: Progress = lambda _done, _total: None
    note: Callable[[str, str], None] = lambda _key, _subject: None  # is given the key and the subject of each accepted mail


def send_all(engine: Engine, transport: Transport, mails: Sequence[Ref], make: Maker, run: Run) -> int:
    """Until all are handed over, the server takes none, or we are told to stop. Answers how many were accepted."""
    with (
        hold_worker(run.workers or worker_folder(engine)) as worker,
        closing(Round(engine, worker, mails, make, run)) as feed,
    ):
        transport.carry(feed)
        feed.end()
    return feed.accepted_count


class Round:
    """What one worker sends in one run: the Feed of its transport."""

    def __init__(self, engine: Engine, worker: str, mails: Sequence[Ref], make: Maker, run: Run) -> None:
        self.engine = engine
        self.worker = worker
        self._kept = KeptConnection(engine)
        self.is_stopping = run.should_stop
        self.accepted_count = 0
        self._make = make
        self._clock = run.clock
        self._progress = run.progress
        self._states = run.states
        self._note = run.note
        self._total, self._done = len(mails), 0
        self._mails = mails
        self._unclaimed = _Queue[int](lambda place: mails[place].domain, range(len(mails)))  # places among the mails
        self._claimed = _Queue[Claimed](lambda claimed: domain_of(claimed.to))
        self._out: dict[str, tuple[Claimed, str]] = {}  # taken, with their subjects
        self._settled: dict[str, Settled] = {}  # recorded, not told yet
        self._lock = threading.Lock()
        self._log = log.bind()  # once: to find the logger takes longer than to tell nothing

    def take(self, avoid: Collection[str] = (), /) -> Parcel | None:
        with self._lock:
            while not self.is_stopping() and (claimed := self._next(avoid)):
                if parcel := self._parcel(claimed):
                    return parcel
            return None

    def turn(self, turns: Sequence[Turn]) -> list[bool]:
        answers = self._insisting(self._kept.transaction, partial(self._record, turns))
        refused = [turn.starting for turn, may_go in zip(turns, answers, strict=True) if turn.starting and not may_go]
        for parcel in refused:
            self._out.pop(parcel.key)
        self._count(len(refused))
        for turn in turns:
            if turn.last:
                self._tell(*turn.last)
        return answers

    def end(self) -> None:
        """Give back what was claimed and not started."""
        self._in_session(lambda session: give_back(session, self.worker))

    def close(self) -> None:
        self._kept.close()

    def _in_session(self, work: Callable[[Session], _Answer]) -> _Answer:
        return self._insisting(partial(transaction, self.engine), work)

    def _insisting(self, begin: Callable[[], AbstractContextManager[_Bound]], work: Callable[[_Bound], _Answer]) -> _Answer:
        """Where the database fails, ask it again for a while: what is out and not recorded would go out again."""

        def once() -> _Answer:
            with begin() as bound:
                return work(bound)

        return insisting(once)

    def _next(self, avoid: Collection[str]) -> Claimed | None:
        """The first that goes to another domain than these, claimed already or with others like it."""
        while True:
            if found := self._claimed.take(avoid):
                return found
            portion = [self._mails[place] for place in islice(iter(partial(self._unclaimed.take, avoid), None), _PORTION)]
            if not portion:
                return None
            if len(portion) == _PORTION:
                collect_between_portions()
            claimed = self._in_session(partial(self._claim, portion))
            self._claimed.refill(claimed)
            self._count(len(portion) - len(claimed))

    def _claim(self, portion: Sequence[Ref], session: Session) -> list[Claimed]:
        found = claim_mails(session, portion, self.worker, self._clock(), self._states)
        reasons = suppressed(session, [claimed.to for claimed in found])
        return [claimed for claimed in found if self._is_wanted(session, claimed, reasons)]

    def _is_wanted(self, session: Session, claimed: Claimed, suppressions: Mapping[str, str]) -> bool:
        """Settle a mail that must not go out any more, or not now."""
        settled = unwanted(claimed.mail, claimed.person, suppressions.get(claimed.to), self._clock())
        if settled:
            settle_unstarted(session.connection(), claimed, settled, self._clock())
        return settled is None

    def _parcel(self, claimed: Claimed) -> Parcel | None:
        key, now = claimed.mail.key, self._clock()
        try:
            subject, message = self._make(claimed, now)
        except Exception as error:  # whatever is wrong with this one mail must not stop the rest
            log.warning("mail could not be made", mail=key, reason=repr(error))
            settled = outcome(error, claimed.mail, now)
            self._in_session(lambda session: settle_unstarted(session.connection(), claimed, settled, now))
            self._count(1)
            return None
        self._out[key] = claimed, subject
        return Parcel(key, claimed.to, message)

    def _record(self, turns: Sequence[Turn], connection: Connection) -> list[bool]:
        self._settle(connection, [turn.last for turn in turns if turn.last])
        may_go = iter(self._start(connection, [turn.starting for turn in turns if turn.starting]))
        return [turn.starting is not None and next(may_go) for turn in turns]

    def _settle(self, connection: Connection, last: Sequence[tuple[Parcel, Result]]) -> None:
        now = self._clock()
        mails = [(self._out[parcel.key][0], result) for parcel, result in last]
        found = [(claimed, outcome(result, claimed.mail, now)) for claimed, result in mails]
        if settle_mails(connection, found, now) < len(found):
            self._log.warning(
                "an outcome changed nothing: it was recorded before, or the claim was lost",
                mails=[*(parcel.key for parcel, _ in last)],
            )
        self._settled |= {claimed.mail.key: settled for claimed, settled in found}
        for (claimed, result), (_, settled) in zip(mails, found, strict=True):
            if settled.bounce is Bounce.HARD or settled.next_try_at:
                with session_on(connection) as session:
                    self._note_failure(session, claimed, result, settled)

    def _note_failure(self, session: Session, claimed: Claimed, result: Result, settled: Settled) -> None:
        """What it says of other mails."""
        if settled.bounce is Bounce.HARD:
            reason = f"hard bounce: {without_addresses(settled.smtp_reply or '')}"
            add_suppression(session, address_hash(claimed.to), reason, self._clock())
        if settled.next_try_at and pauses_domain(result):
            pause_domain(session, domain_of(claimed.to), settled.next_try_at)

    def _start(self, connection: Connection, parcels: Sequence[Parcel]) -> list[bool]:
        """One that is not as it was when it was claimed is settled where it is wanted no more, else left to the next run."""
        claims = [self._out[parcel.key][0] for parcel in parcels]
        answers = start_mails(connection, claims, self._clock())
        for claimed in (claimed for claimed, may_go in zip(claims, answers, strict=True) if not may_go):
            with session_on(connection) as session:
                if again := read_again(session, claimed):
                    self._is_wanted(session, again, suppressed(session, [again.to]))
        return answers

    def _tell(self, parcel: Parcel, result: Result) -> None:
        claimed, subject = self._out.pop(parcel.key)
        if isinstance(result, str):
            self.accepted_count += 1
            self._note(parcel.key, subject)
        self._count(1)
        settled = self._settled.pop(parcel.key)
        kind = claimed.table.__name__.lower()
        self._log.info("mail settled", mail=parcel.key, kind=kind, state=str(settled.state), reason=settled.reason)

    def _count(self, mails: int) -> None:
        """So many more are seen to in this run."""
        if mails:
            self._done += mails
            self._progress(self._done, self._total)


class _Queue(Generic[_Waiting]):
    """What waits, in its order; what was passed over comes first, once its domain need not be avoided any more."""

    def __init__(self, domain: Callable[[_Waiting], str], waiting: Iterable[_Waiting] = ()) -> None:
        self._domain: Callable[[_Waiting], str] = domain
        self._waiting: Iterator[_Waiting] = iter(waiting)
        self._passed: dict[str, deque[_Waiting]] = {}

    def refill(self, more: Iterable[_Waiting]) -> None:
        """Once nothing waits any more but what was passed over."""
        self._waiting = iter(more)

    def take(self, avoid: Collection[str]) -> _Waiting | None:
        for domain, passed in self._passed.items():
            if passed and domain not in avoid:
                return passed.popleft()
        for one in self._waiting:
            if not avoid or (domain := self._domain(one)) not in avoid:
                return one
            self._passed.setdefault(domain, deque()).append(one)
        return None
