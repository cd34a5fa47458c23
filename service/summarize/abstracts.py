"""An abstract read once: its sentences, words, cues, and how rare its words are. Pure.

Words are ROUGE's: runs of letters a to z and digits, in lower case.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.summarize.sentences import Sentence

_WORD = re.compile(r"[a-z0-9]+")
_RARE = 6.0  # of a word that the abstract does not hold
_SPEAKER = r"\b(?:we|this (?:paper|work|article|study|report|survey)|our (?:paper|work|study))\b[^.]{0,60}?\b"
CUES: dict[str, re.Pattern[str]] = {
    "proposes": re.compile(
        _SPEAKER + r"(?:propose|present|introduce|develop|describe|design|build|contribute|devise|provide|release)s?\b",
        re.IGNORECASE,
    ),
    "shows": re.compile(
        _SPEAKER + r"(?:show|study|find|investigate|explore|demonstrate|analy[sz]e|examine|prove|observe|reveal|argue)s?\b",
        re.IGNORECASE,
    ),
    "does": re.compile(r"\b(?:we|our)\b", re.IGNORECASE),
    "results": re.compile(
        r"\b(?:outperform|achiev|improv|reduc|surpass|exceed|speed-?up|state-of-the-art|gains?|accura|experiment|"
        r"result|empirical)\w*\b",
        re.IGNORECASE,
    ),
    "background": re.compile(
        r"^(?:However|Recent|Existing|Despite|While|Although|Traditional|Current|Most|Many|Previous|Prior|Unfortunately)|"
        r"\b(?:has|have) (?:been|become|shown|achieved|emerged)\b|\b(?:remains?|struggles?|suffers?|fails?|"
        r"challeng\w+|limited)\b",
    ),
    "closes": re.compile(r"\b(?:hope|available|release[sd]?|future|code|github|https?)\b", re.IGNORECASE),
    "details": re.compile(
        r"^(?:Specifically|In particular|Moreover|Furthermore|Additionally|Finally|First|Second|Then|In addition|Next|Also)\b"
    ),
    "goes on": re.compile(r"^(?:This|These|It|They|Such|Our|The)\b"),
    "novel": re.compile(r"\b(?:new|novel|first|simple|framework|method|approach|model|algorithm)\b", re.IGNORECASE),
    "has a number": re.compile(r"\d"),
}


def rouge_words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


@dataclass(frozen=True, slots=True)
class Abstract:
    """An abstract's sentences and words, counted once."""

    title: frozenset[str]
    title_name: str  # what stands before the colon, in lower case, else nothing
    sentences: tuple[Sentence, ...]
    words: tuple[tuple[str, ...], ...]  # of each sentence
    counts: Counter[str]
    cues: tuple[tuple[bool, ...], ...]  # of each sentence, in the order of CUES
    rarity: Mapping[str, float]  # of its words: 0 for a word of every abstract, about 9 for one of its own

    @property
    def length(self) -> int:
        return len(self.sentences)

    @property
    def opening(self) -> int:
        """The first sentence in which the authors speak of their work; 0 where they never do."""
        cues = [list(CUES).index(name) for name in ("proposes", "shows", "does")]
        return next((n for n, found in enumerate(self.cues) if any(found[cue] for cue in cues)), 0)

    def is_named(self, number: int) -> bool:
        """Whether a sentence starts with what the title names before its colon."""
        return bool(self.title_name) and self.sentences[number].text.lower().startswith(self.title_name)

    def rarity_of(self, word: str) -> float:
        return self.rarity.get(word, _RARE)


def read_abstract(title: str, sentences: Sequence[Sentence], rarity_of: Callable[[str], float]) -> Abstract:
    words = tuple(tuple(rouge_words(sentence.text)) for sentence in sentences)
    counts = Counter(word for found in words for word in found)
    cues = tuple(tuple(bool(cue.search(sentence.text)) for cue in CUES.values()) for sentence in sentences)
    name = title.partition(":")[0].strip().lower() if ":" in title else ""
    rarity = {word: rarity_of(word) for word in counts}
    return Abstract(frozenset(rouge_words(title)), name, tuple(sentences), words, counts, cues, rarity)
