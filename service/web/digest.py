"""One mail's digest in a browser. Touches the database, which it only reads."""

from __future__ import annotations

import base64
from datetime import date
from hashlib import sha256

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.cadence import local_day
from service.errors import BadLink
from service.links import mail_links, web_key
from service.pipeline.digests import digest_again, topic_board
from service.render import IMAGE_HOST, mail_style, render_digest_page
from service.store.database import reading
from service.store.deliveries import delivery_of
from service.web.site import READ, Site, known_person

# The one style sheet that the page holds, named by its hash (CSP Level 3, 2.3.1): nothing else gets in.
_STYLE_HASH = base64.b64encode(sha256(mail_style().encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src https://{IMAGE_HOST} https://*.{IMAGE_HOST}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def routes(site: Site) -> APIRouter:
    router = APIRouter()

    @router.api_route("/digest/{token}/{on}", methods=READ)
    def show_digest(token: str, on: date) -> HTMLResponse:
        with reading(site.engine) as session:
            person = known_person(session, web_key(site.sender, token, on))
            assert person.id is not None
            delivery = delivery_of(session, person.id, on)
            if delivery is None or not delivery.paper_ids:
                raise BadLink("no digest of that day")
            digest = digest_again(session, person, delivery, topic_board(session))
        links = mail_links(site.sender, person.key, on)
        sent_on = local_day(delivery.settled_at or delivery.planned_at, person.zone)
        html = render_digest_page(digest, links, sent_on=sent_on, postal_line=site.sender.postal_line)
        return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY})

    return router
