"""Match papers to topics: phrases, expansion, one calibrated score, and the reasons. Pure."""

from __future__ import annotations

from service.match.score import CORE, Phrasebook, match_paper, match_papers, phrasebook, score_papers, trace_of

__all__ = ["CORE", "Phrasebook", "match_paper", "match_papers", "phrasebook", "score_papers", "trace_of"]
