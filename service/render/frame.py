"""What stands before and behind a mail's papers: fragments, and a person's own words and links between them. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from markupsafe import escape

from service.models import Digest, MailLinks, Topic, is_weekly
from service.render.encoding import encoded
from service.render.fragments import Fragment, Parts, TemplateBlocks, cut, html_slot, mark, slot, token_slot
from service.render.sheets import Sheet, foot_links, heading, lead_of, reason, schedule
from service.render.shelf import Shelf
from service.render.subject import preheader, subject_line
from service.render.words import topic_name, wrapped

_MOST_TOPS = 2_000
_MOST_WORDS = 5_000


@dataclass(frozen=True, slots=True)
class Top:
    """What stands before the papers."""

    subject: str
    html: list[bytes]
    text: list[bytes]


@dataclass(frozen=True, slots=True)
class _Blanks:
    """One end of a mail, its slots still empty."""

    html: Fragment
    text: Fragment


class Frame:
    """Of one edition: `sheet` and `links` have marks where a person's own words and tokens stand."""

    def __init__(self, sheet: Sheet, links: MailLinks, html: TemplateBlocks, text: TemplateBlocks) -> None:
        self._sheet, self._links, self._html, self._text = sheet, links, html, text
        self._blank_top, self._blank_end = cache(self._top_with_blanks), cache(self._end_with_blanks)
        self._blank_reason = cache(self._reason_with_blanks)
        self._rhythm = lru_cache(_MOST_WORDS)(self._rhythm_told)
        self._tops = Shelf[Hashable, Top](_MOST_TOPS)
        self._topics = Shelf[int, tuple[str, bytes]](_MOST_WORDS)  # their names, as they are told and as they stand in html

    def top(self, digest: Digest, has_samples: bool) -> Top:
        """Many people's say the same; a week, a second look and a silence have words of their own."""
        first = digest.first
        if first is None or digest.week or digest.second_look:
            return self._top(digest, has_samples)
        topics = [section.topic for section in digest.sections if section.topic]
        key = (
            has_samples,
            digest.kind,
            digest.covered_from,
            digest.earlier_count,
            digest.looked_at_count,
            sum([len(section.picks) for section in digest.sections]),
            len(digest.lines),
            len(digest.unlisted),
            digest.outside is None,
            len(digest.topics),
            id(first.paper),
            len(topics),
            *map(id, topics[:2]),
        )
        return self._tops.get(key) or self._tops.put(key, self._top(digest, has_samples), (first.paper, topics))

    def end(self, digest: Digest, links: MailLinks) -> Parts[list[bytes]]:
        person = digest.subscriber
        is_weekly, schedule = self._rhythm(person.cadence, person.hour, person.zone)
        blanks = self._blank_end(len(digest.unlisted), is_weekly, bool(digest.lines or digest.picks))
        reason = self._reason(digest.topics)
        own = {
            "reason": reason.html,
            "schedule": schedule.html,
            "unsubscribe": token_slot(links.unsubscribe_token),
            "settings": token_slot(links.settings_token),
            "pause": token_slot(links.pause_token),
            "web": token_slot(links.web_token),
        }
        html = blanks.html.filled(own)
        own["reason"], own["schedule"] = reason.text, schedule.text
        return Parts(html, blanks.text.filled(own))

    def _top(self, digest: Digest, has_samples: bool) -> Top:
        spoken, subject = self._sheet.language, subject_line(digest)
        counted = slot(heading(digest.kind, digest.passed_count, digest.looked_at_count, spoken))
        told = lead_of(digest, spoken)
        lead = slot(told)
        in_html = {"heading": counted.html, "lead": lead.html}
        in_html |= {"subject": html_slot(subject), "preheader": html_slot(preheader(digest) or told)}
        in_text = {"heading": counted.text, "lead": lead.text}
        blanks = self._blank_top(has_samples)
        return Top(subject, blanks.html.filled(in_html), blanks.text.filled(in_text))

    def _rhythm_told(self, cadence: str, hour: int, zone: str) -> tuple[bool, Parts[bytes]]:
        return is_weekly(cadence), slot(schedule(cadence, hour, zone, self._sheet.language))

    def _reason(self, topics: Sequence[Topic]) -> Parts[bytes]:
        """Hardly two people choose the same topics, but everybody chooses among these."""
        kept = self._topics
        names = [kept.get(id(topic)) or self._named(topic) for topic in topics]
        html = b"".join(self._blank_reason(len(names)).filled_with([in_html for _, in_html in names]))
        return Parts(html, encoded(wrapped(reason([name for name, _ in names], self._sheet.language))))

    def _named(self, topic: Topic) -> tuple[str, bytes]:
        name = topic_name(topic)
        return self._topics.put(id(topic), (name, html_slot(name)), topic)

    def _reason_with_blanks(self, count: int) -> Fragment:
        return cut(str(escape(reason([mark("topic")] * count, self._sheet.language))))

    def _top_with_blanks(self, has_samples: bool) -> _Blanks:
        whole = replace(self._sheet, has_samples=has_samples)
        return _Blanks(self._html.ends(whole)[0], self._text.ends(whole)[0])

    def _end_with_blanks(self, more_count: int, is_weekly: bool, has_web: bool) -> _Blanks:
        links = tuple(foot_links(self._links, self._sheet.language, is_weekly=is_weekly, has_web=has_web))
        whole = replace(self._sheet, more_count=more_count, links=links)
        return _Blanks(self._html.ends(whole)[1], self._text.ends(whole)[1])
