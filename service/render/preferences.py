"""Settings in words: what is mailed, when, how long, in the words of the mail's foot. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.models import Topic
from service.render.characters import one_line
from service.render.language import ENGLISH, Language
from service.render.words import schedule_in_words, topics_in_words

LANGUAGE_NAMES = {"en": "English", "de": "Deutsch"}


def settings_in_words(settings: Mapping[str, Any], topics: Mapping[str, Topic], spoken: Language = ENGLISH) -> dict[str, str]:
    """Every setting that a mail's link may change, by what it is called; one that `settings` lacks is left out."""
    say = spoken.say
    schedule = schedule_in_words(settings["cadence"], settings["hour"], settings["zone"], spoken)
    told = {say("Topics"): topics_in_words(settings["topics"], topics, spoken), say("Mail"): schedule}
    titles = {
        "length": say("Length"),
        "minimum_score": say("How well a paper must fit"),
        "followed": say("Authors and organisations you follow"),
        "muted": say("Muted phrases"),
        "language": say("Language"),
        "with_abstract": say("The abstract beside the summary"),
        "with_outside": say("A paper outside your topics"),
        "with_note": say("A short mail when nothing passes"),
    }
    return told | {title: _in_words(name, settings[name], spoken) for name, title in titles.items() if name in settings}


def length_in_words(length: str, spoken: Language = ENGLISH) -> str:
    """`6 minutes of reading`, `8 papers`."""
    unit, _, number = length.partition(":")
    if unit == "minutes":
        return spoken.say("%(number)s minutes of reading", number=number)
    return spoken.count("%(number)s paper", "%(number)s papers", int(number), number=number)


def score_in_words(score: float, spoken: Language = ENGLISH) -> str:
    return spoken.say("%(score)s or more", score=spoken.score(score)) if score else spoken.say("as the topic asks for")


def _in_words(name: str, value: Any, spoken: Language) -> str:
    if name == "length":
        return length_in_words(value, spoken)
    if name == "minimum_score":
        return score_in_words(value, spoken)
    if name == "language":
        return LANGUAGE_NAMES[value]
    if name in ("followed", "muted"):
        return "; ".join(map(one_line, value)) or spoken.say("none")
    return spoken.say("yes") if value else spoken.say("no")
