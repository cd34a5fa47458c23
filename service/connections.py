"""Settings to open clients. Touches the network and the file system, through what it opens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from service.delivery.message import Message
from service.delivery.outbox import Outbox
from service.delivery.pace import Allow
from service.delivery.pipelined import PipelinedTransport
from service.delivery.server import parse_smtp_url
from service.errors import FetchFailed, WrongUse
from service.fetch import PRODUCT, Memory, digest
from service.language_model import LanguageModel, open_language_model
from service.limits import Limits
from service.models import Budget, Sender, Validator
from service.settings import PREFIX, ModelSettings, Settings, signing_key_files
from service.store.answers import count_request, put_turn, put_validator, turn_at, validator
from service.store.database import insisting, open_database, reading, transaction
from service.store.locks import hold_alone
from service.store.rates import allow_mails

if TYPE_CHECKING:
    from service.fetch.fetcher import Fetcher

_FETCH_PATIENCE = timedelta(minutes=5)  # more than the longest answer takes


@contextmanager
def database(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def fetcher(
    settings: Settings, engine: Engine, *, attempts: int = 3, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Fetcher]:
    """Takes turns with those of other processes on this database."""
    from service.fetch.fetcher import Fetcher  # with httpx, which nobody who sends needs

    contact = f"; {settings.contact}" if settings.contact else ""
    agent = f"{PRODUCT}/{version('paperround')} (self-hosted daily digest{contact})"
    memory = fetch_memory(engine, settings.daily_requests)
    with Fetcher(agent, attempts=attempts, interval=settings.request_interval, memory=memory, sleep=sleep) as fetcher:
        yield fetcher


def fetch_memory(engine: Engine, daily_requests: int) -> Memory:
    """Kept in the database, so that it outlives the process."""

    def recall(address: str) -> tuple[Validator, bytes] | None:
        with reading(engine) as session:
            found = validator(session, address)
        return found if found and digest(found[1]) == found[0].digest else None

    def keep(known: Validator) -> None:
        with transaction(engine) as session:
            put_validator(session, known)

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
    named = settings.embedding_model
    embedding = (named, Budget(settings.embedding_price, 0.0, settings.model_daily_cap)) if named else None
    key = settings.openai_api_key.get_secret_value()
    model = open_language_model(key, settings.openai_base_url, settings.model, budget, embedding=embedding)
    try:
        yield replace(model, tells_fit=settings.topics_by_model)
    finally:
        model.close()


@contextmanager
def transport(settings: Settings, engine: Engine, sender: Sender) -> Iterator[Outbox | PipelinedTransport]:
    """The mail server where one is set, else the outbox. Raises WrongUse where a signing key can't be used."""
    door = _door(settings, engine, sender)
    try:
        yield door
    finally:
        door.close()


def _door(settings: Settings, engine: Engine, sender: Sender) -> Outbox | PipelinedTransport:
    if settings.smtp_url is None:
        return Outbox(settings.outbox)
    server = parse_smtp_url(settings.smtp_url.get_secret_value())
    address = parseaddr(sender.mail_from)[1]
    return PipelinedTransport(
        server,
        mail_from=address,
        connections=settings.connections,
        drain=timedelta(seconds=settings.drain_seconds),
        allow=_mail_limits(settings, engine),
        sign=_signing(settings, address.rpartition("@")[2]),
    )


def _mail_limits(settings: Settings, engine: Engine) -> Allow | None:
    """Kept in the database, so that all processes share them."""
    if settings.rate is None and settings.domain_rate is None:
        return None
    limits = Limits(settings.rate, settings.domain_rate)

    def allow(domains: Sequence[str], most: int) -> tuple[list[bool], float]:
        with transaction(engine) as session:
            return allow_mails(session, limits, domains, most, lambda: datetime.now(UTC))

    return lambda domains, most: insisting(partial(allow, domains, most))


def _signing(settings: Settings, domain: str) -> Callable[[Message], Message] | None:
    """DKIM by our own keys, where there are any; else the relay signs."""
    files = signing_key_files(settings)
    if not files:
        return None
    try:
        from service.delivery.dkim import load_signing_key, sign
    except ModuleNotFoundError as error:
        raise WrongUse("DKIM needs the extra `dkim`: pip install '.[dkim]' in the clone") from error
    keys = []
    for selector, file in files:
        try:
            keys.append(load_signing_key(file.read_bytes(), domain=domain, selector=selector))
        except OSError as error:
            raise WrongUse(f"{PREFIX}DKIM_KEYS: {file} can't be read: {error.strerror}") from error
        except WrongUse as error:
            raise WrongUse(f"{PREFIX}DKIM_KEYS: {file}: {error}") from error
    return lambda message: sign(message, keys, int(time.time()))
