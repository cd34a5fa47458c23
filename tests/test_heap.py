from __future__ import annotations

import gc
import weakref

from service.pipeline.heap import collect_between_portions, collect_rarely


def test_what_is_loaded_is_kept_from_the_collector_and_what_comes_later_is_looked_at_seldom() -> None:
    collect_rarely()
    spared = gc.get_freeze_count()
    assert spared > 10_000
    later = [[number] for number in range(1000)]
    collect_rarely()
    assert gc.get_freeze_count() <= spared
    assert any(one is later for one in gc.get_objects())
    assert gc.get_threshold()[0] == 50_000


def test_what_refers_to_itself_is_gone_before_the_next_portion() -> None:
    class Statement:
        pass

    statement = Statement()
    vars(statement)["itself"] = statement
    gone = weakref.ref(statement)
    del statement
    collect_between_portions()
    assert gone() is None
