"""Whether the beginning of a sentence stands without its end. Pure.

A text knows no grammar here, so these are the words that ask for more, learned by reading what was cut of real abstracts.
"""

from __future__ import annotations

import re

LAST_ITEM = re.compile(r",[^,]{1,40}$")
_FIRST_OF_SEVERAL = re.compile(r"\b(?:two|three|four|five|six)\b[^:;]*: (?!.*\band\b)")
_MORE_ITEMS = re.compile(r",?\s*(?:[^,;:]{1,40},\s){0,3}(?:and|or)\b(?! (?:we|thus|thereby|hence|therefore)\b)")
_ASKS_FOR_MORE = re.compile(
    r"\b(?:(?:un)?able|ability|capacity|capability|potential|designed|aim(?:s|ed)?|used|allow(?:s|ing)?|enabl(?:es?|"
    r"ing)|needs?|needed|how|order|due|"
    r"easy|hard|difficult|possible|learns?|learning|tends?|fails?|failing|try|tries|attempts?|seeks?|wants?|helps?|"
    r"helping|requir(?:es?|ing)|as|not|it|"
    r"them|where|likely|ready|up|compared|according|related|similar|equivalent|close|from|is|are|was|were|be|and|or|"
    r"force[sd]?|tasked|required|"
    r"so|such|shows?|shown|ensur(?:e|es|ing)|guarantee(?:s|ing)?|indicat(?:e|es|ing)|assum(?:e|es|ing)|suggest(?:s|ing)?|"
    r"associated|equipped|deal(?:s|ing)?|cope|copes|consistent|combin(?:e|es|ed|ing)|align(?:ed|s|ing)?|augment(?:ed|"
    r"s)?|integrat(?:es?|ed|ing)|"
    r"responsible|suitable|account(?:s|ing)?|search(?:es|ing)?|look(?:s|ing)?|except|capable|optimiz(?:e|es|ed|ing)|"
    r"suffer(?:s|ing)?|derived|different|range|ranges|ranging|benefit(?:s|ing)?|far|away|stem(?:s|ming)?|aris(?:e|es|"
    r"ing)|extract(?:s|ed|ing)?|"
    r"based|depend(?:s|ing|ent)?|rel(?:y|ies|ying)|focus(?:es|ed|ing)?|buil(?:d|ds|t|ding)|condition(?:ed|ing)|"
    r"operat(?:es?|ing)|conditional|"
    r"result(?:s|ing)?|involved?|consist(?:s|ing)?|interested|role|falls?|lies?|acts?|serves?|increase|decrease|change|differ(?:s|ing)?|work(?:s|"
    r"ing)?|known|referred|defined|"
    r"par|is trained|are trained|which is an? \w+ \w+|"
    r"orthogonal|parallel|proportional|relative|a|an|the|of|to|for|with|by|in|on|at|than|both|either|more|less|very|most|new|novel|first|only|and/or|between|"
    r"into|while|that|which|when)$",
    re.IGNORECASE,
)
# The same with less certainty: where there is another way, one need not see how it reads.
_MAY_ASK_FOR_MORE = re.compile(
    r"\b(?:"
    r"leads?|leading|tend(?:ed|ing)|struggl(?:e|es|ed|ing)|adapting|transferring|correspond(?:s|ing)?|tailored|calibrated|opposed|"
    r"comparable|analogous|compatible|unlikely|unable|closer|flexibility|interact(?:s|ing)?|shared|mismatched|deviated?|compares?|"
    r"overlooking|pronounced|behav(?:es?|ing)|dependence|reliance|trains|grounded|(?<!be )trained|referring|harder|almost"
    r")$",
    re.IGNORECASE,
)
# What is done to one thing with another, and told of the first alone, says little or something else.
_ASKS_FOR_ANOTHER = {
    "with": r"combin(?:e|es|ed|ing)|replac(?:e|es|ed|ing)|unif(?:y|ies|ied|ying)|synergi[sz](?:e|es|ing)|"
    r"pair(?:s|ed|ing)?|coupl(?:e|es|ed|ing)|associat(?:e|es|ed|ing)|align(?:s|ed|ing)?|augment(?:s|ed|ing)?",
    "from": r"separat(?:e|es|ed|ing)|decoupl(?:e|es|ed|ing)|disentangl(?:e|es|ed|ing)|distinguish(?:es|ed|ing)?|"
    r"shift(?:s|ed|ing)?|isolat(?:e|es|ed|ing)",
    "to": r"train(?:s|ing)?|us(?:es?|ing)|enabl(?:e|es|ed|ing)|caus(?:e|es|ed|ing)|allow(?:s|ed|ing)?|forc(?:e|es|ed|ing)|"
    r"compar(?:e|es|ed|ing)|restrict(?:s|ed|ing)?|transfer(?:s|red|ring)?|the first|from(?= [\w-]+$)",
}
_ANOTHER = {before: re.compile(rf"\b(?:{words})\b [^,;:]+$", re.IGNORECASE) for before, words in _ASKS_FOR_ANOTHER.items()}
# "the metrics" of "the metrics that were reported" is another thing.
_ANOTHER["that"] = re.compile(
    r"\b(?:the|those|these|its|their|our|any|all|no|each|every|such) (?:[\w-]+ ){0,3}[\w-]+$", re.IGNORECASE
)
# What is left hanging in the air: one of two, the verb of a shared object, a thing that only what follows says anything of.
_LEFT_OPEN = re.compile(
    r"\beither\b(?!.*\bor\b)|\bneither\b(?!.*\bnor\b)|\b(?:both|between)\b(?!.*\band\b)|\bnot only\b(?!.*\bbut\b)|\bto [a-z]+$|"
    r"\bfollowing [a-z]+$|\b([\w-]+) (?:in|for|on|of|with|to) [^,;]*\band \1$|"
    r"; (?:on|in|for|with) [^,;]*$|\b(?:that|which) first [a-z]+s\b(?!.*\bthen\b)|"
    r"(?:,|\band [a-z]+|\ballow\w+) an? (?:(?:novel|new|simple|effective|efficient|general|lightweight|deterministic) )*[\w-]+$"
)
_ENUMERATED, _GOES_ON = re.compile(r"\((?:i{1,3}|[1-4]|[a-d])\)"), re.compile(r"\((?:i{2,3}|iv|[2-5]|[b-e])\)")
_UNFINISHED_LIST = re.compile(r"\b(?:which|that) [a-z]+s\b[^,;:]*, [a-z]+s [^,;:]*$")


def stands_without(kept: str, rest: str) -> bool:
    """Hardly anything that is kept asks for the rest, which begins with a comma or a blank."""
    return not _ASKS_FOR_MORE.search(kept) and not (LAST_ITEM.search(kept) and _MORE_ITEMS.match(rest))


def surely_stands_without(kept: str, rest: str) -> bool:
    """Nothing that is kept asks for the rest, as far as we know; some that would stand doesn't pass."""
    return stands_without(kept, rest) and not _may_ask_for_more(kept, rest) and not _may_break_a_list(kept, rest)


def _may_ask_for_more(kept: str, rest: str) -> bool:
    """ "lacks the flexibility" of "lacks the flexibility to adapt", "combines A" of "combines A with B"."""
    first = re.match(r"\W*(\w+)", rest)
    another = _ANOTHER.get(first[1]) if first else None
    is_parallel = first and re.search(rf"\b{first[1]} [^,;]*\band [^,;]*$", kept)  # "in A and B" of "in A and B in C"
    return bool(_MAY_ASK_FOR_MORE.search(kept) or _LEFT_OPEN.search(kept) or (another and another.search(kept)) or is_parallel)


def _may_break_a_list(kept: str, rest: str) -> bool:
    is_first = _FIRST_OF_SEVERAL.search(kept) and re.search(r"\band\b", rest)
    is_numbered = _ENUMERATED.search(kept) and _GOES_ON.search(rest)
    return bool(is_first or is_numbered or _UNFINISHED_LIST.search(kept))
