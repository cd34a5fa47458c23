"""Fixtures: a database on the newest schema, the real data where it is at hand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from sqlalchemy import Engine

from service.store.database import open_database

REAL = Path(__file__).parents[2] / "shared" / "real"


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Requests are tried again, without the pauses between them."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "new.db"
    open_database(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture
def engine(migrated: Path, tmp_path: Path) -> Iterator[Engine]:
    shutil.copy(migrated, tmp_path / "paperround.db")
    engine = open_database(f"sqlite:///{tmp_path / 'paperround.db'}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def real() -> Path:
    """Real pages and records: third-party data that is not part of the project."""
    if not REAL.is_dir():
        pytest.skip("the real pages (../shared/real) are not at hand")
    return REAL
