"""Settings to open clients. Touches the network and the file system, through what it opens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from functools import partial
from importlib.metadata import version

from sqlalchemy import Engine

from service.delivery.outbox import Outbox
from service.delivery.server import parse_smtp_url
from service.delivery.smtp import SmtpTransport
from service.errors import FetchFailed
from service.fetch import PRODUCT, Fetcher, Memory, Validators, digest
from service.language_model import LanguageModel, open_language_model
from service.models import Budget, Sender, Validator
from service.settings import ModelSettings, Settings
from service.store.answers import count_request, put_turn, put_validator, turn_at, validator
from service.store.database import hold_alone, open_database, reading, transaction

_FETCH_PATIENCE = timedelta(minutes=5)  # more than the longest answer takes


@contextmanager
def database(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def fetcher(settings: Settings, engine: Engine, *, attempts: int = 3) -> Iterator[Fetcher]:
    """Takes turns with those of other processes on this database."""
    contact = f"; {settings.contact}" if settings.contact else ""
    agent = f"{PRODUCT}/{version('paperround')} (self-hosted daily digest{contact})"
    memory = fetch_memory(engine, settings.daily_requests)
    with Fetcher(agent, attempts=attempts, interval=settings.request_interval, memory=memory) as fetcher:
        yield fetcher


def fetch_memory(engine: Engine, daily_requests: int) -> Memory:
    """Kept in the database, so that it outlives the process."""

    def recall(address: str) -> tuple[Validators, bytes] | None:
        with reading(engine) as session:
            found = validator(session, address)
        if found is None or digest(found[1]) != found[0].digest:
            return None
        return Validators(found[0].etag, found[0].last_modified, found[0].digest), found[1]

    def keep(address: str, told: Validators) -> None:
        with transaction(engine) as session:
            row = Validator(address=address, etag=told.etag, last_modified=told.last_modified, digest=told.digest)
            put_validator(session, row)

    def spend() -> None:
        with transaction(engine) as session:
            count = count_request(session, datetime.now(UTC).date())
        if count > daily_requests:
            raise FetchFailed(f"the day's {daily_requests} requests are spent: it goes on tomorrow (in UTC)")

    def known_turn_at(host: str) -> float:
        with reading(engine) as session:
            at = turn_at(session, host)
        return at.timestamp() if at else 0.0

    def keep_turn(host: str, at: float) -> None:
        with transaction(engine) as session:
            put_turn(session, host, datetime.fromtimestamp(at, UTC))

    alone = partial(hold_alone, engine, "fetch", patience=_FETCH_PATIENCE)
    return Memory(recall, keep, spend, known_turn_at, keep_turn, alone)


@contextmanager
def language_model(settings: ModelSettings) -> Iterator[LanguageModel | None]:
    """None without a key."""
    if settings.openai_api_key is None:
        yield None
        return
    budget = Budget(settings.model_input_price, settings.model_output_price, settings.model_daily_cap)
    model = open_language_model(settings.openai_api_key.get_secret_value(), settings.openai_base_url, settings.model, budget)
    try:
        yield model
    finally:
        model.close()


@contextmanager
def transport(settings: Settings, sender: Sender) -> Iterator[Outbox | SmtpTransport]:
    """The mail server where one is set, else the outbox."""
    door = _door(settings, sender)
    try:
        yield door
    finally:
        door.close()


def _door(settings: Settings, sender: Sender) -> Outbox | SmtpTransport:
    if settings.smtp_url is None:
        return Outbox(settings.outbox)
    server = parse_smtp_url(settings.smtp_url.get_secret_value())
    return SmtpTransport(
        server,
        mail_from=parseaddr(sender.mail_from)[1],
        connections=settings.connections,
        drain=timedelta(seconds=settings.drain_seconds),
    )
