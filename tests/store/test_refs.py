"""The references of a wave's mails, in columns."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.models import Delivery, Notice
from service.store.ledger import Ref, Refs

SOME = st.lists(st.builds(Ref, st.sampled_from([Notice, Delivery]), st.integers(1, 2**40), st.sampled_from(["a.org", "b.org"])))


def refs_of(some: list[Ref]) -> Refs:
    refs = Refs()
    for ref in some:
        refs.add(*ref)
    return refs


@given(SOME, st.integers(0, 5), st.integers(1, 4))
def test_columns_hold_what_a_list_would(some: list[Ref], first: int, step: int) -> None:
    refs = refs_of(some)
    assert list(refs) == some
    assert len(refs) == len(some)
    assert list(refs[first::step]) == some[first::step]
    assert list(pickle.loads(pickle.dumps(refs))) == some


def test_there_is_none_behind_the_last() -> None:
    with pytest.raises(IndexError):
        refs_of([Ref(Delivery, 1, "a.org")])[1]
