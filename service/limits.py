"""How many mails may go out a second, in all and to each recipient domain. Pure.

The generic cell rate algorithm (ITU-T I.371): grants have turns that are 1/(0.963 N) seconds apart, and a turn may be taken
up to 0.25 seconds late. So a window of 10 seconds holds grants whose turns lie within 10.25 seconds, at most 9.88 N + 1; some
0.13 seconds are left for mails that come to the server later than they were granted. And while mails wait and somebody asks
every 0.25 seconds, 0.963 N a second go out.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass

_SHARE = 0.963
_LATEST = 0.25  # seconds
_AHEAD = 60.0  # seconds; a turn further ahead than this comes from a clock that was set back since, and is forgotten
IN_ALL = ""  # the name of the limit that concerns every mail; the others' names are domains


@dataclass(frozen=True, slots=True)
class Limits:
    """Mails a second; None: as many as the server takes."""

    in_all: float | None = None
    per_domain: float | None = None


def grant(
    limits: Limits, domains: Sequence[str], most: int, turns: MutableMapping[str, float], now: float
) -> tuple[list[bool], float]:
    """Which mails to these domains may go now, `most` of them; and in how many seconds another one may.

    `turns` holds the next turn of each limit in seconds, and is brought up to date. A granted mail must go out at once.
    """
    intervals = dict.fromkeys(domains, 1 / (_SHARE * limits.per_domain)) if limits.per_domain else {}
    in_all = {IN_ALL: 1 / (_SHARE * limits.in_all)} if limits.in_all else {}
    answers: list[bool] = []
    waits = [_LATEST]
    for domain in domains:
        own = {**in_all, **({domain: intervals[domain]} if intervals else {})}
        wait = max((_turn(turns, name, interval, now) - now for name, interval in own.items()), default=0.0)
        may_go = wait <= 0 and sum(answers) < most
        answers.append(may_go)
        if may_go:
            turns.update({name: _turn(turns, name, interval, now) + interval for name, interval in own.items()})
        else:
            waits.append(max(wait, 0.0))
    return answers, min(waits)


def _turn(turns: MutableMapping[str, float], name: str, interval: float, now: float) -> float:
    turn = turns.get(name, now)
    return now if turn > now + interval + _AHEAD else max(turn, now - _LATEST)
