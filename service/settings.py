"""Settings from the environment and `.env`, as one frozen object. Touches the environment and one file."""

from __future__ import annotations

import os
import re
from email.utils import formataddr, getaddresses, parseaddr
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from service.delivery.server import is_loopback, parse_smtp_url
from service.errors import WrongUse
from service.fetch import INTERVAL
from service.models import OPEN_STATES, UNSENT_STATES, DeliveryState, Sender, new_key
from service.subscribers import parse_address

PREFIX = "PAPERROUND_"


def _web_address(text: str) -> str:
    """Scheme, host and path; what else an address can hold would be lost or shown where it must not."""
    parts = urlsplit(text)
    is_whole = parts.scheme in ("http", "https") and parts.hostname
    if not is_whole or not text.isascii() or any(c.isspace() or c in '<>"\\@?#' for c in text):
        raise ValueError("write a whole address without user, ? or #, as in https://papers.example.org")
    return text.rstrip("/")


def _one_ascii_line(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise ValueError("write an address or a link, in ASCII")
    return text


def _one_line(text: str) -> str:
    if not text.isprintable() or len(text) > 300:
        raise ValueError("write one line of at most 300 characters")
    return text


def _database_url(text: str) -> str:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ValueError("write a database URL, as in sqlite:///paperround.db") from error
    if url.drivername not in ("sqlite", "postgresql", "postgresql+psycopg") or not url.database:
        raise ValueError("write sqlite:///paperround.db, or postgresql://user:password@host/name")
    return text


def _smtp_url(secret: SecretStr) -> SecretStr:
    try:
        parse_smtp_url(secret.get_secret_value())
    except WrongUse as error:
        raise ValueError(str(error)) from error
    return secret


def _mail_from(text: str) -> str:
    name, address = parseaddr(text)
    if len(getaddresses([text])) > 1:
        raise ValueError("write one address; a name with a comma stands in quotation marks")
    if any(c in text for c in "\r\n") or not address:
        raise ValueError("write an address, as in Paperround <digest@example.org>")
    try:
        return formataddr((name, parse_address(address)))
    except WrongUse as error:
        raise ValueError(str(error)) from error


def _address(text: str) -> str:
    try:
        return parse_address(text)
    except WrongUse as error:
        raise ValueError(str(error)) from error


def _ascii_secret(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().isascii():
        raise ValueError("a key is ASCII")
    return secret


_PRICED = "gpt-4o-mini"  # whose prices the defaults are


def _signing_keys(text: str) -> str:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", selector.strip()) and file.strip() for selector, _, file in pairs):
        raise ValueError("write selector=FILE, as in s1=/etc/paperround/dkim.pem; of several with commas between")
    return text


class ModelSettings(BaseSettings):
    """What a language model needs; the stages that run alone read no other setting.

    Each field's environment name is PAPERROUND_ and its own in capitals, unless it names another.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    openai_api_key: Annotated[SecretStr, AfterValidator(_ascii_secret)] | None = Field(
        default=None, validation_alias="OPENAI_API_KEY"
    )
    openai_base_url: Annotated[str, AfterValidator(_web_address)] | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    model: str = _PRICED
    model_input_price: Annotated[float, Field(ge=0)] = 0.15  # dollars for a million tokens
    model_output_price: Annotated[float, Field(ge=0)] = 0.60
    model_daily_cap: Annotated[float, Field(ge=0)] = 1.0  # dollars
    topics_by_model: bool = False  # whether the model is asked which papers fit which topics
    embedding_model: str | None = None  # None: no embeddings are asked for
    embedding_price: Annotated[float, Field(ge=0)] = 0.02  # dollars for a million tokens


class Settings(ModelSettings):
    database_url: Annotated[str, AfterValidator(_database_url)] = "sqlite:///paperround.db"
    source_url: Annotated[str, AfterValidator(_web_address)] = "https://huggingface.co/papers"
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] | None = None
    outbox: Path = Path("outbox")
    public_url: Annotated[str, AfterValidator(_web_address)] | None = None
    secret_key: SecretStr | None = None
    mail_from: Annotated[str, AfterValidator(_mail_from)] | None = None
    postal_line: Annotated[str, AfterValidator(_one_line)] | None = None
    unsubscribe_mailbox: Annotated[str, AfterValidator(_address)] | None = None
    stale_after_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 24
    connections: Annotated[int, Field(ge=1, le=100)] = 8
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    rate: Annotated[float, Field(gt=0, le=100_000)] | None = None
    domain_rate: Annotated[float, Field(gt=0, le=100_000)] | None = None
    dkim_keys: Annotated[str, AfterValidator(_signing_keys)] | None = None
    drain_seconds: Annotated[int, Field(ge=0, le=3600)] = 30
    on_unknown: Literal["resend", "hold"] = "resend"
    worker_folder: Path | None = None
    contact: Annotated[str, AfterValidator(_one_ascii_line)] | None = None
    request_interval: Annotated[float, Field(ge=0, le=600)] = INTERVAL
    daily_requests: Annotated[int, Field(ge=1)] = 1000
    on_suspect: Literal["note", "wait"] = "note"
    admin_email: Annotated[str, AfterValidator(_address)] | None = None


_Kind = TypeVar("_Kind", bound=ModelSettings)


_KINDS = {"int_parsing": "write a whole number", "float_parsing": "write a number", "bool_parsing": "write true or false"}


def load_settings(kind: type[_Kind]) -> _Kind:
    """Raises WrongUse naming the setting; its value is never told."""
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        said = _KINDS.get(first["type"]) or first["msg"].removeprefix("Value error, ").replace("Input should be", "it must be")
        raise WrongUse(f"{environment_name(str(first['loc'][0]))}: {said}") from error
    except UnicodeDecodeError as error:
        raise WrongUse(".env is not UTF-8 text") from error
    except OSError as error:
        raise WrongUse(f".env can't be read: {error.strerror}") from error


def environment_name(field: str) -> str:
    return field if field.isupper() else PREFIX + field.upper()


def setting_names() -> list[str]:
    """Every environment name there is, in the order of the class."""
    return [str(field.validation_alias or environment_name(name)) for name, field in Settings.model_fields.items()]


def _unread_lines() -> list[int]:
    """Of `.env`."""
    try:
        with Path(".env").open(encoding="utf-8") as file:
            unread = [read.original for read in parse_stream(file) if read.error or (read.key and read.value is None)]
    except OSError:
        return []
    return [line + len(text) - len(text.lstrip("\n")) for text, line in unread]


def setting_warnings(settings: Settings) -> list[str]:
    """What is odd but doesn't stop anything: names we don't know, links and keys that are weak."""
    given = dotenv_values(".env").keys() | os.environ.keys()
    unknown = sorted(name for name in given if name.startswith(PREFIX) and name not in setting_names())
    warnings = [f"{name} is no setting of Paperround and does nothing" for name in unknown]
    warnings += [f".env: line {number} is no NAME=value, and does nothing" for number in _unread_lines()]
    public = urlsplit(settings.public_url or "")
    if public.scheme == "http" and not is_loopback(public.hostname or ""):
        warnings.append(f"{PREFIX}PUBLIC_URL is http: mail programs offer one-click unsubscribe for https only")
    if (
        settings.openai_api_key
        and settings.model != _PRICED
        and not settings.model_fields_set & {"model_input_price", "model_output_price"}
    ):
        warnings.append(
            f"{PREFIX}MODEL_INPUT_PRICE and _OUTPUT_PRICE are not set: {settings.model} is reckoned at the prices of {_PRICED}"
        )
    if any(len(key) < 32 for key in _link_keys(settings)):
        warnings.append(f"{PREFIX}SECRET_KEY is short: 32 characters or more can't be guessed")
    return warnings


def sender(settings: Settings) -> Sender:
    """Who mails come from. A real send, by SMTP, raises WrongUse naming what is missing; an outbox gets stand-ins."""
    needed = {"PUBLIC_URL": settings.public_url, "SECRET_KEY": _link_keys(settings) or None, "MAIL_FROM": settings.mail_from}
    missing = [PREFIX + name for name, value in needed.items() if value is None]
    if settings.smtp_url is not None and missing:
        raise WrongUse(
            f"a real send needs {', '.join(missing)}: set {'them' if missing[1:] else 'it'} in the environment or in .env"
        )
    return Sender(
        mail_from=settings.mail_from or "Paperround <paperround@localhost>",
        public_url=settings.public_url or "http://localhost:8000",
        link_keys=_link_keys(settings) or (new_key(),),
        postal_line=settings.postal_line,
        unsubscribe_mailbox=settings.unsubscribe_mailbox,
    )


def states_to_send(settings: Settings) -> tuple[DeliveryState, ...]:
    """With `hold`, a mail that may have arrived waits for the administrator."""
    return OPEN_STATES if settings.on_unknown == "resend" else UNSENT_STATES


def signing_key_files(settings: Settings) -> list[tuple[str, Path]]:
    """DKIM selectors, and where their keys are."""
    parts = settings.dkim_keys.split(",") if settings.dkim_keys else []
    return [(selector.strip(), Path(file.strip())) for selector, _, file in (part.partition("=") for part in parts)]


def _link_keys(settings: Settings) -> tuple[str, ...]:
    """The first signs; the others, with commas between, are still believed."""
    written = settings.secret_key.get_secret_value() if settings.secret_key else ""
    return tuple(key for part in written.split(",") if (key := part.strip()))
