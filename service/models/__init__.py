"""Every noun of Paperround, one module a subject: stored rows, and the frozen values that only flow. Touches nothing.

Only store/ assigns to a row's attributes.
"""

from __future__ import annotations

from service.models.digests import (
    SECONDS_A_CARD,
    SECONDS_A_LINE,
    Digest,
    DigestKind,
    Entry,
    History,
    LeftOut,
    LeftOutFor,
    Liking,
    Pick,
    SecondLook,
    Section,
    Standing,
    Theme,
    Week,
)
from service.models.mails import (
    HOLDING_STATES,
    OPEN_STATES,
    Delivery,
    DeliveryState,
    Email,
    EncodedEmail,
    Issue,
    MailLinks,
    Notice,
    NoticeKind,
    Outgoing,
    Sender,
)
from service.models.marks import Mark, MarkKind
from service.models.pages import TRUST, Alarm, Answer, Doubt, Form, Page, ParsedPage, RequestCount, Validator
from service.models.papers import Observation, Paper, ParsedPaper, Summary
from service.models.rows import metadata, new_key
from service.models.subscribers import LANGUAGES, WEEKDAYS, Subscriber, SubscriberState, Suppression
from service.models.topics import Match, Reason, Topic

__all__ = [
    "HOLDING_STATES",
    "LANGUAGES",
    "OPEN_STATES",
    "SECONDS_A_CARD",
    "SECONDS_A_LINE",
    "TRUST",
    "WEEKDAYS",
    "Alarm",
    "Answer",
    "Delivery",
    "DeliveryState",
    "Digest",
    "DigestKind",
    "Doubt",
    "Email",
    "EncodedEmail",
    "Entry",
    "Form",
    "History",
    "Issue",
    "LeftOut",
    "LeftOutFor",
    "Liking",
    "MailLinks",
    "Mark",
    "MarkKind",
    "Match",
    "Notice",
    "NoticeKind",
    "Observation",
    "Outgoing",
    "Page",
    "Paper",
    "ParsedPage",
    "ParsedPaper",
    "Pick",
    "Reason",
    "RequestCount",
    "SecondLook",
    "Section",
    "Sender",
    "Standing",
    "Subscriber",
    "SubscriberState",
    "Summary",
    "Suppression",
    "Theme",
    "Topic",
    "Validator",
    "Week",
    "metadata",
    "new_key",
]
