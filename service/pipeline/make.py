"""A claimed mail to its finished bytes, a delivery or a notice. Touches the database, which it only reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

from sqlalchemy import Engine

from service.cadence import local_day
from service.delivery.form import message_form
from service.delivery.message import Message, build_message
from service.links import Fresh, fresh_link, mail_links
from service.models import Delivery, Notice, NoticeKind, Sender
from service.pipeline.digests import topic_board
from service.render import Press, render_notice
from service.store.database import reading
from service.store.ledger import Claimed

Maker = Callable[[Claimed, datetime], tuple[str, Message]]  # the subject and the message, as of that instant

_PURPOSES = {
    NoticeKind.CONFIRMATION: Fresh.CONFIRM,
    NoticeKind.CHANGE: Fresh.UNDO,
    NoticeKind.ACCOUNT: Fresh.ACCOUNT,
    NoticeKind.ADDRESS: Fresh.ADDRESS,
    NoticeKind.MOVE: Fresh.UNDO,
}


def mail_maker(engine: Engine, sender: Sender) -> Maker:
    """With the topics as they are now, for any number of mails, which share what is rendered of their papers."""
    with reading(engine) as session:
        board = topic_board(session)
    topics = {topic.slug: topic for topic in board.topics}
    press, form = Press(postal_line=sender.postal_line), message_form(sender)

    def make(claimed: Claimed, now: datetime) -> tuple[str, Message]:
        person = claimed.person
        sent_on = local_day(now, person.zone)
        if claimed.mail.is_notice:
            row = cast("Notice", claimed.mail)
            link = fresh_link(sender, _PURPOSES[NoticeKind(row.kind)], row.key, now)  # fresh however long the mail waited
            email = render_notice(row, person, topics, link=link, sent_on=sent_on)
            return email.subject, build_message(email, sender, to=claimed.to, key=row.key, now=now)
        delivery = cast("Delivery", claimed.mail)
        archive = board.archive(delivery)
        if archive is None:
            with reading(engine) as session:
                archive = board.read(session, delivery)
        digest = archive.digest(person, delivery)
        links = mail_links(sender, person.key, delivery.digest_on)
        encoded = press.encoded_email(digest, links, sent_on=sent_on)
        message = form.message(encoded, to=claimed.to, key=delivery.key, now=now, unsubscribe_link=links.unsubscribe)
        return encoded.subject, message

    return make
