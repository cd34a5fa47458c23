"""Who may import whom: nouns <- stages and outward doors <- settings, connections <- pipeline <- inward doors."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

SERVICE = Path(__file__).parents[1] / "service"

# Lower may not import higher; the first matching prefix counts.
LAYERS = {
    "service.errors": 0,
    "service.models": 0,
    "service.portions": 0,
    "service.words": 0,
    "service.template_files": 0,
    "service.shipped": 0,
    "service.acronyms": 1,
    "service.filters": 1,
    "service.frequencies": 1,
    "service.limits": 1,
    "service.subscribers": 1,
    "service.catalogue": 2,
    "service.csv_lists": 2,
    "service.replies": 2,
    "service.sources": 3,
    "service.summarize": 3,
    "service.tag": 3,
    "service.match": 3,
    "service.compose": 3,
    "service.render": 3,
    "service.cadence": 3,
    "service.drift": 3,
    "service.links": 3,
    "service.fetch": 3,
    "service.language_model": 3,
    "service.delivery": 3,
    "service.store": 3,
    "service.settings": 4,
    "service.connections": 5,
    "service.pipeline": 6,
    "service.scheduler": 7,
    "service.web": 7,
    "service.cli": 8,
    "service.start": 9,
}
PURE = (
    "acronyms",
    "sources",
    "drift",
    "summarize",
    "tag",
    "match",
    "compose",
    "render",
    "cadence",
    "links",
    "limits",
    "portions",
    "replies",
    "words",
    "filters",
    "frequencies",
    "catalogue",
    "subscribers",
    "csv_lists",
)
IMPURE_IMPORTS = {"httpx", "socket", "smtplib", "sqlalchemy", "sqlmodel", "random", "secrets", "os", "sys", "time", "subprocess"}


def modules() -> list[Path]:
    return [path for path in sorted(SERVICE.rglob("*.py")) if "migrations" not in path.parts]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(SERVICE.parent).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" if node.module == "service" else node.module for alias in node.names}
    return found


def subject_of(module: str) -> str:
    return next((prefix for prefix in LAYERS if module == prefix or module.startswith(prefix + ".")), module)


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_imports_only_lower_layers_and_its_own_subject(path: Path) -> None:
    own = subject_of(name_of(path))
    for module in imports_of(path):
        if not module.startswith("service.") or subject_of(module) == own:
            continue
        assert LAYERS[subject_of(module)] < LAYERS[own], f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_every_module_has_a_layer_and_says_what_it_touches(path: Path) -> None:
    assert path == SERVICE / "__init__.py" or subject_of(name_of(path)) in LAYERS
    if path.name != "__init__.py":
        first = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n\n")[0]
        assert "ouches" in first or "Pure" in first, f"{name_of(path)} does not say what it touches"


@pytest.mark.parametrize("path", [p for p in modules() if subject_of(name_of(p)).removeprefix("service.") in PURE], ids=name_of)
def test_a_pure_stage_imports_nothing_that_touches_the_world(path: Path) -> None:
    assert not {module.split(".")[0] for module in imports_of(path)} & IMPURE_IMPORTS


@pytest.mark.parametrize("package", ["httpx", "openai"])
def test_one_module_only_knows_an_outside_package(package: str) -> None:
    users = [name_of(path) for path in modules() if any(m == package or m.startswith(package + ".") for m in imports_of(path))]
    assert len(users) == 1, users


def test_a_pure_stage_never_asks_the_clock() -> None:
    for path in modules():
        if subject_of(name_of(path)).removeprefix("service.") in PURE:
            assert not {".now(", ".today(", ".utcnow("} & set(re.findall(r"\.\w+\(", path.read_text("utf-8"))), name_of(path)


def test_the_map_in_the_readme_has_every_part_of_the_service() -> None:
    found = (SERVICE.parent / "README.md").read_text("utf-8").partition("## How it is built")[2].partition("`tests/test_arch")[0]
    parts = [part for part in SERVICE.iterdir() if part.name not in ("__init__.py", "__pycache__")]
    names = {f"{part.name}/" if part.is_dir() else part.name for part in parts}
    assert {name for name in names if f"/{name}" not in found and f"`{name}" not in found} == set()


def test_no_lock_file_holds_an_address() -> None:
    for lock in ("requirements.lock", "tests/tools/package-lock.json"):
        assert "://" not in (SERVICE.parent / lock).read_text("utf-8")


def test_only_the_store_opens_sessions_and_writes_sql() -> None:
    for path in modules():
        if "service.store" not in name_of(path):
            assert not {"alembic", "sqlalchemy.sql"} & imports_of(path)
            assert "select(" not in path.read_text("utf-8"), name_of(path)
