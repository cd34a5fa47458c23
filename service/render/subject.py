"""What a mailbox shows of a digest before it is opened: subject and preheader, which name the content. Pure."""

from __future__ import annotations

from service.models import Digest, DigestKind
from service.render.words import shortened

_LONGEST_SUBJECT = 110
_LONGEST_PREHEADER = 150
_KINDS = {DigestKind.WEEKLY: "Your week: ", DigestKind.CATCH_UP: "The days you missed: "}


def subject_line(digest: Digest) -> str:
    """`3 papers: Agents & tool use, Code · Title of the first`; weekly `Your week: 12 papers: ...`."""
    if not digest.picks:
        return f"Nothing for you, out of {digest.looked_at_count}"
    names = [section.topic.name for section in digest.sections if section.topic]
    passed = len(digest.passed)
    count = f"{passed} {'paper' if passed == 1 else 'papers'}"
    topics = f": {', '.join(names[:2])}{f' and {len(names) - 2} more' if len(names) > 2 else ''}" if names else ""
    whole = f"{_KINDS.get(digest.kind, '')}{count}{topics} · {digest.picks[0].paper.title}"
    return shortened(" ".join("".join(c if c.isprintable() else " " for c in whole).split()), _LONGEST_SUBJECT)


def preheader(digest: Digest) -> str:
    """What is in it beyond the title that the subject holds: the first paper in a sentence, a second look, a week's themes."""
    if not digest.picks:
        return shortened(f"{digest.silence}", _LONGEST_PREHEADER)
    first = digest.picks[0].paper
    told = [first.tldr or first.title]
    if digest.second_look and (look := digest.second_look.second_look):
        told.insert(0, f"Took off: {digest.second_look.paper.title}, {look.upvotes_then} to {look.upvotes_now} upvotes.")
    if digest.week and digest.week.themes:
        told.insert(0, f"Rising: {', '.join(theme.tag for theme in digest.week.themes[:3])}.")
    return shortened(" ".join(told), _LONGEST_PREHEADER)
