"""Read the page of a single paper by its hydration payload, the JSON of `[data-target=PaperContent]`. Pure.

Page form: `paper` holds the record that lists hold too; upvotes may stand in `[data-target=UpvoteControl]` alone.
"""

from __future__ import annotations

from dataclasses import replace

from service.errors import PageChanged
from service.models import Form, ParsedPage
from service.sources import json_text
from service.sources.fields import count, mapping
from service.sources.markup import Markup
from service.sources.records import parse_record

TARGET = "PaperContent"


def parse(markup: Markup) -> ParsedPage:
    """Raises PageChanged."""
    paper = parse_record(_props(markup, TARGET))
    if isinstance(paper, str):
        raise PageChanged(f"the page's payload is no paper: {paper}")
    if paper.upvotes is None and "UpvoteControl" in markup.payloads:
        paper = replace(paper, upvotes=count(mapping(_props(markup, "UpvoteControl")).get("upvotes")))
    return ParsedPage(form=Form.PAPER_PAGE, period="paper", date=None, papers=(paper,))


def _props(markup: Markup, target: str) -> object:
    return json_text.load(markup.payloads[target], f"the payload {target}")
