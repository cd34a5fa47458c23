"""A sentence without what only prints or points: parentheses, citations, marks of style, mathematics as text. Pure."""

from __future__ import annotations

import re

_PARENTHESIS = re.compile(r"\s*\(([^()]*)\)")
_ENUMERATOR = re.compile(r"\(?(?:[ivx]{1,4}|[a-e]|\d)\)?")
_CITATION = re.compile(r"\s*(?:\b[a-z]{3,}\d{4}[a-z]{3,}\w*|\[\d+(?:\s*[,–-]\s*\d+)*\]|\\(?:cite|footnote|ref|url)\w*\{[^{}]*\})")
_LATEX_STYLE = re.compile(
    r"\\(?:text(?:bf|it|tt|sc|sf|rm)?|emph|textbf|mathbf|mathrm|mathcal|mathit|underline|bf|it)\s*\{([^{}]*)\}"
)
_MARKDOWN_STYLE = re.compile(r"(?<![\w*])(\*{1,3}|_{1,2})(?=\S)([^*_]+?)(?<=\S)\1(?![\w*])")
# What points at an earlier sentence and can go without loss.
_AS_SAID_BEFORE = re.compile(
    r",? (?:in|for|to|on|under|with|towards?) (?:this|these|such)(?: (?:specific|particular|new))? (?:context|setting|"
    r"problem|task|purpose|regard|respect|"
    r"direction|issue|challenge|scenario|end|goal|field|domain|area|regime|paper|work|study)s?\b,?(?= (?:that|which|"
    r"and|by|based|using|with|we|via|is|are)\b|[.,;]|$)"
)
_TO_SOLVE_IT = re.compile(
    r",? (?:in order )?to (?:address|solve|tackle|mitigate|alleviate|overcome|handle|resolve|remedy|reduce|fill|close|bridge|"
    r"answer|achieve|meet|fix) (?:both |all )?(?:of )?(?:this|these|those|such|the above)(?: [\w-]+){1,2}(?=[.,;]|$)"
)
_GREEK_LETTERS = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "omicron", "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
]  # fmt: skip
_GREEK = re.compile(rf"\\({'|'.join(_GREEK_LETTERS)})\b")


def clean(text: str) -> str:
    """Without parentheses, citations, links to notes, and the marks of LaTeX and Markdown styles."""
    text = _CITATION.sub("", text.replace("~", " ").replace("``", '"').replace("''", '"'))
    for _ in range(2):  # styles may stand within styles, parentheses within parentheses
        text = _MARKDOWN_STYLE.sub(r"\2", _LATEX_STYLE.sub(r"\1", text))
        text = _PARENTHESIS.sub(lambda found: found.group() if _is_needed(found) else "", text)
    text = _plain_mathematics(_TO_SOLVE_IT.sub("", _AS_SAID_BEFORE.sub("", text)))
    text = re.sub(r"\s+([,;:.!?])(?=\s|$)", r"\1", " ".join(text.split()))
    text = re.sub(r"(?<=\d)--(?=\d)", "–", text)  # from one number to another
    return re.sub(r"\s-{2,3}\s|(?<=\w)-{2,3}(?=\w)", " – ", text)


def _plain_mathematics(text: str) -> str:
    """Mathematics that reads as text without its dollars, and braces that only group."""
    text = _GREEK.sub(lambda found: chr(0x3B1 + _GREEK_LETTERS.index(found.group(1))), text)
    text = re.sub(r"\$([^$\\{}]{1,20})\$", r"\1", text)
    return re.sub(r"(?<![\\\w^_])\{(?:\\\w+ )?([\w -]+)\}", r"\1", text).replace(r"\%", "%")


def _is_needed(parenthesis: re.Match[str]) -> bool:
    """A mark of an enumeration, a plural "(s)", mathematics, or an acronym that the sentence goes on to use."""
    inside = parenthesis.group(1).strip()
    if _ENUMERATOR.fullmatch(inside) or not parenthesis.group().startswith((" ", "\t")):
        return True
    return bool(re.fullmatch(r"[A-Z][\w-]{1,11}", inside)) and bool(
        re.search(rf"\b{re.escape(inside)}\b", parenthesis.string[parenthesis.end() :])
    )
