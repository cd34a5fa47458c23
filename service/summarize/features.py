"""What the picker looks at: numbers about words, and about each way of saying a sentence, within its abstract. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import mul

from service.summarize.abstracts import CUES, Abstract, rouge_words

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
    "first that says we", "sentences since we", "after one that proposes", "what we do", "names this paper",
    "centrality", "likeness to the nearest", "LexRank", "title cosine", "title recall by rarity", "title stems",
    "title words first said", "words", "share of words before", "rank by length",
)  # fmt: skip
TEXT_FEATURES = (
    "text words", "share kept", "expected overlap", "mean keeping", "expected F1", "expected F1 against the best", "title recall",
    "title precision", "mean rarity", "starts with we", "starts with a noun phrase", "has a number",
    "has a comma", "share of short words",
    "keeping of what is cut",
)  # fmt: skip
FEATURES = SENTENCE_FEATURES + TEXT_FEATURES
_DEEDS = (
    "propose", "present", "introduce", "develop", "describe", "design", "show", "demonstrate", "find", "study", "investigate",
    "explore", "analyze", "examine", "prove", "argue", "use", "apply", "evaluate", "train", "learn", "consider", "focus",
    "address", "provide", "build", "extend", "derive", "achieve", "improve", "outperform", "perform", "observe", "compare",
    "test", "formulate", "aim", "suggest", "leverage", "conduct", "identify", "establish", "consist",
)  # fmt: skip
_DEED = re.compile(
    r"\b(?:we|paper|work|article) (?:(?:also|then|first|further|therefore|thus|here|\w+ly) )?([a-z]+)", re.IGNORECASE
)
_THIS_PAPER = re.compile(r"^in this|\bthis (?:paper|work)\b", re.IGNORECASE)
_SUFFIX = re.compile(r"(?<=...)(?:ies|ing|es|ed|e|s|y)$")
_DAMPING = 0.85  # of LexRank, and of PageRank before it
_STEPS = 20
_TYPICAL_LENGTH = 20.0  # words of a summary that a person writes


def sentence_features(abstract: Abstract) -> list[tuple[float, ...]]:
    """For each sentence the numbers named in SENTENCE_FEATURES."""
    proposes, does = (list(CUES).index(name) for name in ("proposes", "does"))
    first, first_we = (next((n for n, cues in enumerate(abstract.cues) if cues[cue]), -1) for cue in (proposes, does))
    place, likeness, of_title, length = _places(abstract), _likeness(abstract), _of_title(abstract), _lengths(abstract)
    found = []
    for n, sentence in enumerate(abstract.sentences):
        found.append((
            *place[n],
            *map(float, abstract.cues[n]),
            float(n == first),
            float(n - first if first >= 0 else -9),
            float(abstract.is_named(n)),
            float(n == first_we),
            float(n - first_we if first_we >= 0 else -9),
            float(n > 0 and abstract.cues[n - 1][proposes]),
            _deed(sentence.text),
            float(bool(_THIS_PAPER.search(sentence.text))),
            *likeness[n],
            *of_title[n],
            *length[n],
        ))  # fmt: skip
    return found


def _places(abstract: Abstract) -> list[tuple[float, ...]]:
    return [(float(n), n / max(1, abstract.length - 1), float(abstract.length)) for n in range(abstract.length)]


def _likeness(abstract: Abstract) -> list[tuple[float, ...]]:
    """To the other sentences: in the mean, to the nearest, and by LexRank (Erkan and Radev 2004) without a threshold."""
    vectors = [_vector(words, abstract) for words in abstract.words]
    rows = [[_cosine(left, right) for right in vectors] for left in vectors]
    others = [[value for m, value in enumerate(row) if m != n] for n, row in enumerate(rows)]
    ranks = _ranks(rows)
    return [(sum(row) / max(1, len(row)), max(row, default=0.0), rank) for row, rank in zip(others, ranks, strict=True)]


def _ranks(rows: Sequence[Sequence[float]]) -> list[float]:
    """1 in the mean, by the power method."""
    sums = [sum(row) or 1.0 for row in rows]
    ranks = [1.0] * len(rows)
    for _ in range(_STEPS):
        flows = [rank / whole for rank, whole in zip(ranks, sums, strict=True)]
        ranks = [1 - _DAMPING + _DAMPING * sum(map(mul, flows, row)) for row in rows]  # likeness is symmetric
    return ranks


def _of_title(abstract: Abstract) -> list[tuple[float, ...]]:
    """Cosine, and how much of the title it says: by rarity, by stems, and of words that no sentence said before."""
    title = _vector(abstract.title, abstract)
    stems = {_stem(word) for word in abstract.title}
    weight = sum(map(abstract.rarity_of, abstract.title)) or 1.0
    said: set[str] = set()
    found: list[tuple[float, ...]] = []
    for words in abstract.words:
        distinct = frozenset(words)
        shared = abstract.title & distinct
        found.append((
            _cosine(_vector(words, abstract), title),
            sum(map(abstract.rarity_of, shared)) / weight,
            len(stems & {_stem(word) for word in distinct}) / max(1, len(stems)),
            len(shared - said) / max(1, len(abstract.title)),
        ))  # fmt: skip
        said |= distinct
    return found


def _lengths(abstract: Abstract) -> list[tuple[float, ...]]:
    """Words, the share of the abstract's words before it, and its rank by length: 0 the shortest, 1 the longest."""
    counts = [len(words) for words in abstract.words]
    ranked, whole, most = sorted(counts), max(1, sum(counts)), max(1, len(counts) - 1)
    return [(float(size), sum(counts[:n]) / whole, ranked.index(size) / most) for n, size in enumerate(counts)]


def _deed(text: str) -> float:
    """What the authors say they do, by its number in _DEEDS; behind them another verb, -1 for none."""
    found = _DEED.search(text)
    return float(_DEED_NUMBERS.get(_stem(found.group(1).lower()), len(_DEEDS))) if found else -1.0


def _stem(word: str) -> str:
    """Light: without the endings of a plural and of a verb."""
    return _SUFFIX.sub("", word)


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
    weights = {word: times * abstract.rarity_of(word) for word, times in Counter(words).items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {word: weight / length for word, weight in weights.items()}


def _cosine(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    if len(left) > len(right):
        left, right = right, left
    return sum(weight * right[word] for word, weight in left.items() if word in right)


_DEED_NUMBERS = {_stem(deed): number for number, deed in enumerate(_DEEDS)}
