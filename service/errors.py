"""What can go wrong, one class per decision a caller makes. Touches nothing.

PaperroundError
├── WrongUse            the caller gave something unusable: say what to give instead (exit status 2)
├── FetchFailed         the source didn't answer: keep what is stored, try again later
├── PageChanged         an answer isn't a page we know: keep what is stored, a person should look
├── SummaryRejected     a model's summary can't be trusted: use the authors' own sentence
├── HostileText         a paper's text tries to steer a model: use the authors' own sentence, tell the admin
├── ModelFailed         a language model didn't answer: use the authors' own sentence, try again later
├── StoreFailed         the database can't be opened or written: nothing was changed
├── ServerUnusable      the mail server can't be used at all: leave every mail for the next run
├── DeliveryFailed      one mail was not taken: for good (permanent), for now, or the connection broke
├── DeliveryUncertain   the mail was handed over, the answer was lost: it may or may not have arrived
├── BadLink             a link was not signed by us: show one page that tells nothing
├── ExpiredLink         a link was signed by us too long ago: say how to get a new one
└── Stopped             told to stop while waiting: end, and carry on at the next start
"""

from __future__ import annotations


class PaperroundError(Exception):
    """Its text is one plain line that says what happened and what to do."""


class WrongUse(PaperroundError):
    """What pages may show has `%(name)s` for each of its values, so that it can be said in another language."""

    def __init__(self, sentence: str, /, **values: object) -> None:
        super().__init__(sentence % values if values else sentence)
        self.sentence, self.values = sentence, values


class FetchFailed(PaperroundError):
    """`status` is the answer's, None where there was none. `is_lasting`: asking again will be answered the same."""

    def __init__(self, message: str, *, status: int | None = None, is_lasting: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.is_lasting = is_lasting


class PageChanged(PaperroundError):
    pass


class SummaryRejected(PaperroundError):
    pass


class HostileText(PaperroundError):
    pass


class ModelFailed(PaperroundError):
    pass


class StoreFailed(PaperroundError):
    pass


class ServerUnusable(PaperroundError):
    """`permanent`: no wait mends it, a person must, as where the server refuses our login."""

    def __init__(self, why: str, *, permanent: bool = False) -> None:
        super().__init__(why)
        self.permanent = permanent


class DeliveryFailed(PaperroundError):
    """One mail was not taken. `code` is the server's reply code, None where the connection broke before a reply."""

    def __init__(self, code: int | None, reply: str) -> None:
        super().__init__(reply if code is None else f"{code} {reply}")
        self.code = code

    @property
    def permanent(self) -> bool:
        """5yz is for good, 4yz for now (RFC 5321, 4.2.1)."""
        return self.code is not None and self.code >= 500

    @property
    def broke_off(self) -> bool:
        """The connection is gone: it broke, or the server said that it is closing (421; RFC 5321, 3.8)."""
        return self.code in (None, 421)


class DeliveryUncertain(PaperroundError):
    pass


class BadLink(PaperroundError):
    pass


class ExpiredLink(PaperroundError):
    pass


class Stopped(PaperroundError):
    pass
