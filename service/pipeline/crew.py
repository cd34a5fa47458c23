"""Send by several processes at once, each with its own share of the mails. Touches processes; these touch what `deliver` does.

For a wave of signed mails: RSA takes most of a mail's time, and a process of Python uses one core.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from sqlalchemy import Engine

from service import connections
from service.errors import PaperroundError
from service.models import Sender
from service.pipeline.deliver import Run, Transport, send_all
from service.pipeline.heap import collect_rarely
from service.pipeline.make import mail_maker
from service.settings import Settings, states_to_send
from service.store.ledger import Ref

_FEWEST = 4000  # mails a process: in the time that it needs to start, another one signs as many
_EVERY = 20  # mails a report
_STOP_CHECK = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Crew:
    """As many processes as the settings say, where there are mails enough. `prepare` is called first in each of them."""

    settings: Settings
    sender: Sender
    prepare: Callable[[], None]
    fewest: int = _FEWEST

    def size(self, mails: Sequence[Ref]) -> int:
        return min(self.settings.processes, len(mails) // self.fewest)

    def send_all(self, mails: Sequence[Ref], run: Run) -> int:
        """As `deliver.send_all`. The connections are shared out; each process goes by the settings and by its own clock.

        Raises what the first failing process met, once all have ended. What a killed one leaves is freed by the next
        `reconcile`, as for any other sender.
        """
        size = self.size(mails)
        members = [self._start(mails[first::size], size) for first in range(size)]
        try:
            is_told = False
            while running := [member for member in members if member.is_running]:
                heard = wait([member.pipe for member in running], _STOP_CHECK)
                for member in running:
                    if member.pipe in heard:
                        member.read(run.note)
                run.progress(sum(member.done for member in members), len(mails))
                if not is_told and (is_told := run.should_stop()):
                    for member in running:
                        member.process.terminate()
        finally:
            for member in members:
                member.end()
        for member in members:
            if member.failure:
                raise member.failure
        return sum(member.accepted for member in members)

    def _start(self, share: Sequence[Ref], size: int) -> _Member:
        own = self.settings.model_copy(update={"connections": max(1, self.settings.connections // size)})
        context = get_context("spawn")  # a fork would copy the threads' locks as they are
        pipe, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_send_share, args=(own, self.sender, self.prepare, share, theirs))
        process.start()
        theirs.close()
        return _Member(process, pipe)


def send_wave(
    engine: Engine,
    transport: Transport,
    mails: Sequence[Ref],
    sender: Sender,
    run: Run,
    crew: Crew | None,
) -> int:
    """By the crew where there are mails enough for one, else by this process. As `deliver.send_all`."""
    if crew and crew.size(mails) > 1:
        return crew.send_all(mails, run)
    return send_all(engine, transport, mails, mail_maker(engine, sender), run)


@dataclass(frozen=True, slots=True)
class _Report:
    """What a process has to tell since its last one."""

    done: int  # of its share
    subjects: dict[str, str]  # of accepted mails, by key
    end: int | PaperroundError | None = None  # how many were accepted, or why it ends


@dataclass(slots=True)
class _Member:
    process: SpawnProcess
    pipe: Connection
    done: int = 0
    accepted: int = 0
    failure: PaperroundError | None = None
    is_running: bool = True
    has_told_its_end: bool = False

    def read(self, note: Callable[[str, str], None]) -> None:
        try:
            report: _Report = self.pipe.recv()
        except (EOFError, OSError):
            self.is_running = False
            return
        self.done = report.done
        for key, subject in report.subjects.items():
            note(key, subject)
        if report.end is not None:
            self.has_told_its_end = True
            self.accepted, self.failure = (report.end, None) if isinstance(report.end, int) else (0, report.end)

    def end(self) -> None:
        if self.is_running:
            self.process.terminate()
        self.process.join()
        self.pipe.close()
        if not self.has_told_its_end and self.process.exitcode != -signal.SIGTERM:  # told to stop before it had begun
            status = self.process.exitcode
            self.failure = PaperroundError(f"a sending process ended with status {status}: the next run sends what it has left")


@dataclass(slots=True)
class _Reporter:
    """The other end of the pipe. Nobody reads it any more where the parent was killed: then this process stops too."""

    pipe: Connection
    stop: threading.Event
    done: int = 0
    subjects: dict[str, str] = field(default_factory=dict)

    def note(self, key: str, subject: str) -> None:
        self.subjects[key] = subject

    def progress(self, done: int, _total: int) -> None:
        self.done = done
        if done % _EVERY == 0:
            self.tell()

    def tell(self, end: int | PaperroundError | None = None) -> None:
        try:
            self.pipe.send(_Report(self.done, self.subjects, end))
        except OSError:
            self.stop.set()
        self.subjects = {}


def _send_share(settings: Settings, sender: Sender, prepare: Callable[[], None], mails: Sequence[Ref], pipe: Connection) -> None:
    """What each process does. A second SIGINT ends it at once; SIGTERM comes from our parent and from whoever stops it."""
    prepare()
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        stop.set()
        if number == signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    reporter = _Reporter(pipe, stop)
    try:
        reporter.tell(_accepted(settings, sender, mails, reporter))
    except PaperroundError as error:
        reporter.tell(error)


def _accepted(settings: Settings, sender: Sender, mails: Sequence[Ref], reporter: _Reporter) -> int:
    collect_rarely()
    run = Run(
        clock=lambda: datetime.now(UTC),
        states=states_to_send(settings),
        workers=settings.worker_folder,
        should_stop=reporter.stop.is_set,
        progress=reporter.progress,
        note=reporter.note,
    )
    with (
        connections.database(settings.database_url) as engine,
        connections.transport(settings, engine, sender) as transport,
    ):
        return send_all(engine, transport, mails, mail_maker(engine, sender), run)
