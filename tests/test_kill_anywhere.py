"""SIGKILL at random moments while 2,000 mails go to a real server: none lost, and no duplicate that the ledger doesn't know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kill_variants import VARIANTS, sqlite
from tests.kills import Tally


def test_five_kills_lose_nothing(tmp_path: Path) -> None:
    tally = sqlite(tmp_path, 5)
    assert tally.ends >= 5
    assert tally.holds, tally


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_fifty_kills_lose_nothing(variant: Callable[[Path, int], Tally], tmp_path: Path) -> None:
    tally = variant(tmp_path, 50)
    assert tally.ends >= 50
    assert tally.holds, tally
