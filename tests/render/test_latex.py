from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.render.latex import readable


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"$\text{Transformer}^2$: Self-adaptive LLMs", "Transformer²: Self-adaptive LLMs"),
        (r"$\nabla^2$DFT", "∇²DFT"),
        (r"$\tau$-bench and $L_2$ norms", "τ-bench and L₂ norms"),
        (r"10.8\% better, Q\&A for \$5, under\_score", "10.8% better, Q&A for $5, under_score"),
        (r"\textbf{\textit{Fast}} and \emph{small}", "Fast and small"),
        (r"Fr\'echet, Schr\"{o}dinger, na\"{\i}ve, \v{S}koda", "Fréchet, Schrödinger, naïve, Škoda"),
        (r"GPT-4o\'s scores", "GPT-4o's scores"),
        (r"error of 4.32{\deg} and 360^{\circ} views", "error of 4.32° and 360° views"),
        ("36times 64 at sim70%, 3 times faster", "36×64 at ~70%, 3 times faster"),
        ("a 5.83times speedup at 256 times 256, 2times. Three times", "a 5.83× speedup at 256×256, 2×. Three times"),
        ("leq 0.85M, geq2 of Code rightarrow Math, SFTrightarrowDPO", "≤0.85M, ≥2 of Code → Math, SFT→DPO"),
        (r"$\frac{1}{2}$ of $\sqrt{d}$", "1/2 of √d"),
        ("π_{0.5} beats π_0 and χ_{0}", "π₀.₅ beats π₀ and χ₀"),
        ("O(N^2), 2^{128}, A^2D, M^*, x^{a+b}", "O(N²), 2¹²⁸, A²D, M*, x^(a+b)"),
        (r"we propose \method{}, as in \ours", "we propose method, as in ours"),
        (r"\(a \times b\) on an RTX~5090", "a × b on an RTX 5090"),
        ("8--12 points -- ``at once'' --- done", "8–12 points – “at once” — done"),
        ("Paper--Code Alignment for git --amend", "Paper–Code Alignment for git --amend"),
    ],
)
def test_latex_becomes_text_that_reads(written: str, read: str) -> None:
    assert readable(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "Can LLMs earn $1 Million, or $15?",
        "Fixing 7,400 bugs for 1$: cheap",
        "from $5 to US$, and $7",
        "e_anything, l_jigsaw and p_research_bench",
        "run it --fast, {{ 7 * 7 }} {% raw %}",
        "A plain title: with 50% less & a_b",
        "https://example.org/~ada/x_1",
        "3 times faster, 10 times in 5 runs, sometimes 4",
    ],
)
def test_what_is_no_latex_stays(text: str) -> None:
    assert readable(text) == text


_WORDS = st.text("abcXYZ0189 äß漢", max_size=12)
_SCRAPS = st.sampled_from(["sim", "times ", "leq", "rightarrow", "^{", "_{", "\\(", "\\)", "\\sqrt{"]) | st.sampled_from(
    ["$", "^", "_", "{", "}", "\\", "~", "-", "--", "`", "'", "%", "&", "\\alpha", "\\textbf{", "\\frac{", "}{", "\\'e"]
)


@given(st.lists(_WORDS | _SCRAPS, max_size=12).map("".join))
def test_no_word_and_no_number_is_ever_lost(text: str) -> None:
    kept = _letters(readable(text))
    for c in _letters(_without_commands(text)):
        assert c in kept, text
        kept.remove(c)


@given(st.text(st.characters(exclude_characters="\\$^_-`{~tsq"), max_size=80))
def test_text_without_a_mark_of_latex_stays_whatever_it_holds(text: str) -> None:
    assert readable(text) == text


@given(st.sampled_from(["$", "^{", "\\textbf{", "_{", "\\(", "\\frac{", "\\'"]), st.integers(1, 4000))
def test_a_scrap_without_end_costs_no_time(scrap: str, count: int) -> None:
    assert len(readable(scrap * count)) <= len(scrap) * count


def _letters(text: str) -> list[str]:
    return [c for c in unicodedata.normalize("NFKD", text) if c.isalnum()]


def _without_commands(text: str) -> str:
    for name in ("\\alpha", "\\textbf", "\\frac", "\\sqrt", "sim", "times", "leq", "rightarrow"):
        text = text.replace(name, "")
    return text
