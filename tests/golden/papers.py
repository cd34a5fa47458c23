"""Papers for the golden mails, written for them; no such papers exist."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from service.models import Paper
from tests.builders import DAY, paper

THUMBNAIL = "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{}.png"


def written(id: str, title: str, tldr: str, **fields: Any) -> Paper:
    given: dict[str, Any] = {"featured_on": DAY, "written_by": "authors", "thumbnail_url": THUMBNAIL.format(id)}
    return paper(id, title, tldr=tldr, **(given | fields))


EXIT = written(
    "2610.01234",
    "When Not to Think: Learned Early Exit for Tool-Using Agents",
    "An agent that predicts whether more reasoning will change its answer stops early, using 38% fewer tokens on five "
    "tool-use benchmarks at equal success.",
    authors=["Amara Okafor", "Lena Brandt", "Mika Sato"],
    author_count=9,
    organization="Northfield Lab",
    upvotes=128,
    velocity=41.3,
    result="38% fewer tokens, 61.4 against 61.2 success on the hardest of the five.",
    written_by="model",
    code_url="https://github.com/northfield/early-exit",
    code_stars=412,
    project_url="https://northfield.example/early-exit",
)
FOUR_BIT = written(
    "2610.00871",
    "Straight-Through Four: Stable 4-bit Pre-training",
    "A rounding rule that keeps the gradient's direction lets 4-bit pre-training follow the 16-bit loss curve up to 7 billion "
    "parameters.",
    authors=["Jonas Reed", "Chiara Neri"],
    author_count=2,
    organization="Harbour Institute",
    upvotes=96,
    velocity=12.0,
    problem="Below 8 bits the loss of pre-training diverges after some thousand steps.",
    result=r"The gap to 16 bits stays under 0.4\% at $2.1\times$ the throughput.",
)
GARDENS = written(
    "2610.00415",
    "Gardens, Not Graphs: Memory for Long-Lived Agents",
    "A memory that prunes itself by use keeps an agent that has run for 90 days under 4 GB, and finds more of what it needs.",
    authors=["Ifeoma Adeyemi", "Peter Holm", "Sana Mirza", "Wei Lin"],
    author_count=4,
    upvotes=57,
    velocity=0.4,
    code_url="https://github.com/gardens/gardens",
)
PATCHWORK = written(
    "2610.00666",
    "Patchwork: Repository-Level Program Repair with Two Small Models",
    "One small model finds the file and another writes the patch; together they repair as many bugs as a model ten times "
    "their size.",
    authors=["Noor Haddad", "Tomás Vidal", "Elin Berg"],
    author_count=5,
    organization="Field & Sons Research",
    upvotes=44,
    velocity=6.2,
    result="31.8% of 500 bugs repaired at a ninth of the cost.",
    written_by="model",
)
WEATHER = written(
    "2610.00101",
    "A Weather Model That Admits Doubt",
    "Calibrated ten-day forecasts from one GPU: the ranges that it states hold nine times out of ten.",
    authors=["Ruth Keller", "Omar Diallo"],
    author_count=2,
    upvotes=301,
    velocity=77.0,
)
SPARROW = written(
    "2609.04410",
    "Sparrow: Speculative Decoding without a Draft Model",
    "The model's own early layers propose the next tokens, so that decoding is 2.3 times faster with nothing else to train.",
    authors=["Lucas Moreau"],
    author_count=1,
    upvotes=190,
    featured_on=DAY - timedelta(days=2),
)
SHORT = [
    written(f"2610.002{number:02d}", title, tldr, upvotes=upvotes, thumbnail_url=None)
    for number, (title, tldr, upvotes) in enumerate(
        [
            (
                "Slow Keys: Caching What Changes Least",
                "Keys of long prompts hardly change; caching them halves the memory.",
                22,
            ),
            ("Agents That Ask Once", "Asking the user one good question beats ten guesses on 300 office tasks.", 19),
            ("The Cost of a Comma", "Punctuation in tool descriptions changes which tool is called in 4 of 100 calls.", 17),
            ("Reading Logs Like a Person", "A small model that reads logs in order finds the fault before one that searches.", 9),
            (
                "Quantised, Not Quarantined",
                "Quantisation keeps refusals intact when the calibration set has them.",
                8,
            ),
        ]
    )
]
HOSTILE = [
    written(
        "2610.00999",
        "<script>alert(1)</script> \u202eevil\u202c {{ 7 * 7 }} {% raw %} $\\alpha^2$ 🦊 " + "endless " * 375,
        "</td></table><style>*{display:none}</style> 100\\% \u200bhid\u200bden \u2066isolated\u2069 <!--jinja0tag--> ]]>",
        authors=['"><img src=x onerror=alert(1)>', "שלום עולם", "A\r\nBcc: eve@example.org"],
        author_count=3,
        organization="<b>Bold & Sons</b>",
        upvotes=1,
        code_url="javascript:alert(1)",
        project_url='https://e.org/"><script>',
        thumbnail_url="https://tracker.example/pixel.png",
        problem="\x00\x07bell \x85next\u2028line https://github.com/field-and-sons/AgentsThatFillInTheFormsOfAnEnterprise",
        result="漢" * 600,
    ),
    written("2610.00998", "cs.RO and stat.ML for agents", "See evil.example and http://evil.example/x.", thumbnail_url=None),
]
