"""What the picker looks at: numbers about words, and about each way of saying a sentence, within its abstract. Pure.

Words are ROUGE's: runs of letters a to z and digits, in lower case.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.summarize.sentences import Sentence

_WORD = re.compile(r"[a-z0-9]+")
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
    rarity: Mapping[str, float]  # 0 for a word of every abstract, about 9 for one of its own

    @property
    def length(self) -> int:
        return len(self.sentences)


def read_abstract(title: str, sentences: Sequence[Sentence], rarity_of: Callable[[str], float]) -> Abstract:
    words = tuple(tuple(rouge_words(sentence.text)) for sentence in sentences)
    counts = Counter(word for found in words for word in found)
    cues = tuple(tuple(bool(cue.search(sentence.text)) for cue in CUES.values()) for sentence in sentences)
    name = title.partition(":")[0].strip().lower() if ":" in title else ""
    rarity = {word: rarity_of(word) for word in counts}
    return Abstract(frozenset(rouge_words(title)), name, tuple(sentences), words, counts, cues, rarity)


WORD_FEATURES = (
    "in the title", "rarity", "rarity in the title", "times", "share of sentences", "where first", "in a sentence that proposes",
    "in the first that proposes", "in one that shows", "in one of results", "in one of background",
    "only in background", "in the first", "in the last",
    "right after proposing", "is short", "has a digit",
)  # fmt: skip


def word_features(abstract: Abstract) -> dict[str, tuple[float, ...]]:
    """For each word of the abstract the numbers named in WORD_FEATURES."""
    where: dict[str, list[int]] = {}
    for number, words in enumerate(abstract.words):
        for word in set(words):
            where.setdefault(word, []).append(number)
    names = list(CUES)
    proposes, shows, results, background = (names.index(name) for name in ("proposes", "shows", "results", "background"))
    first_proposing = next((n for n, cues in enumerate(abstract.cues) if cues[proposes]), -1)
    near = set(abstract.words[first_proposing][:14]) if first_proposing >= 0 else set()
    last = abstract.length - 1
    found: dict[str, tuple[float, ...]] = {}
    for word, numbers in where.items():
        cues = [abstract.cues[number] for number in numbers]
        in_title, rarity = float(word in abstract.title), abstract.rarity[word]
        found[word] = (
            in_title,
            rarity,
            in_title * rarity,
            math.log(abstract.counts[word]),
            len(numbers) / abstract.length,
            numbers[0] / max(1, last),
            float(any(cue[proposes] for cue in cues)),
            float(first_proposing in numbers),
            float(any(cue[shows] for cue in cues)),
            float(any(cue[results] for cue in cues)),
            float(any(cue[background] for cue in cues)),
            float(all(cue[background] for cue in cues)),
            float(numbers[0] == 0),
            float(numbers[-1] == last),
            float(word in near),
            float(len(word) < 4),
            float(any(c.isdigit() for c in word)),
        )
    return found


SENTENCE_FEATURES = (
    "number", "place", "of sentences", *CUES, "first that proposes", "sentences since proposing", "starts with the title's name",
    "centrality", "title cosine", "words",
)  # fmt: skip
TEXT_FEATURES = (
    "text words", "share kept", "expected overlap", "mean keeping", "expected F1", "expected F1 against the best", "title recall",
    "title precision", "mean rarity", "starts with we", "starts with a noun phrase", "has a number",
    "has a comma", "share of short words",
    "keeping of what is cut",
)  # fmt: skip
FEATURES = SENTENCE_FEATURES + TEXT_FEATURES
_TYPICAL_LENGTH = 20.0  # words of a summary that a person writes


def sentence_features(abstract: Abstract) -> list[tuple[float, ...]]:
    """For each sentence the numbers named in SENTENCE_FEATURES."""
    proposes = list(CUES).index("proposes")
    first = next((n for n, cues in enumerate(abstract.cues) if cues[proposes]), -1)
    vectors = [_vector(words, abstract) for words in abstract.words]
    title = _vector(abstract.title, abstract)
    found = []
    for n, sentence in enumerate(abstract.sentences):
        others = [_cosine(vectors[n], vector) for m, vector in enumerate(vectors) if m != n]
        named = bool(abstract.title_name) and sentence.text.lower().startswith(abstract.title_name)
        found.append((
            float(n),
            n / max(1, abstract.length - 1),
            float(abstract.length),
            *map(float, abstract.cues[n]),
            float(n == first),
            float(n - first if first >= 0 else -9),
            float(named),
            sum(others) / max(1, len(others)),
            _cosine(vectors[n], title),
            float(len(abstract.words[n])),
        ))  # fmt: skip
    return found


def text_features(text: str, number: int, abstract: Abstract, keeping: Mapping[str, float], best: float) -> tuple[float, ...]:
    """The numbers named in TEXT_FEATURES, for one way of saying sentence `number`. `keeping` is each word's probability of
    standing in a person's summary, `best` the highest expected F1 of any text of the abstract."""
    words = rouge_words(text)
    distinct = set(words)
    size = max(1, len(words))
    overlap = expected_overlap(words, keeping)
    expected = 2 * overlap / (size + _TYPICAL_LENGTH)
    cut = set(abstract.words[number]) - distinct
    in_title = len(distinct & abstract.title)
    return (
        float(len(words)),
        len(words) / max(1, len(abstract.words[number])),
        overlap,
        overlap / size,
        expected,
        expected - best,
        in_title / max(1, len(abstract.title)),
        in_title / max(1, len(distinct)),
        sum(abstract.rarity.get(word, 0.0) for word in words) / size,
        float(words[:1] == ["we"]),
        float(words[:1] in (["a"], ["an"], ["the"])),
        float(any(c.isdigit() for c in text)),
        float("," in text),
        sum(len(word) < 4 for word in words) / size,
        sum(keeping.get(word, 0.0) for word in cut),
    )


def expected_overlap(words: Sequence[str], keeping: Mapping[str, float]) -> float:
    """How many words a person's summary shares; a word's second time counts half, as most summaries say it once."""
    return sum(
        keeping.get(word, 0.0) * (1.0 if times == 1 else 0.5 + 0.5 / times) * min(times, 2)
        for word, times in Counter(words).items()
    )


def expected_f1(text: str, keeping: Mapping[str, float]) -> float:
    words = rouge_words(text)
    return 2 * expected_overlap(words, keeping) / (max(1, len(words)) + _TYPICAL_LENGTH)


def _vector(words: Sequence[str] | frozenset[str], abstract: Abstract) -> dict[str, float]:
    weights = {word: times * abstract.rarity.get(word, 5.0) for word, times in Counter(words).items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {word: weight / length for word, weight in weights.items()}


def _cosine(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    if len(left) > len(right):
        left, right = right, left
    return sum(weight * right[word] for word, weight in left.items() if word in right)
