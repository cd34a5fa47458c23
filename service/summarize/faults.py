"""What makes a summary hard to read on its own, each fault by its name. Pure.

Counted in `tests/benchmarks/readability.py`, and avoided when a summary is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_DOCUMENT = (
    r"(?:(?:technical |position |survey )?(?:paper|report)|work|article|study|survey|research|thesis|tutorial|manuscript)\b"
)

_FAULTS = {
    "refers back": re.compile(
        rf"^(?:This(?! {_DOCUMENT})|These|Those|Such|It|They|Its|Their|Both|Each|He|She|Doing so|There(?:by|fore)?|"
        rf"Here|The (?:proposed|resulting|"
        r"former|latter|above|aforementioned|same|other|(?:first|second|third) (?:one|stage|step|phase|part|component|"
        r"module)|key|main|core|idea|goal|problem|issue|question|result|"
        r"results|authors?|code|framework|method|approach|model|models|system|dataset|benchmark|algorithm|pipeline|"
        r"architecture|"
        r"experiments?|analysis)\b(?! (?:of|for|that|in|behind|between)\b)|One (?:reason|such)|Another)\b"
        rf"|\b(?:this|these|those)\b(?! {_DOCUMENT}| direction\b|(?: (?!is |are )[\w-]+){{1,2}} (?:between|of|that|where|"
        rf"in which)\b| (?:who|that|of|in|with|from)\b)|\b[Ss]uch (?!as\b|that\b|an?\b)(?:\w+ ){{0,2}}\w+s\b|\b(?:above|"
        rf"aforementioned|former|latter)\b"
        r"|\b(?:as|in|by) (?:doing so|such)\b|^Some of\b|\bof them\b|\b(?:the )?same (?:problem|issue|idea)\b",
    ),
    "subject without a name": re.compile(
        r"^(?:Our|The proposed) (?:(?:\w+[- ]){0,2})(?:method|approach|model|framework|algorithm|system|technique|"
        r"experiments?|results?|"
        r"findings?|evaluations?|analysis|analyses|code|solution|pipeline|architecture|contributions?|strategy|design|"
        r"formulation)s?\b|^The (?:performance )?(?:correspondence|gap|gains?|improvements?) (?:is|are|persists?|holds?)\b"
    ),
    "starts midway": re.compile(
        r"^(?:Not only|And|Or|But|Which|That|Also|Then|Than|However|Moreover|Furthermore|Thus|Hence|Finally|"
        r"Additionally|Alternatively|Generally|I\.e|E\.g|Specifically|In addition|In particular|As well|While|Whereas|"
        r"Although|Because|So)\b|^(?:In|With) this\b|"
        r"^[a-z](?![A-Z\w]*[A-Z\d])|^[,;:.)\]]"
    ),
    "boilerplate": re.compile(
        rf"\b[Ii]n (?:this|our) {_DOCUMENT}|\b(?:project page|code|demo|website|models?|datasets?|data)\b[^.]{{0,60}}"
        r"\b(?:available|released|open-sourced|found)\b(?! (?:models?|data))|https?:|www\.|\bWe (?:hope|believe|thank|anticipate|"
        r"encourage|plan)\b|\bopen[- ]sourced? (?:our|the|all)\b"
        r"|^We (?:also )?(?:release|open-source) (?:both )?(?:the|our|all)\b"
        r"|\bvalidate\b[^.]*\bour (?:\w+ )?(?:approach|method|strateg\w+|framework)\b"
        r"|\b[Ee]xtensive experiments\b|\bpublicly (?:available|release)|\bTo the best of our knowledge",
    ),
    "says too little": re.compile(
        r"^(?:We|This \w+) (?:\w+ly )?(?:propose|present|introduce|develop|describe|design|release|build)s? "
        r"(?:[A-Z][\w.+-]*|a|an|the|and|novel|new|[^\W_]+ [Mm]odels?)(?: (?:[A-Z0-9][\w.+-]*|and|Models?))*\.$"
    ),
    "unfinished": re.compile(
        r": .*\bfirst [a-z]+s\b(?!.*\bthen\b)|"
        r"…$|\.\.\.$|[^.!?…]$|\b(?:a|an|the|of|to|for|with|and|or|but|by|on|at|from|as|that|which|is|are|its|their|"
        r"our|than|into|via|"
        r"such|both|between|including|e\.g|i\.e|we|using|while|where)[.]$|,\.$"
    ),
    "left-over marks": re.compile(
        r"\\[a-zA-Z]+|[{}~]|\$[^$]*[\\{}]|\bet al\b|\[\d|\s[,;:.](?:\s|$)|,\s*,|\*\*|``|(?<!\.)\.\.(?!\.)|\(\s*\)|"
        r"[(\[][^)\]]*$|^[^(\[]*[)\]](?!.*[(\[])|\^|_\{"
    ),
    "not a sentence of its own": re.compile(
        rf"^(?:which|whose|whereby)\b|^(?!(?:We|This {_DOCUMENT}) )[A-Z][\w -]+, (?:whose|which|enabling|allowing)\b[^,]*\.$"
        r"|^(?:To|By|For|Using|Through|With|Given|Unlike|Despite|Based on|Inspired by|Motivated by)\b(?!.*\bwe\b)[^,]*\.$"
        r"|^(?:1|i|a)\)|^\(\w\)|^[A-Z][\w-]+: [a-z]|\b(?:1|i)\)(?!.*\b(?:2|ii)\))|:\.$|\(1\)(?!.*\(2\))"
    ),
    "background": re.compile(
        r"^(?:Recent(?:ly)?|Challenges|Unlike|Existing|Current(?:ly)?|Despite|Traditional(?:ly)?|Conventional|Prior|Previous|Most|Many|"
        r"In recent years|"
        r"However|Unfortunately|A (?:key|major|critical|fundamental|central|core|common|long-standing) (?:challenge|"
        r"limitation|problem|issue|question|"
        r"bottleneck)|Modern|The (?:rapid|recent|growing|increasing|rise|advent|success))\b(?!.*\b(?:we|[Tt]his paper|"
        r"[Tt]his work)\b)"
        r"|\b(?:remains?|is|are) (?:an? )?(?:open|challenging|largely unexplored|underexplored|under-explored|unclear|"
        r"limited|crucial|essential|critical|vital|important|"
        r"poorly understood|difficult)\b(?!.*\b[Ww]e\b)|\bhas (?:become|emerged|attracted|gained|been)\b(?!.*\bwe\b)|"
        r"\bhave (?:become|emerged|attracted|gained|been|shown|"
        r"demonstrated|achieved|made|revolutionized|showcased|exhibited|enabled|led|proven|garnered|advanced|driven)\b(?!.*\bwe\b)"
        r"|\b(?:remain|face|suffer from|struggle with)s? (?:\w+ ){0,2}(?:susceptible|challenges?|trade-offs?|limitations?|"
        r"bottlenecks?|difficulties)\b(?!.*\b(?:we|but)\b)"
    ),
}


def faults(text: str, *, but: Collection[str] = ()) -> tuple[str, ...]:
    """The names of what is wrong, but for those that do no harm where this text stands."""
    return tuple(name for name, pattern in _FAULTS.items() if name not in but and pattern.search(text))
