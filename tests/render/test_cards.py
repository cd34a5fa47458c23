from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from service.links import mail_links
from service.match.text import PLACES
from service.models import Band, Entry, Liking, Match, Pick, Reason, SecondLook, Support
from service.render.cards import Note, Reader, card, note, phrases, thumbnail, upvotes
from service.render.language import ENGLISH, language
from service.render.words import web_link
from tests.builders import DAY, SENDER, paper, topic

WORD = Support.EXPANSION
READER = Reader(ENGLISH, mail_links(SENDER, "k" * 32, DAY), {}, DAY)


def match(*reasons: Reason, is_above: bool = True) -> Match:
    return Match("agents", 0.8, is_above, Band.CORE, reasons)


def told(*matches: Match, code: str = "en") -> list[tuple[str, str]]:
    return list(phrases(matches, language(code)))


def test_the_strongest_four_phrases_are_told_each_once_by_its_best_place() -> None:
    reasons = [Reason(name, "abstract", weight) for name, weight in zip("abcde", (1, 5, 3, 2, 4), strict=True)]
    best = Reason("B", "title", 6)
    for found in (told(match(*reasons, best)), told(match(best, *reasons))):
        assert found == [("B", "in the title"), *((name, "in the abstract") for name in "ecd")]


def test_what_speaks_against_a_paper_or_for_another_topic_is_no_reason() -> None:
    against, near = Reason("estate", "title", -1.2), match(Reason("code", "title", 2), is_above=False)
    assert told(match(Reason("agent", "title", 1), against), near) == [("agent", "in the title")]
    assert told(match(against)) == []


def test_added_words_are_told_only_where_no_phrase_is() -> None:
    word, phrase = Reason("planner", "title", 3, WORD), Reason("agent", "abstract", 1)
    assert told(match(word, phrase)) == [("agent", "in the abstract")]
    assert told(match(word, Reason("estate", "title", -1))) == [("planner", "in the title")]


def test_a_phrase_is_told_though_the_same_word_was_added_and_weighs_more() -> None:
    phrase, word, weaker = (
        Reason("Bayesian", "title", 1),
        Reason("bayesian", "title", 2, WORD),
        Reason("theorem", "abstract", 0.1),
    )
    assert told(match(phrase, word, weaker)) == [("Bayesian", "in the title"), ("theorem", "in the abstract")]


@pytest.mark.parametrize(
    ("field", "english", "german"),
    [
        ("title", "in the title", "im Titel"),
        ("contribution", "in the contribution", "im eigenen Beitrag"),
        ("abstract", "in the abstract", "in der Kurzfassung"),
        ("keywords", "in the keywords", "in den Stichwörtern"),
        ("author", "among the authors", "unter den Autoren"),
        ("org", "in the organisation's name", "im Namen der Organisation"),
    ],
)
def test_each_place_is_told_in_words(field: str, english: str, german: str) -> None:
    found = match(Reason("okafor", field, 1))
    assert told(found) == [("okafor", english)]
    assert told(found, code="de") == [("okafor", german)]


def test_every_place_that_matching_looks_at_has_words() -> None:
    assert all(told(match(Reason("okafor", place, 1))) for place in PLACES)


@pytest.mark.parametrize(
    ("ago", "since"), [(1, "Wednesday"), (6, "Friday"), (7, "24\u00a0Sept\u00a02026"), (30, "1\u00a0Sept\u00a02026")]
)
def test_a_second_look_names_a_day_of_the_last_week_by_its_weekday_and_others_by_date(ago: int, since: str) -> None:
    look = SecondLook(DAY - timedelta(days=ago), 12, 190)
    (sentence,) = note(Pick(paper(), (), second_look=look), READER).sentences
    assert sentence == f"It took off since {since}, when you had it in a line: 12 to 190 upvotes."


def liked(lift: float, *papers: str) -> Pick:
    return Pick(paper(), (), liking=Liking(lift, papers, ()))


@pytest.mark.parametrize(
    ("pick", "sentences"),
    [
        (Pick(paper(), ()), ()),
        (Pick(paper(), (), followed=("Ada Okafor", "Lena Brandt")), ("You follow Ada Okafor and Lena Brandt.",)),
        (liked(0.2, "2610.00001"), ("More like a paper you marked.",)),
        (liked(0.2, "2610.00001", "2610.00002"), ("More like two papers you marked.",)),
        (liked(-0.2, "2610.00001"), ("Somewhat like a paper you wanted less of.",)),
        (liked(-0.2, "2610.00001", "2610.00002"), ("Somewhat like two papers you wanted less of.",)),
        (liked(0.0), ()),
        (Pick(paper(), (), entry=Entry.OUTSIDE), ("None of your topics, and much read by others.",)),
        (Pick(paper(), (), entry=Entry.EARLIER), ("It was chosen earlier; none of your topics finds it now.",)),
    ],
)
def test_every_reason_that_is_no_phrase_is_told_in_a_sentence(pick: Pick, sentences: tuple[str, ...]) -> None:
    assert note(pick, READER).sentences == sentences


def test_nothing_is_announced_that_a_paper_does_not_have() -> None:
    bare = card(Pick(paper(abstract=None), ()), "1", replace(READER, with_abstract=True))
    assert (bare.extras, bare.note.credit, bare.upvotes, bare.origin[0]) == ((), "", None, "arXiv\u00a02610.00001")


@pytest.mark.parametrize(
    ("velocity", "change"), [(None, ""), (-3.0, ""), (0.4, ""), (0.6, "+1\u00a0a\u00a0day"), (1234.5, "+1,234\u00a0a\u00a0day")]
)
def test_upvotes_that_come_lately_are_told_from_one_a_day_on(velocity: float | None, change: str) -> None:
    told = upvotes(paper(upvotes=2000, velocity=velocity), ENGLISH)
    assert told == ("2,000", change, "2000 upvotes")


def test_why_is_announced_only_where_a_reason_follows() -> None:
    assert [Note((), (), credit, ()).in_text("Why:") for credit in ("", "By its authors.")] == ["", "By its authors."]
    assert Note((), ("You follow Ada.",), "", ()).in_text("Why:") == "Why: You follow Ada."


@pytest.mark.parametrize(
    ("address", "is_shown"),
    [
        ("https://cdn-thumbnails.huggingface.co/papers/1.png", True),
        ("https://huggingface.co/papers/[1].png?w=2&h=1", True),
        ("http://huggingface.co/1.png", False),
        ("https://tracker.example/1.png", False),
        ("https://huggingface.co.example/1.png", False),
        ("https://nothuggingface.co/1.png", False),
        ("https://huggingface.co@tracker.example/1.png", False),
        ("https://tracker.example/?huggingface.co/1.png", False),
        ('https://huggingface.co/"onload=', False),
        ("https://[huggingface.co/1.png", False),
        ("https://a]b.huggingface.co/1.png", False),
        ("", False),
        (None, False),
    ],
)
def test_a_picture_is_shown_from_the_sources_own_hosts_only_and_no_address_stops_a_mail(
    address: str | None, is_shown: bool
) -> None:
    assert thumbnail(paper(thumbnail_url=address)) == (address if is_shown else None)


@pytest.mark.parametrize(
    "address", ["https://e.org", "https://e.org:8080/a", "https://my_lab.e.org/~ada/?a=(1)&b=[2]#c", "https://e.org#c"]
)
def test_a_card_links_to_the_code_wherever_it_lies(address: str) -> None:
    assert web_link(address) == address


@pytest.mark.parametrize(
    "address", ["https://[x", "https://-", "https:///a", "https://:80", "https://e.org:a", "https://e.org@evil.org"]
)
def test_a_link_that_leads_nowhere_or_elsewhere_than_it_says_is_none(address: str) -> None:
    assert web_link(address) is None


def test_a_card_names_topics_as_the_headings_do() -> None:
    names = {"agents": "Agents\u202e \ue000marks\ue001", "cubes": "$n^3$ & more"}
    topics = {slug: topic(slug, name=name) for slug, name in names.items()}
    matches = tuple(Match(slug, 0.8, True, Band.CORE, ()) for slug in topics)
    reader = Reader(ENGLISH, mail_links(SENDER, "k" * 32, DAY), topics, DAY)
    assert note(Pick(paper(), matches), reader).chips == ("Agents marks", "n³ & more")
