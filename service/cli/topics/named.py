"""What the commands on topics share: the topic by its slug, and who changes it. Touches the session it is given."""

from __future__ import annotations

from getpass import getuser
from typing import Annotated

import typer
from sqlmodel import Session

from service.errors import WrongUse
from service.models import Topic
from service.store.topics import topic

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="`topics list` tells them.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why the topic changes; kept with the version.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who changes it; default: the user of this system.")]


def known_topic(session: Session, slug: str) -> Topic:
    """Raises WrongUse."""
    found = topic(session, slug)
    if found is None:
        raise WrongUse(f"there is no topic {slug!r}: `paperround topics list` tells them")
    return found


def author(by: str | None) -> str:
    """Raises WrongUse where the system doesn't tell who this is."""
    try:
        return by or getuser()
    except OSError as error:
        raise WrongUse("this system has no name for its user: say --by NAME") from error
