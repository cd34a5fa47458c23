"""What a paper's own texts hold, to hold a model's text against. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from service.models import Evidence, Paper, ParsedPaper
from service.summarize.sentences import Sentence, split_sentences
from service.words import stem, tokens

STOP_WORDS = frozenset([
    "a", "an", "the", "of", "to", "for", "with", "and", "or", "but", "by", "in", "on", "at", "from", "as", "that", "which",
    "is", "are", "be", "been", "being", "was", "were", "it", "its", "their", "our", "this", "these", "those", "than", "into",
    "via", "such", "not", "can", "we", "they", "them", "he", "she", "his", "her", "also", "both", "more", "most", "using",
    "use", "used", "based", "between", "while", "when", "where", "who", "whose", "has", "have", "had", "do", "does", "did",
    "will", "would", "may", "might", "could", "should", "if", "then", "there", "here", "up", "out", "over", "under", "about",
    "across", "all", "any", "each", "other",
])  # fmt: skip
_ENDING = re.compile(r"(?<=....)(?:izations?|ations?|ing(?:ly)?|ions?|ed(?:ly)?|ments?|ly|es|er|al|e|s)$")
NAME = re.compile(r"[A-Za-z0-9][\w+.-]*")


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
        return frozenset(map(light_stem, tokens(self.text)))

    @cached_property
    def names(self) -> frozenset[str]:
        written = " ".join((self.text, *self.metadata))
        whole = {name.rstrip(".-").casefold() for name in NAME.findall(written)}
        return frozenset(whole | {part for name in whole for part in re.split(r"[-_.]", name)} | {stem(name) for name in whole})

    @cached_property
    def initials(self) -> str:
        """The first letters of its words in a row, in which an acronym stands that the source writes out."""
        return "".join(word[0] for word in re.findall(r"[^\W_]+", self.text.casefold()))

    @cached_property
    def squeezed(self) -> str:
        """Without blanks and hyphens, in which "CIFAR-10" stands however it is written."""
        return squeezed(" ".join((self.text, *self.metadata)))

    @cached_property
    def sentences(self) -> list[Sentence]:
        return split_sentences(self.abstract)


def source_of(paper: Paper | ParsedPaper) -> Source:
    metadata = (*(paper.source_keywords or ()), paper.organization or "", *(paper.authors or ()))
    return Source(paper.title, paper.abstract or "", metadata)


def support(text: str, source: Source, written_by: str) -> Evidence:
    """The sentence of the abstract that shares most with the text."""
    words = {light_stem(word) for word in tokens(text)} - STOP_WORDS
    best = max(source.sentences, key=lambda sentence: len(words & set(map(light_stem, tokens(sentence.text)))))
    return Evidence(best.start, best.end, written_by)


def content_share(text: str, source: Source) -> float:
    """The share of a text's content words that the source holds, with endings folded."""
    words = [word for word in tokens(text) if word not in STOP_WORDS and len(word) > 1]
    return sum(light_stem(word) in source.words for word in words) / len(words) if words else 0.0


def light_stem(word: str) -> str:
    """Without its ending: "compressing", "compressed" and "compression" meet."""
    return _ENDING.sub("", word)


def squeezed(text: str) -> str:
    """Without blanks, hyphens and dots."""
    return re.sub(r"[-_.\s]", "", text.casefold())
