r"""LaTeX to text that reads: `$\alpha^2$` to `α²`, `\textbf{fast}` to `fast`. Pure.

Titles and abstracts hold scraps of LaTeX, not documents, and the source drops some backslashes (`36times 64`). So each
known scrap is rewritten where it stands, and the rest stays, but for the backslash of an unknown command: no word and no
number is ever lost. (pylatexenc drops unknown macros and all that follows a per cent sign; unicodeit rewrites hyphens.)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_SYMBOLS: dict[str, str] = dict(
    re.findall(
        r"(\w+)=(\S)",
        "alpha=α beta=β gamma=γ delta=δ epsilon=ε varepsilon=ε zeta=ζ eta=η theta=θ vartheta=ϑ iota=ι kappa=κ lambda=λ mu=μ "
        "nu=ν xi=ξ pi=π rho=ρ sigma=σ tau=τ upsilon=υ phi=φ varphi=φ chi=χ psi=ψ omega=ω Gamma=Γ Delta=Δ Theta=Θ Lambda=Λ Xi=Ξ "
        "Pi=Π Sigma=Σ Phi=Φ Psi=Ψ Omega=Ω times=× cdot=· pm=± mp=∓ div=÷ ast=∗ star=⋆ circ=° deg=° degree=° leq=≤ le=≤ geq=≥ "
        "ge=≥ neq=≠ ne=≠ approx=≈ sim=~ simeq=≃ equiv=≡ propto=∝ ll=≪ gg=≫ in=∈ notin=∉ subset=⊂ subseteq=⊆ cup=∪ cap=∩ "
        "emptyset=∅ forall=∀ exists=∃ neg=¬ land=∧ lor=∨ oplus=⊕ otimes=⊗ infty=∞ partial=∂ nabla=∇ sum=∑ prod=∏ int=∫ ell=ℓ "
        "to=→ rightarrow=→ leftarrow=← leftrightarrow=↔ uparrow=↑ downarrow=↓ Rightarrow=⇒ Leftarrow=⇐ mapsto=↦ langle=⟨ "
        "rangle=⟩ lceil=⌈ rceil=⌉ lfloor=⌊ rfloor=⌋ ldots=… dots=… cdots=⋯ prime=′ dagger=† checkmark=✓ bullet=• copyright=© "
        "pounds=£ euro=€ textdegree=° ss=ß ae=æ AE=Æ oe=œ OE=Œ o=ø O=Ø l=ł L=Ł i=ı",
    )
)
_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307", '"': "\u0308",
    "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("0123456789+-=()niT∗*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀ**")
_SUBSCRIPTS = str.maketrans("0123456789+-=()aeijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
_STYLES = (
    "text|textbf|textit|textsc|texttt|textrm|textsf|emph|underline|mbox|url|mathbf|mathit|mathrm|mathcal|mathbb|mathsf|bm|"
    "boldsymbol|operatorname|ensuremath"
)


def readable(text: str) -> str:
    """The text with its LaTeX rewritten in Unicode; what holds none stays as it is."""
    for pattern, put in _REWRITES:
        text = pattern.sub(put, text)
    return text


def _symbol(found: re.Match[str]) -> str:
    return _SYMBOLS[found[1] or found[2]]


def _accented(found: re.Match[str]) -> str:
    letter = found["braced"] or found["bare"]
    return unicodedata.normalize("NFC", letter + _ACCENTS[found["accent"]])


def _raised(found: re.Match[str]) -> str:
    inner = found[1] or found[2]
    if inner in ("°", "circ", "′"):
        return inner.replace("circ", "°")
    return _translated(inner, _SUPERSCRIPTS) or f"^{_grouped(inner)}"


def _lowered(found: re.Match[str]) -> str:
    inner = found[1] or found[2]
    return _translated(inner, _SUBSCRIPTS) or f"_{_grouped(inner)}"


def _translated(text: str, table: dict[int, int]) -> str | None:
    """None where a character has no such form; a decimal point keeps its own."""
    return text.translate(table) if all(ord(c) in table or c == "." for c in text) and text != "." else None


def _grouped(text: str) -> str:
    return text if text.isalnum() else f"({text})"


def _in_math(found: re.Match[str]) -> str:
    """What stands between dollars, without them; two prices stay."""
    inner: str = found[1] or found[2]
    if inner[0].isdigit() and " " in inner and not re.search(r"[\\^_={}<>]", inner):
        return found[0]
    return _LOWERED_IN_MATH.sub(_lowered, inner)


_LOWERED_IN_MATH = re.compile(r"_(?:\{([^{}]+)\}|([A-Za-z0-9]))")
_COMMANDS = "|".join(_SYMBOLS)
_STYLED = rf"\\(?:{_STYLES})\s?\{{([^{{}}]*)\}}"

# In this order.
_REWRITES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        # What is left of a command whose backslash the source dropped: "36times 64", "3times faster", "sim70", "leq 5".
        (r"(?<=\d) ?times ?(?=\d)|(?<=\d)times\b", "×"),
        (r"(?<![\w\\])([lg]eq) ?(?=\d)|(?<![a-z\\])(rightarrow)", _symbol),
        (r"(?<![\w\\])sim ?(?=\d)|\{sim\}", "~"),
        (r"(?<=[A-Za-z])~(?=[A-Za-z\d(])", " "),  # a blank that does not break
        (r"\\'(?=s\b)", "'"),  # an apostrophe that somebody escaped
        (r"""\\(?P<accent>[`'^"~=.]|[uvHckrd](?=[ {]))\s?(?:\{\\?(?P<braced>[A-Za-z])\}|\\?(?P<bare>[A-Za-z]))""", _accented),
        (rf"\{{\\({_COMMANDS})\}}|\\({_COMMANDS})(?![A-Za-z])(?:\{{\}})?", _symbol),
        (_STYLED, r"\1"),
        (_STYLED, r"\1"),  # one within another
        (r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2"),
        (r"\\sqrt\{(\w)\}", r"√\1"),
        (r"\\sqrt\{([^{}]*)\}", r"√(\1)"),
        # A dollar opens math when something follows at once, and closes it when something precedes at once and no digit
        # follows, as pandoc has it.
        (r"(?<!\\)\$(?=[^\s$])((?:\\.|[^$\\\n]){1,200})(?<=[^\s\\])\$(?!\d)|\\\(([^\n]{1,200}?)\\\)", _in_math),
        (r"\^(?:\{([^{}]+)\}|(\d+|[+*T°′](?!\w)|circ\b))", _raised),
        (r"(?<![\w/]\w)(?<=[^\W\d_])_(?:\{([^{}]+)\}|(\d)(?!\w))", _lowered),
        (r"\\[,;:! ]", " "),
        (r"\\([%&$#_{}])", r"\1"),
        (r"\\([A-Za-z]+)(?:\{\})?", r"\1"),
        (r"---", "—"),
        (r"(?<=\w)--(?=\w)|(?<= )--(?= )", "–"),
        (r"``([^`']+)''", r"“\1”"),
    )
)
