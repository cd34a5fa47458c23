"""Normalise text so that phrases meet it: case, hyphens, plurals, inflections, acronyms. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:[.'’+#][^\W_]+)*[+#]*")

# Endings that look like a plural and are none.
_NOT_PLURAL = ("ss", "us", "is", "ics", "ous")


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Fold case and a plural ending: "Agents" and "agent" are one, "bias" and "analysis" stay."""
    word = word.casefold()
    if len(word) < 4 or not word.endswith("s") or word.endswith(_NOT_PLURAL):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1]


def folded(title: str) -> str:
    """What two writings of one title share: letters and digits, without case."""
    return "".join(filter(str.isalnum, title.casefold()))


def tokens(text: str) -> tuple[str, ...]:
    """Stemmed words; a hyphen or slash parts words as a blank does."""
    return tuple(map(stem, _WORD.findall(text)))


# Nouns of their own: "reasoning" is not what "for this reason" says, nor is "imaging" an image.
_NOUNS = frozenset(
    ("reasoning", "imaging", "meaning", "mining", "timing", "being", "string", "spring", "during", "embed", "speed", "indeed")
)
# Written in one word, with a hyphen or in two: "pretraining", "pre-training", "pre training".
_PREFIXES = re.compile(
    r"(pre(?=train|fill|norm|process)|post(?=train|process)|fine(?=tun|grain)|semi(?=super|auto)|"
    r"(?:multi|cross|spatio|neuro|meta)(?=[a-z]{4}))"
)

# Within a made-up name, where a new word begins: MuirBench, LongRAG, but not LoRA or ViT.
_JOINT = re.compile(r"(?<=[A-Za-z]{2})[a-z](?=[A-Z][A-Za-z]{2})")


@lru_cache(maxsize=100_000)
def root(word: str) -> str:
    """The stem without -ing, -ed and a silent -e: "planning", "planned", "plans" and "plan" are one."""
    word = stem(word)
    if word in _NOUNS:
        return word
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) > 2 and set(rest) & set("aeiouy") and not word.endswith("eed"):
            is_doubled = rest[-1] == rest[-2] and rest[-1] not in "sz" and len(rest) > 3
            return rest[:-1] if is_doubled else rest
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


@lru_cache(maxsize=100_000)
def _terms_of(word: str) -> tuple[str, ...]:
    if joint := _JOINT.search(word):
        return (*_terms_of(word[: joint.end()]), *_terms_of(word[joint.end() :]))
    if is_acronym(word):
        return (word.removesuffix("s").upper(),)
    parts = _PREFIXES.match(word.casefold())
    return (root(parts[1]), root(word[parts.end() :])) if parts else (root(word),)


def is_acronym(word: str) -> bool:
    """Whether a capital stands behind the first letter: CLIP, ViT, LoRA, LLMs; so that CLIP is not a clip."""
    return any(letter.isupper() for letter in word[1:])


def terms(text: str) -> tuple[str, ...]:
    """Roots in lower case, acronyms in capitals; prefixes stand alone."""
    return tuple(term for word in _WORD.findall(text) for term in _terms_of(word))


def runs(words: tuple[str, ...], longest: int) -> Iterator[tuple[str, ...]]:
    """Every run of 1 to `longest` neighbouring words."""
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield words[start:end]


def written_words(text: str) -> list[str]:
    """Words as they stand in the text, in lower case unless they are acronyms."""
    return [word if is_acronym(word) else word.casefold() for word in _WORD.findall(text)]
