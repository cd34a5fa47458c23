"""Who works alone under a name, on either database."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from service.errors import StoreFailed
from service.store.database import KeptConnection, reading
from service.store.locks import hold_alone


def test_a_lock_that_cannot_be_opened_is_told_in_one_line(sqlite: Engine) -> None:
    """It may have been made by another user, by whom a command was once run."""
    for name in ("queue", "serve"):
        Path(f"{sqlite.url.database}.{name}.lock").mkdir()
    with pytest.raises(StoreFailed, match=r"queue.lock can't be used: Is a directory"):
        KeptConnection(sqlite)
    with pytest.raises(StoreFailed, match=r"serve.lock can't be used: Is a directory"), hold_alone(sqlite, "serve"):
        pass


def test_a_lock_that_ended_with_the_database_server_is_taken_again_unless_another_was_faster(postgresql: Engine) -> None:
    holders = "FROM pg_locks JOIN pg_database ON oid = database WHERE datname = current_database() AND locktype = 'advisory'"

    def end_sessions() -> None:
        with reading(postgresql) as session:
            session.connection().execute(text(f"SELECT pg_terminate_backend(pid) {holders}"))

    with hold_alone(postgresql, "serve") as is_ours:
        assert is_ours()
        end_sessions()
        with pytest.raises(StoreFailed, match="terminat"):
            is_ours()
        assert is_ours()
        with pytest.raises(StoreFailed, match="another `serve` runs"), hold_alone(postgresql, "serve"):
            pass
        end_sessions()
        with hold_alone(postgresql, "serve"):
            with pytest.raises(StoreFailed, match="terminat"):
                is_ours()
            assert not is_ours()
        assert is_ours()
    with hold_alone(postgresql, "serve"):
        pass
