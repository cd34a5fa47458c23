"""F1 over topics. Labels that two readers disagreed on (nan) count neither way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def micro_f1(wanted: NDArray[np.float64], said: NDArray[Any]) -> float:
    hit = np.sum((wanted == 1) & said)
    wrong = np.sum((wanted == 0) & said)
    missed = np.sum((wanted == 1) & ~said)
    return float(2 * hit / max(1, 2 * hit + wrong + missed))
