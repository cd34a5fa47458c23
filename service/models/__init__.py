"""Every noun of Paperround, one module a subject: stored rows, and the frozen values that only flow. Touches nothing.

Only store/ assigns to a row's attributes.
"""

from __future__ import annotations

from service.models.language import Budget, Completion, KeptCompletion, Prompt, Spending
from service.models.mails import (
    DONE_STATES,
    HOLDING_STATES,
    OPEN_STATES,
    UNSENT_STATES,
    Bounce,
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
from service.models.papers import Evidence, Observation, Paper, ParsedPaper, Summary
from service.models.rows import metadata, new_key
from service.models.subscribers import WEEKDAYS, Subscriber, SubscriberState, Suppression
from service.models.topics import Match, Reason, Topic

__all__ = [
    "DONE_STATES",
    "HOLDING_STATES",
    "OPEN_STATES",
    "TRUST",
    "UNSENT_STATES",
    "WEEKDAYS",
    "Alarm",
    "Answer",
    "Bounce",
    "Budget",
    "Completion",
    "Delivery",
    "DeliveryState",
    "Digest",
    "Doubt",
    "Email",
    "Evidence",
    "Form",
    "Issue",
    "KeptCompletion",
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
    "Prompt",
    "Reason",
    "RequestCount",
    "Section",
    "Sender",
    "Spending",
    "Subscriber",
    "SubscriberState",
    "Summary",
    "Suppression",
    "Topic",
    "Turn",
    "Validator",
    "metadata",
    "new_key",
]
