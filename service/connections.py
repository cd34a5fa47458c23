"""Settings to open clients. Touches the network and the file system, through what it opens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parseaddr
from importlib.metadata import version

from sqlalchemy import Engine

from service.delivery.outbox import Outbox
from service.delivery.smtp import SmtpDoor, parse_smtp_url
from service.fetch import Fetcher
from service.language_model import LanguageModel, open_language_model
from service.models import Budget, Sender
from service.settings import ModelSettings, Settings
from service.store.database import open_database


@contextmanager
def database(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    try:
        yield engine
    finally:
        engine.dispose()


def fetcher(settings: Settings, *, attempts: int = 3) -> Fetcher:
    contact = f"; {settings.contact}" if settings.contact else ""
    return Fetcher(f"Paperround/{version('paperround')} (self-hosted daily digest{contact})", attempts=attempts)


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
def transport(settings: Settings, sender: Sender) -> Iterator[Outbox | SmtpDoor]:
    """The mail server where one is set, else the outbox."""
    door = _door(settings, sender)
    try:
        yield door
    finally:
        door.close()


def _door(settings: Settings, sender: Sender) -> Outbox | SmtpDoor:
    if settings.smtp_url is None:
        return Outbox(settings.outbox)
    server = parse_smtp_url(settings.smtp_url.get_secret_value())
    return SmtpDoor(server, mail_from=parseaddr(sender.mail_from)[1])
