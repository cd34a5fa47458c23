from __future__ import annotations

import gc

from service.pipeline.heap import spare_what_stays


def test_what_is_loaded_is_kept_from_the_collector_once_and_what_comes_later_is_not() -> None:
    spare_what_stays()
    spared = gc.get_freeze_count()
    assert spared > 10_000
    later = [[number] for number in range(1000)]
    spare_what_stays()
    assert gc.get_freeze_count() <= spared
    assert any(one is later for one in gc.get_objects())
