"""What pages tell of the next mail: when it comes, or why none does. Touches the session it is given, which it only reads."""

from __future__ import annotations

from sqlmodel import Session

from service.cadence import known_zone, local_day
from service.models import Subscriber, SubscriberState
from service.pipeline.subscriptions import next_untaken_at
from service.render.language import language
from service.render.words import hour_in_words, masked
from service.store.suppressions import suppressed
from service.web.site import Site


def next_mail(session: Session, site: Site, person: Subscriber) -> str:
    """`The next digest comes on Friday 2 October 2026 at 08:00, Berlin time.`"""
    spoken = language(person.language)
    if person.state != SubscriberState.ACTIVE:
        return spoken.say("No digest goes to %(address)s.", address=masked(person.email))
    if stopped := why_stopped(session, person):
        return stopped
    moment = next_untaken_at(session, person, site.clock())
    day, time = local_day(moment, person.zone), hour_in_words(person.hour, known_zone(person.zone), spoken)
    return spoken.say("The next digest comes on %(day)s at %(time)s.", day=spoken.day(day), time=time)


def is_mailed(session: Session, person: Subscriber) -> bool:
    return person.state == SubscriberState.ACTIVE and not why_stopped(session, person)


def why_stopped(session: Session, person: Subscriber) -> str | None:
    """What to tell somebody whose address is suppressed, or None. Not the reason: whoever holds a forwarded mail may read it."""
    if not suppressed(session, [person.email]):
        return None
    spoken = language(person.language)
    reason = spoken.say("No mail goes to %(address)s: it came back, or it was asked for.", address=masked(person.email))
    way_out = spoken.say("Whoever sends you these mails can change that.")
    return f"{reason} {way_out}"
