"""Every noun of Paperround, one module a subject: stored rows, and the frozen values that only flow. Touches nothing.

Only store/ assigns to a row's attributes.
"""

from __future__ import annotations

from service.models.mails import (
    HOLDING_STATES,
    OPEN_STATES,
    Delivery,
    DeliveryState,
    Digest,
    Email,
    Issue,
    MailLinks,
    Notice,
    NoticeKind,
    Outgoing,
    Pick,
    Section,
    Sender,
)
from service.models.pages import TRUST, Alarm, Answer, Doubt, Form, Page, ParsedPage, RequestCount, Turn, Validator
from service.models.papers import Observation, Paper, ParsedPaper, Summary
from service.models.rows import metadata, new_key
from service.models.subscribers import WEEKDAYS, Subscriber, SubscriberState, Suppression
from service.models.topics import Band, Match, Reason, Rule, Support, Topic, TopicVersion, Trace

__all__ = [
    "HOLDING_STATES",
    "OPEN_STATES",
    "TRUST",
    "WEEKDAYS",
    "Alarm",
    "Answer",
    "Band",
    "Delivery",
    "DeliveryState",
    "Digest",
    "Doubt",
    "Email",
    "Form",
    "Issue",
    "MailLinks",
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
    "Rule",
    "Section",
    "Sender",
    "Subscriber",
    "SubscriberState",
    "Summary",
    "Support",
    "Suppression",
    "Topic",
    "TopicVersion",
    "Trace",
    "Turn",
    "Validator",
    "metadata",
    "new_key",
]
