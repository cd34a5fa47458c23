"""What a model's text must pass before anybody sees it: each field against the paper's own texts. Pure.

Bounds were measured on SciTLDR's human summaries: a containment of 0.5 keeps 72 % of them and rejects 99 % of another paper's.
Names come from there too: an entity that the source has not is the slip that models make most (Nan et al., arXiv 2102.09130).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from service.models import Evidence, Paper, ParsedPaper
from service.summarize.hostile import instruction_in
from service.summarize.quantities import counted, is_named, quantities
from service.summarize.sentences import Sentence, split_sentences
from service.summarize.trim import LONGEST
from service.words import stem, tokens

CONTAINMENT = 0.5  # the share of a field's content words that the source must hold
CONTAINMENT_RETRIED = 0.4  # of a second answer, to a question that named what was wrong
_LONGEST_TEXT = 300  # characters

_STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "for",
        "with",
        "and",
        "or",
        "but",
        "by",
        "in",
        "on",
        "at",
        "from",
        "as",
        "that",
        "which",
        "is",
        "are",
        "be",
        "been",
        "being",
        "was",
        "were",
        "it",
        "its",
        "their",
        "our",
        "this",
        "these",
        "those",
        "than",
        "into",
        "via",
        "such",
        "not",
        "can",
        "we",
        "they",
        "them",
        "he",
        "she",
        "his",
        "her",
        "also",
        "both",
        "more",
        "most",
        "using",
        "use",
        "used",
        "based",
        "between",
        "while",
        "when",
        "where",
        "who",
        "whose",
        "has",
        "have",
        "had",
        "do",
        "does",
        "did",
        "will",
        "would",
        "may",
        "might",
        "could",
        "should",
        "if",
        "then",
        "there",
        "here",
        "up",
        "out",
        "over",
        "under",
        "about",
        "across",
        "all",
        "any",
        "each",
        "other",
    ]
)
_NAME = re.compile(r"[A-Za-z0-9][\w+.-]*")
_IS_NAME = re.compile(r"[A-Za-z]+[\w.-]*(?:[a-z0-9-][A-Z]|\d)|^[A-Z]{2,}|^\d+[A-Z]\w*|^[a-z]+[A-Z]")
_SCOPE = {
    "first": r"\bfirst\b", "always": r"\balways\b", "never": r"\bnever\b",
    "state-of-the-art": r"state[- ]of[- ]the[- ]art|\bsota\b",
    "proves": r"\bpro(?:ve[sdn]?|of|ofs|ving|vabl[ey])\b", "guarantees": r"\bguarante", "best": r"\bbest\b",
    "only": r"\bonly\b",
    "all": r"\b(?:all|entire|every)\b", "any": r"\b(?:any|arbitrary)\b", "every": r"\b(?:every|all|each)\b",
    "universal": r"\buniversal",
    "completely": r"\b(?:complet|full|total|entire)", "perfect": r"\bperfect", "eliminates": r"\b(?:eliminat|remov)",
    "solves": r"\bsolv",
    "unprecedented": r"\bunprecedented", "revolutionary": r"\brevolution", "breakthrough": r"\bbreakthrough",
    "optimal": r"\boptim",
    "human-level": r"\bhuman", "superhuman": r"\bsuperhuman", "everywhere": r"\beverywhere", "definitively": r"\bdefiniti",
    "groundbreaking": r"\bground-?breaking", "impossible": r"\bimpossib",
}  # fmt: skip
_SCOPE_SAID = {
    **{word: re.compile(rf"\b{word}\b", re.IGNORECASE) for word in _SCOPE},
    "state-of-the-art": re.compile(r"\bstate[- ]of[- ]the[- ]art\b|\bsota\b", re.IGNORECASE),
    "proves": re.compile(r"\bpro(?:ves|ven|ved|of)\b", re.IGNORECASE),
    "guarantees": re.compile(r"\bguarante", re.IGNORECASE),
    "universal": re.compile(r"\buniversal", re.IGNORECASE),
    "completely": re.compile(r"\b(?:completely|fully|totally|entirely)\b", re.IGNORECASE),
}
_SCOPE_SOURCE = {word: re.compile(pattern, re.IGNORECASE) for word, pattern in _SCOPE.items()}
_FIGURE = re.compile(r"\d+(?:\.\d+)?")
_HEDGE = re.compile(
    r"\b(?:may|might|could|suggest\w*|potential\w*|possibl[ey]|preliminary|appears?|seems?|likely|in (?:some|certain|"
    r"many|most) cases|"
    r"sometimes|often|partial\w*|limited|to some extent|tends?|approximate\w*|conjecture\w*|hypothesi\w+|up to|almost|"
    r"nearly|roughly)\b",
    re.IGNORECASE,
)
_UNIVERSAL = re.compile(
    r"\b(?:always|never|all|every|any|universal\w*|general(?:ly|i[sz]es)?|proves?|guarante\w+|completely|entirely|"
    r"fully|safe|effective|"
    r"solves?|eliminates?|consistently|invariably|definitively|must|will|is an? \w+ solution)\b",
    re.IGNORECASE,
)
_NEGATOR = re.compile(r"^(?:not|never|cannot|neither|nor)$|n['’]t$")
_REACH_OF_NEGATION = 3  # content words
_FAR = 1_000
_WORSE = re.compile(
    r"\b(?:degrad|worsen|underperform|deteriorat|harm|hurt|worse|inferior|unreliab|ineffective)\w*", re.IGNORECASE
)
_MARKUP = re.compile(r"https?:|www\.|\S@\S+\.\w|[<>{}`|]|\*\*|\]\(|^#|\\[a-zA-Z]+|&\w+;|\b\w+\.(?:com|org|net|io|ai/|dev)\b")


@dataclass(frozen=True)
class Source:
    """What a paper's texts hold, worked out once for all fields."""

    title: str
    abstract: str
    metadata: tuple[str, ...] = ()  # keywords, organisation, authors: names may come from there, claims may not

    @cached_property
    def text(self) -> str:
        return f"{self.title}. {self.abstract}"

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(map(_root, tokens(self.text)))

    @cached_property
    def names(self) -> frozenset[str]:
        written = " ".join((self.text, *self.metadata))
        whole = {name.rstrip(".-").casefold() for name in _NAME.findall(written)}
        return frozenset(whole | {part for name in whole for part in re.split(r"[-_.]", name)} | {stem(name) for name in whole})

    @cached_property
    def initials(self) -> str:
        """The first letters of its words in a row, in which an acronym stands that the source writes out."""
        return "".join(word[0] for word in re.findall(r"[^\W_]+", self.text.casefold()))

    @cached_property
    def squeezed(self) -> str:
        """Without blanks and hyphens, in which "CIFAR-10" stands however it is written."""
        return _squeezed(" ".join((self.text, *self.metadata)))

    @cached_property
    def sentences(self) -> list[Sentence]:
        return split_sentences(self.abstract)


def source_of(paper: Paper | ParsedPaper) -> Source:
    metadata = (*(paper.source_keywords or ()), paper.organization or "", *(paper.authors or ()))
    return Source(paper.title, paper.abstract or "", metadata)


def failures(text: str, source: Source, containment: float = CONTAINMENT) -> list[str]:
    """What is wrong with a field, each in words that a model or a person can act on; the check's name stands before the colon."""
    found = ((name, check(text, source)) for name, check in _CHECKS.items())
    wrong = [f"{name}: {reason}" for name, reason in found if reason]
    share = content_share(text, source)
    if share < containment:
        wrong.append(f"containment: only {share:.0%} of its words stand in the abstract, {containment:.0%} must")
    return wrong


def check_names() -> tuple[str, ...]:
    return (*_CHECKS, "containment")


def support(text: str, source: Source, written_by: str) -> Evidence:
    """The sentence of the abstract that shares most with the text."""
    words = {_root(word) for word in tokens(text)} - _STOP_WORDS
    best = max(source.sentences, key=lambda sentence: len(words & set(map(_root, tokens(sentence.text)))))
    return Evidence(best.start, best.end, written_by)


def content_share(text: str, source: Source) -> float:
    """The share of a text's content words that the source holds, with endings folded."""
    words = [word for word in tokens(text) if word not in _STOP_WORDS and len(word) > 1]
    return sum(_root(word) in source.words for word in words) / len(words) if words else 0.0


def _root(word: str) -> str:
    """A light stem: "compressing", "compressed" and "compression" meet."""
    for ending in (
        "izations",
        "ization",
        "ations",
        "ation",
        "ingly",
        "ing",
        "ions",
        "ion",
        "edly",
        "ed",
        "ments",
        "ment",
        "ly",
        "es",
        "er",
        "al",
        "e",
        "s",
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _length(text: str, _: Source) -> str | None:
    count = len(text.split())
    if count > LONGEST or len(text) > _LONGEST_TEXT:
        return f"it has {count} words and {len(text)} characters, more than {LONGEST} and {_LONGEST_TEXT}"
    return "it has less than three words" if count < 3 else None


def _plain(text: str, _: Source) -> str | None:
    if found := _MARKUP.search(text):
        return f"it holds a link or markup ({found.group()[:20]!r})"
    hidden = next((c for c in text if unicodedata.category(c) in ("Cf", "Cc", "Co", "Cn")), None)
    return f"it holds a hidden character (U+{ord(hidden):04X})" if hidden else None


def _language(text: str, source: Source) -> str | None:
    strange = sum(c.isalpha() and not _is_latin_or_greek(c) and c not in source.text for c in text)
    return "it is not in the abstract's script" if strange else None


def _is_latin_or_greek(character: str) -> bool:
    return character.isascii() or unicodedata.name(character, "").startswith(("LATIN", "GREEK", "MICRO", "MATHEMATICAL"))


def _no_instruction(text: str, _: Source) -> str | None:
    found = instruction_in(text)
    return f"it tells the reader or a model what to do ({found!r})" if found else None


def _numbers(text: str, source: Source) -> str | None:
    known = quantities(source.text)
    strange = next((quantity for quantity in sorted(quantities(text)) if not is_named(quantity, known)), None)
    if strange:
        return f"the abstract has no {strange.value:g}{strange.unit}"
    there = counted(source.text)
    nouns = {noun for _, noun in there}
    other = next(((value, noun) for value, noun in sorted(counted(text) - there) if noun in nouns), None)
    if other:
        return f"the abstract counts another number of {other[1]!r} than {other[0]:g}"
    more = Counter(_FIGURE.findall(text)) - Counter(_FIGURE.findall(source.text))
    return f"it says {next(iter(more))} more often than the abstract" if more else None


def _names(text: str, source: Source) -> str | None:
    for name in (found.rstrip(".-") for found in _NAME.findall(text)):
        if _IS_NAME.search(name) and not _is_known(name, source):
            return f"the paper's texts do not name {name!r}"
    return None


def _is_known(name: str, source: Source) -> bool:
    folded = name.casefold()
    if re.search(r"[a-z][-_.]?\d", folded) and _squeezed(folded) not in source.squeezed:
        return False
    if (
        folded in source.names
        or stem(folded) in source.names
        or (folded.isalpha() and stem(folded) in source.initials and len(folded) > 2)
    ):
        return True
    if name[:-1].isupper() and name.endswith("s") and folded[:-1] in source.initials and len(name) > 2:
        return True
    parts = [part for part in re.split(r"[-_./]", folded) if part]
    return len(parts) > 1 and all(
        part in source.names or stem(part) in source.names or _root(part) in source.words for part in parts
    )


def _squeezed(text: str) -> str:
    return re.sub(r"[-_.\s]", "", text.casefold())


def _scope(text: str, source: Source) -> str | None:
    for word, said in _SCOPE_SAID.items():
        if said.search(text) and not _SCOPE_SOURCE[word].search(source.text):
            return f"the abstract does not say {word!r}"
    return None


def _hedges(text: str, source: Source) -> str | None:
    """A universal in the text where the sentence behind it hedges and makes no such claim."""
    if not source.sentences or _HEDGE.search(text):
        return None
    place = support(text, source, "model")
    behind = source.abstract[place.start : place.end]
    if not _HEDGE.search(behind):
        return None
    added = {found.lower() for found in _UNIVERSAL.findall(text)} - {found.lower() for found in _UNIVERSAL.findall(behind)}
    return f"the abstract hedges what it calls {sorted(added)[0]!r}" if added else None


def _negation(text: str, source: Source) -> str | None:
    """A word that is negated here and only plain there, or the other way round."""
    added = sorted(word for word in _negated(text, _REACH_OF_NEGATION) if word in source.words)
    negated_there = _negated(source.text, _REACH_OF_NEGATION)
    if added and not set(added) & negated_there:
        return f"the abstract does not negate {added[0]!r}"
    dropped = sorted((_negated(source.text, 1) & _plain_words(text)) - _plain_words(source.text))
    return f"the abstract negates {dropped[0]!r}" if dropped else None


def _negated(text: str, reach: int) -> set[str]:
    """The content words right behind a negation, up to `reach` of them."""
    return {word for word, distance in _behind_negations(text) if distance < reach}


def _plain_words(text: str) -> set[str]:
    return {word for word, distance in _behind_negations(text) if distance >= 1}


def _behind_negations(text: str) -> Iterator[tuple[str, int]]:
    """Each content word's root, with how many content words stand between it and the last negation of its clause."""
    distance = _FAR
    for written in re.findall(r"[^\W_]+(?:['’][^\W_]+)?|[,;:.]", text.casefold()):
        if written in ",;:.":
            distance = _FAR
        elif _NEGATOR.search(written):
            distance = 0
        elif written not in _STOP_WORDS and len(written) > 3:
            yield _root(stem(written)), distance
            distance += 1


def _direction(text: str, source: Source) -> str | None:
    """Worse where the abstract tells of nothing that gets worse."""
    found = _WORSE.search(text)
    return f"the abstract does not say {found.group()!r}" if found and not _WORSE.search(source.text) else None


_CHECKS: dict[str, Callable[[str, Source], str | None]] = {
    "length": _length,
    "plain text": _plain,
    "language": _language,
    "no instruction": _no_instruction,
    "numbers": _numbers,
    "names": _names,
    "scope": _scope,
    "hedges": _hedges,
    "negation": _negation,
    "direction": _direction,
}
