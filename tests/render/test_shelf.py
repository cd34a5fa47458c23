from __future__ import annotations

from service.render.shelf import Shelf


def test_a_full_shelf_is_emptied_and_what_is_put_stands_on_it() -> None:
    shelf = Shelf[int, str](2)
    assert [shelf.put(number, f"{number}") for number in range(3)] == ["0", "1", "2"]
    assert shelf == {2: "2"}
