"""What papers, topics, people and mail servers say is text, wherever it is shown: none of it becomes a part of a page."""

from __future__ import annotations

from email.message import EmailMessage

from bs4 import BeautifulSoup

from service.errors import DeliveryFailed
from service.store.database import transaction
from tests.builders import NOW, record, topic
from tests.web.conftest import ADA, LINKS, Web, the_link

MARKUP = '<b class="strange">bold</b> & "'


def texts(html: str) -> int:
    """How often it is there to be read."""
    page = BeautifulSoup(html, "lxml")
    assert page.select(".strange") == []
    return page.get_text().count(MARKUP)


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def test_markup_in_what_others_wrote_is_shown_as_it_is_on_every_page(web: Web) -> None:
    with transaction(web.engine) as session:
        session.add(topic("strange", name=MARKUP, description=MARKUP))
    web.gather(record("2610.00001", f"LLM agents {MARKUP}"))
    web.mailbox.refuse[ADA] = DeliveryFailed(450, MARKUP)
    web.now = NOW.replace(hour=8)
    assert web.wake() == []
    web.mailbox.refuse.clear()
    paper = LINKS.mark("2610.00001", "more")
    assert texts(web.post(paper).text) == 1
    assert texts(web.post(paper.replace("more", "mute"), phrase=MARKUP).text) == 2
    chosen = {
        "topics": ["strange", "agents"],
        "followed": MARKUP,
        "muted": MARKUP,
        "cadence": "daily",
        "hour": "8",
        "zone": "UTC",
    }
    assert texts(web.post(LINKS.settings, **chosen).text) == 4
    assert texts(web.post(LINKS.settings, **chosen, language=MARKUP).text) == 5
    change = web.wake()[-1]
    assert texts(html_of(change)) == 3
    assert texts(web.get(the_link(change)).text) == 3
    web.post(f"{LINKS.settings}/account")
    account = the_link(web.wake()[-1])
    assert texts(web.get(account).text) == 2
    assert texts(web.post(f"{account}/address", email=MARKUP).text) == 3
