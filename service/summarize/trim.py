"""A sentence to the shorter ways of saying it that claim the same. Pure.

Only whole pieces go: parentheses, what leads in ("In this paper,"), who says it ("We propose"), and clauses at the end that
hold no condition. Nothing is added but a capital and a full stop, and a "We" before the second half of what "we" did.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from service.summarize.clean import clean
from service.summarize.endings import LAST_ITEM, stands_without, surely_stands_without

LONGEST = 30  # words
SHORTEST = 5  # words
_ENOUGH = 10  # words, who speaks included, of a sentence that lost a phrase
_LONGEST_TEXT = 400  # characters, for texts whose words aren't parted by blanks

_DOCUMENT = (
    r"(?:(?:technical |position |survey |short )?(?:paper|report|note)|work|article|study|survey|research|letter|thesis|"
    r"manuscript)"
)
_WHO = rf"(?:We|I|(?:This|The|Our|The present) {_DOCUMENT}|The authors?)"
_ADVERB = r"(?:also|further|first|then|therefore|thus|hence|here|now|next|instead|furthermore|additionally|\w+ly)"
PROPOSING = [
    "propose", "present", "introduce", "develop", "describe", "design", "devise", "unveil", "release", "build", "construct",
    "contribute", "offer", "provide", "create", "report",
]  # fmt: skip
_NAMING = ["propose", "present", "introduce", "develop", "describe", "design", "devise", "unveil"]
# What "we" may do after an "and": the second half of a sentence whose subject stands before the first.
_DOING = [
    "analyze", "analyse", "apply", "argue", "assess", "characterize", "combine", "compare", "compute", "conduct", "consider",
    "create", "define", "derive", "describe", "design", "develop", "discuss", "employ", "establish", "evaluate", "examine",
    "explain", "explore", "extend", "extract", "formalize", "formulate", "generalize", "give", "identify", "illustrate",
    "implement", "improve", "incorporate", "integrate", "introduce", "investigate", "leverage", "make", "measure", "obtain",
    "offer", "optimize", "perform", "present", "propose", "provide", "prove", "reveal", "release", "report", "review", "show",
    "solve", "study", "suggest", "test", "train", "use", "utilize", "validate", "verify", "find", "demonstrate", "discover",
    "observe", "construct", "build", "open-source", "outperform", "achieve", "apply",
]  # fmt: skip
_CONNECTIVE = (
    r"(?:More )?(?:Specifically|Concretely|Precisely)|In particular|Particularly|Moreover|Furthermore|Additionally|In addition|"
    r"Finally|Lastly|First|Firstly|Second|Secondly|Third|Thirdly|Then|Next|Here|Hence|Thus|Therefore|Consequently|Accordingly|"
    r"As a result|As such|To (?:this|that|these) ends?|To do (?:so|this|that)|For this purpose|With this in mind|Notably|"
    r"Importantly|Interestingly|Surprisingly|Remarkably|Crucially|Critically|Besides|Also|Instead|Rather|Overall|"
    r"In summary|In short|"
    r"In sum|To summarize|In conclusion|In contrast|By contrast|On the other hand|Meanwhile|Similarly|Indeed|Yet|But|"
    r"And|So|However|"
    r"Generally|In general|"
    r"Nevertheless|Nonetheless|Technically|Methodologically|As a (?:first|next) step|As a (?:solution|remedy)|At its core|"
    r"In response|Recently|For example|For instance|In this (?:context|regard|setting|direction|vein|spirit)|In light of this|"
    r"Toward(?:s)? (?:this|that) (?:end|goal)|Beyond this|Going (?:further|beyond)"
)
_LEAD_INS = (
    re.compile(rf"(?:In|Within|Through|With) (?:this|our|the present) {_DOCUMENT}(?:[,:]\s*| (?=we\b|I\b))", re.IGNORECASE),
    re.compile(rf"(?:{_CONNECTIVE}),\s+"),
    re.compile(r"(?:Here(?:in)?|Therefore|Thus|Hence|Then|So|And|But|Also|Thereby|Now|However),? (?=(?:we|I)\b)"),
    re.compile(r"[^,]{0,80}\b(?:this|these|those|such|above)\b[^,]{0,120}, (?=(?:we|I)\b)", re.IGNORECASE),
    re.compile(r"(?:To|In|With|For) [^,]{0,30}\b(?:this|these|those|such|above) (?!we\b)[\w-]+(?: [\w-]+){0,2} (?=(?:we|I)\b)"),
    re.compile(r"(?:To|For) [^,]{1,30} (?:it|them|so|that), (?=(?:we|I)\b)"),
    re.compile(r"\(?[ivx1]{1,3}\) "),
)
_GOING_ON = re.compile(r"^(We|I) (?:instead|therefore|thus|hence|then|also|further|furthermore|additionally|next|finally) ")
# What may go before a ", we propose": why, from what, against what; never a condition.
_PREAMBLE = re.compile(
    r"(?:To|In order to|Motivated|Inspired|Building|Based|Drawing|Guided|Encouraged|Driven|Prompted|While|Although|"
    r"Though|Whereas|"
    r"Unlike|Instead|Rather|Despite|Given|Different|Beyond|Because|Since|Recogni[sz]ing|Observing|Considering|"
    r"Following|Leveraging|"
    r"As|Contrary|In contrast|In response|In light|From this|With (?:this|these)|Towards?|Taking|Aiming|Through|"
    r"By)\b.{3,250}?,\s+"
    rf"(?=(?:we|I|this {_DOCUMENT}|our {_DOCUMENT}) (?:{_ADVERB} )?(?:{'|'.join(PROPOSING)})s?\b)"
)
_EXPERIMENTS = re.compile(
    r"(?:(?:Our|The|Extensive|Comprehensive|Thorough|Numerical|Empirical|Experimental|Quantitative|Qualitative|Further) )*"
    r"(?:experiments?|results?|evaluations?|findings|studies|analysis|analyses)(?: results?)? (?:also |further |"
    r"consistently |clearly )?"
    r"(?:show|demonstrate|reveal|indicate|confirm|verify|validate)s? that\s+",
    re.IGNORECASE,
)
_PROPOSED = re.compile(
    rf"{_WHO} (?:{_ADVERB} )?(?:{'|'.join(_NAMING)})s? (?=(?:an?|the first|two|three|four) |"
    rf"[A-Z][\w+-]*(?: [A-Z\d][\w+.-]*)*(?:,| [-–—]|:) (?:an?|the|one|our) )"
)
_SAYS_WHAT_IT_DOES = re.compile(r"[^,;:]{0,90}?\b(?:that|which|whose|where)\b")
_SECOND_DEED = re.compile(rf",? and (?:(?:{_ADVERB}) )?(?=(?:{'|'.join(_DOING)})\b)")
_DEED_AFTER = re.compile(
    rf"(?:\band|\bor|,|;)\s+(?:{_ADVERB} )?(?:we|{'|'.join(_DOING)})\b(?! (?:data|time|cases?|sets?|models?|methods?|"
    rf"results?)\b)"
)

_LIST_OF_DEEDS = re.compile(rf"(,\s(?:{'|'.join(_DOING)})\b[^,;:]*),? and\b")

_CUT = re.compile(
    r"(?:[,;:]|\s[-–—]{1,3}|[–—])\s*(?=(?:which|where|whereby|while|whereas|thereby|thus|hence|leading|resulting|"
    r"making|allowing|"
    r"enabling|such as|including|e\.g|and (?:thus|thereby|hence|therefore)|as well as|as|so that|unlike|especially|"
    r"particularly|because|since|instead|rather|"
    r"without|with|by|using|to|in|for|on|from|achieving|that|even|both|namely|i\.e|consisting|[a-z]+ing|"
    r"[a-z]+ed(?= (?:as|at|by|from|in|into|of|on|to|for|with(?:in|out)?|via|using|through|under|across|over|against|only|"
    r"[a-z]+ly)))\b)"
    r"|\s(?=(?:so that|thereby|in order to|which|while|whereas|and (?:thus|thereby))\s)|;\s+|:\s+"
)
# Where a description may end, one phrase earlier; a claim about results (`_CLAIMS`) keeps where and how it holds.
_PHRASE = re.compile(
    r"\s(?=(?:to (?!be\b)[a-z]+|by [a-z]+ing|via|across|through|without|using|that|with|for|from|on|in|based on|while)\s)"
)
_CLAIMS = re.compile(
    r"\b(?:(?:improve|outperform|achieve|reduce|surpasse?|exceed|increase|decrease|enhance)[sd]?|yields?|attains?|"
    r"prove[sd]?|\d+(?:\.\d+)?(?:%|x\b))\b",
    re.IGNORECASE,
)
# A piece with one of these limits what stands before it, so it stays.
_LIMITS = re.compile(
    r"\b(?:but|al?though|though|however|except|unless|if|when|whenever|only|provided|assuming|under|as long as|albeit|despite|"
    r"at the (?:cost|expense)|may|might|in (?:some|certain|many|most) cases|limited|not necessarily|yet|until|often|"
    r"sometimes|typically)\b",
    re.IGNORECASE,
)
_BAD_LAST_WORD = re.compile(
    r"\b(?:a|an|the|of|to|for|with|and|or|but|by|in|on|at|from|as|that|which|is|are|be|its|their|our|this|these|than|"
    r"into|via|such|"
    r"not|only|both|between|more|most|e\.g|i\.e|we|can|using|including|where|while|when|based|then|also|upon|over|"
    r"under|novel|new)\.?$",
    re.IGNORECASE,
)


def without_lead_in(text: str) -> str:
    """Cut what leads in, as often as something does."""
    while found := next((match for lead_in in _LEAD_INS if (match := lead_in.match(text))), None):
        text = _capital(text[found.end() :])
    return _GOING_ON.sub(r"\1 ", text)


def variants(sentence: str, *, surely_whole: bool = False) -> list[str]:
    """Each way of saying it that is short enough and ends whole; the fullest first.

    `surely_whole`: fewer, for a line that may as well be left out.
    """
    stands = surely_stands_without if surely_whole else stands_without
    found: dict[str, None] = {}
    for start in _starts(without_lead_in(clean(sentence))):
        found |= dict.fromkeys(text for cut in _with_tails_cut(start, stands) if _fits(text := finish(without_speaker(cut))))
    return list(found)


def _starts(text: str) -> Iterator[str]:
    yield text
    if found := _PREAMBLE.match(text):
        text = _capital(text[found.end() :])
        yield text
    if found := _EXPERIMENTS.match(text):
        yield _capital(text[found.end() :])
    if re.match(r"We\b", text):
        for found in _SECOND_DEED.finditer(text):
            if not _LIMITS.search(text[: found.start()]):
                yield "We " + text[found.end() :]


def _with_tails_cut(text: str, stands: Callable[[str, str], bool]) -> Iterator[str]:
    """The whole, then without the last piece, the last two, ... as long as no piece limits what stands before it."""
    yield text
    ends = {found.start(): pattern for pattern in (_CUT, _SECOND_DEED, _PHRASE) for found in pattern.finditer(text)}
    for end in sorted(ends.keys() - _within_lists(text), reverse=True):
        if _LIMITS.search(text[end:]):
            return
        if stands(text[:end], text[end:]) and (ends[end] is not _PHRASE or _says_enough(text, end)):
            yield text[:end]


def _says_enough(text: str, end: int) -> bool:
    """A phrase less leaves something to read, no claim about results without its "where", and no list without its end."""
    kept = text[:end]
    is_in_a_list = LAST_ITEM.search(kept) and re.search(r",? (?:and|or)\b", text[end:])
    return len(kept.split()) >= _ENOUGH and not _CLAIMS.search(kept) and not is_in_a_list


def _within_lists(text: str) -> set[int]:
    """Where the last ", and" of "We collect A, build B, and test C" stands: a cut there would leave a list without its end."""
    return {found.end(1) for found in _LIST_OF_DEEDS.finditer(text)}


def without_speaker(text: str) -> str:
    """ "We propose an agent that ..." as "An agent that ...", where nothing else hangs on the "we"; else as it is.

    What is left must say what the thing does: "A new method for planning" alone is a heading.
    """
    found = _PROPOSED.match(text)
    if found is None or not _SAYS_WHAT_IT_DOES.match(text, found.end()):
        return text
    rest = text[found.end() :]
    hangs = _DEED_AFTER.search(rest) or re.search(r"\b(?:we|our|us)\b|, which\b", rest) or len(rest.split()) < SHORTEST
    return text if hangs else _capital(rest)


def finish(text: str) -> str:
    return _capital(re.sub(r"[\s,;:.–—-]+$", "", text) + ".") if not text.rstrip().endswith(("!", "?", '."', ".”")) else text


def is_short(text: str) -> bool:
    return len(text.split()) <= LONGEST and len(text) <= _LONGEST_TEXT


def hard_cut(text: str) -> str:
    """The first 30 words, with a mark that something is missing: for what can't be cut well."""
    words = " ".join(text.split()[:LONGEST])[:_LONGEST_TEXT]
    return words if words == text else words.rstrip(" ,;:.") + " …"


def _fits(text: str) -> bool:
    return is_short(text) and _is_whole(text)


def _is_whole(text: str) -> bool:
    balanced = all(text.count(left) == text.count(right) for left, right in ("()", "[]", "{}", "“”"))
    return balanced and len(text.split()) >= SHORTEST and text.count('"') % 2 == 0 and not _BAD_LAST_WORD.search(text.rstrip("."))


def _capital(text: str) -> str:
    """A first letter in capitals, but for names such as "iGPT" and "i1"."""
    first = text.split(" ", 1)[0]
    return text if any(c.isupper() or c.isdigit() for c in first[1:]) else text[:1].upper() + text[1:]
