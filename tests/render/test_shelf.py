from __future__ import annotations

from weakref import ref

from service.render.shelf import Shelf


def test_a_full_shelf_is_emptied_and_what_is_put_stands_on_it() -> None:
    shelf = Shelf[int, str](2)
    assert [shelf.put(number, f"{number}") for number in range(3)] == ["0", "1", "2"]
    assert shelf == {2: "2"}


def test_what_is_known_by_its_identity_stays_as_long_as_what_was_made_of_it() -> None:
    class Thing:
        pass

    shelf, thing = Shelf[int, str](2), Thing()
    seen = ref(thing)
    shelf.put(id(thing), "made", thing)
    del thing
    assert seen() is not None
    shelf.put(1, "one")
    shelf.put(2, "two")
    assert seen() is None
