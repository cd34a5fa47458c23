"""`why`: the reason for each paper of a person's digest, for its place, and for what is not in. Touches the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any

import typer
from msgspec import structs

from service.cadence import last_complete_day, why_no_mail
from service.cli.output import Json, On, counted, database_reading, day, now, say, say_json
from service.cli.subscribers import person_named
from service.models import Digest, DigestKind, Entry, LeftOut, Pick, Reason, Support
from service.pipeline.digests import digest_for
from service.store.suppressions import suppressed

_MOST_REASONS = 8  # of a match
_ENTRIES = {
    Entry.FOLLOWED: "by somebody you follow",
    Entry.OUTSIDE: "outside your topics",
    Entry.SECOND_LOOK: "a second look",
    Entry.MISSED: "outside your topics, among the week's most read",
    Entry.EARLIER: "chosen earlier, and no topic of yours finds it now",
}


def why(email: Annotated[str, typer.Argument(metavar="EMAIL")], on: On = None, as_json: Json = False) -> None:
    """Say why a person got what they got, or nothing."""
    covered = day(on) or last_complete_day(now())
    with database_reading() as session:
        person = person_named(session, email)
        digest, delivery = digest_for(session, person, covered)
        if delivery:
            state, reason = str(delivery.state), delivery.reason
        else:
            suppression = suppressed(session, [person.email]).get(person.email)
            state, reason = "not sent", why_no_mail(person, now(), suppression) or digest.silence
    if as_json:
        say_json(why_json(digest, state, reason))
        return
    say(f"{person.email}, {covered}: {state}{f' ({reason})' if reason else ''}")
    for line in _lines(digest):
        say(line)


def _lines(digest: Digest) -> Iterator[str]:
    kind = "" if digest.kind is DigestKind.DAY else f" ({digest.kind})"
    looked, passed = counted(digest.looked_at_count, "new paper"), len(digest.passed)
    earlier = f", {digest.earlier_count} of them from earlier days" if digest.earlier_count else ""
    yield f"Looked at {looked} from {digest.covered_from} to {digest.on}, {passed} passed{earlier}{kind}."
    for title, picks in (("Full cards", digest.cards), ("In a line", digest.lines), ("Counted", digest.unlisted)):
        yield from _titled(title, picks)
    yield from _titled("Beside what passed", digest.slots)
    if digest.left_out:
        yield "Left out:"
        for out in digest.left_out:
            yield from _out_lines(out)


def _titled(title: str, picks: Iterable[Pick]) -> Iterator[str]:
    if picks:
        yield f"{title}:"
    for pick in picks:
        yield from _pick_lines(pick)


def _pick_lines(pick: Pick) -> Iterator[str]:
    yield f"  {pick.paper.id}  {pick.paper.title}"
    if pick.entry in _ENTRIES:
        yield f"    {_ENTRIES[pick.entry]}{_look(pick)}"
    yield from _match_lines(pick)
    yield f"    strength {pick.standing.strength:.2f} = {', '.join(_parts(pick))}"


def _look(pick: Pick) -> str:
    look = pick.second_look
    return f": took off since {look.first_on}, {look.upvotes_then} to {look.upvotes_now} upvotes" if look else ""


def _parts(pick: Pick) -> Iterator[str]:
    place = pick.standing
    yield f"relevance {place.relevance:.2f}"
    if pick.followed:
        yield f"followed {place.followed:+.2f} ({'; '.join(pick.followed)})"
    if place.liking:
        yield f"your marks {place.liking:+.2f}{_like(pick)}"
    yield f"momentum {place.momentum:+.2f}"
    if place.near_id:
        yield f"much the same as {place.near_id} {place.nearness:+.2f}"


def _like(pick: Pick) -> str:
    if not pick.liking:
        return ""
    terms = ", ".join(f'"{term}"' for term, _ in pick.liking.terms)
    return f" (like {', '.join(pick.liking.like_ids)}{': ' if terms else ''}{terms})"


def _out_lines(out: LeftOut) -> Iterator[str]:
    yield f"  {out.pick.paper.id}  {out.pick.paper.title}"
    yield f"    {out.cause}: {out.detail}"
    yield from _match_lines(out.pick)


def _match_lines(pick: Pick) -> Iterator[str]:
    for match in pick.matches:
        found = ", ".join(islice(_reasons_in_words(match.reasons), _MOST_REASONS))
        yield f"    {match.slug} {match.score:.2f}{'' if match.is_above else ', below the bar'}: {found}"


def _reasons_in_words(reasons: Iterable[Reason]) -> Iterator[str]:
    """`"agentic" in the title (+2.75), "agents" in the abstract (+1.78, expansion)`. Two rules may name one phrase."""
    weights: dict[tuple[str, str, Support], float] = {}
    for reason in reasons:
        told = (reason.phrase, reason.field, reason.support)
        weights[told] = weights.get(told, 0.0) + reason.weight
    for (phrase, field, support), weight in weights.items():
        yield f'"{phrase}" in the {field} ({weight:+.2f}{"" if support is Support.PHRASE else f", {support}"})'


def why_json(digest: Digest, state: str, reason: str | None) -> dict[str, Any]:
    return {
        "email": digest.subscriber.email,
        "on": digest.on,
        "since": digest.since,
        "covered_from": digest.covered_from,
        "kind": digest.kind,
        "state": state,
        "reason": reason,
        "looked_at": digest.looked_at_count,
        "passed": len(digest.passed),
        "minutes": digest.minutes,
        "cards": len(digest.cards),
        "lines": len(digest.lines),
        "papers": [_pick_json(pick) for pick in digest.picks],
        "near_misses": [_pick_json(pick) for pick in digest.near_misses],
        "left_out": [{**_pick_json(out.pick), "cause": out.cause, "detail": out.detail} for out in digest.left_out],
    }


def _pick_json(pick: Pick) -> dict[str, Any]:
    return {
        "id": pick.paper.id,
        "title": pick.paper.title,
        "entry": pick.entry,
        "matches": [asdict(match) for match in pick.matches],
        "followed": pick.followed,
        "liking": pick.liking._asdict() if pick.liking else None,
        "second_look": structs.asdict(pick.second_look) if pick.second_look else None,
        "standing": {**pick.standing._asdict(), "strength": pick.standing.strength},
    }
