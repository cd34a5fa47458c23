"""What a mailbox shows of a digest before it is opened: subject and preheader, which name the content. Pure."""

from __future__ import annotations

from service.models import Digest
from service.render.words import shortened

_LONGEST_SUBJECT = 110
_LONGEST_PREHEADER = 150


def subject_line(digest: Digest) -> str:
    """`3 papers: Agents & tool use, Code · Title of the first`."""
    if not digest.picks:
        return f"Nothing for you, out of {digest.looked_at_count}"
    names = [section.topic.name for section in digest.sections if section.topic]
    count = f"{len(digest.picks)} {'paper' if len(digest.picks) == 1 else 'papers'}"
    topics = f": {', '.join(names[:2])}{f' and {len(names) - 2} more' if len(names) > 2 else ''}" if names else ""
    whole = f"{count}{topics} · {digest.picks[0].paper.title}"
    return shortened(" ".join("".join(c if c.isprintable() else " " for c in whole).split()), _LONGEST_SUBJECT)


def preheader(digest: Digest) -> str:
    """A sentence on the first paper, for the subject holds its title."""
    if not digest.picks:
        return shortened(f"{digest.silence}", _LONGEST_PREHEADER)
    first = digest.picks[0].paper
    return shortened(first.tldr or first.title, _LONGEST_PREHEADER)
