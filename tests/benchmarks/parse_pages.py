"""Parsing a composed page, whole way to its papers: `python -m tests.benchmarks.parse_pages`.

Bars: at most half the CPU of BeautifulSoup with html.parser finding the payload alone, growth in proportion to the page, a
payload of 13 MB read whole, and for hostile inputs of 16 MB at most 20 MB of memory and ten times the input.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from lxml import etree

from service.errors import PageChanged
from service.fetch import LARGEST_ANSWER
from service.sources import parse_page
from tests.benchmarks.machine import cpu_milliseconds, machine
from tests.builders import record
from tests.conftest import REAL
from tests.source_pages import list_page
from tests.sources.corpus import api_days
from tests.sources.mutations import HOSTILE

ON = date(2026, 10, 1)
MEMORY_BAR = 20 * 2**20, 10  # bytes, and times the input


def records(count: int) -> list[dict[str, Any]]:
    """Real ones where they are at hand; else written ones of the same weight."""
    if REAL.is_dir():
        found = [item for day, items in api_days(REAL) if day >= date(2026, 5, 1) for item in items]
    else:
        authors = [{"_id": "6" * 24, "name": f"Author {n}", "hidden": False, "status": "claimed_verified"} for n in range(80)]
        found = [record(f"2610.{n:05d}", f"Paper {n}", summary="We plan. " * 160, authors=authors) for n in range(1000)]
    return (found * (1 + count // len(found)))[:count]


def find_with_html_parser(page: bytes) -> None:
    payload(BeautifulSoup(page, "html.parser").select_one("[data-target=DailyPapers]"))


def find_with_lxml_soup(page: bytes) -> None:
    payload(BeautifulSoup(page, "lxml").select_one("[data-target=DailyPapers]"))


def find_with_lxml(page: bytes) -> None:
    payload(etree.fromstring(page, etree.HTMLParser(encoding="utf-8")).xpath("//*[@data-target='DailyPapers']")[0])


def payload(element: Any) -> None:
    assert len(str(element.get("data-props"))) > 1000


def speed() -> None:
    page = list_page(records(100), ON)
    print(f"\na page of 100 papers, {len(page) / 1e6:.2f} MB; CPU, median of 9")
    ours = cpu_milliseconds(lambda: parse_page(page))
    print(f"  {'parse_page, to the list of papers':<48}{ours:7.1f} ms")
    theirs = {}
    for name, find in (
        ("bs4 with html.parser, finding the payload alone", find_with_html_parser),
        ("bs4 with lxml, the same", find_with_lxml_soup),
        ("lxml, the same", find_with_lxml),
    ):
        theirs[name] = cpu_milliseconds(lambda find=find: find(page))
        print(f"  {name:<48}{theirs[name]:7.1f} ms")
    share = ours / theirs["bs4 with html.parser, finding the payload alone"]
    print(f"  share of bs4 with html.parser: {share:.2f} (bar 0.50): {'held' if share <= 0.5 else 'NOT HELD'}")


def growth() -> None:
    print("\ngrowth with the page; CPU for each MB should stay the same")
    for count in (25, 50, 100, 200, 400, 800):
        page = list_page(records(count), ON)
        taken = cpu_milliseconds(lambda page=page: parse_page(page), times=5)
        print(f"  {count:4d} papers {len(page) / 1e6:6.2f} MB {taken:8.1f} ms {taken / len(page) * 1e6:6.1f} ms/MB")


def large_payload() -> None:
    page = list_page([record(f"2610.{n:05d}", summary="A planner. " * 12_500) for n in range(100)], ON, has_cards=False)
    read = parse_page(page)
    told = f"{len(read.papers)} of 100 papers by the {read.form}, {len(read.doubts)} doubts"
    print(f"\na payload of {len(page) / 2**20:.1f} MB: {told}")


def memory() -> None:
    print(f"\nhostile inputs of {LARGEST_ANSWER // 2**20} MB, each in a process of its own")
    context = multiprocessing.get_context("spawn")
    for name in HOSTILE:
        with context.Pool(1) as pool:
            taken, grown, size = pool.apply(measured, (name,))
        bar = (MEMORY_BAR[0] + MEMORY_BAR[1] * size) / 2**20
        print(
            f"  {name:<30}{taken:6.2f} s  {grown / 2**20:5.0f} MB of {bar:.0f}: {'held' if grown / 2**20 <= bar else 'NOT HELD'}"
        )


def measured(name: str) -> tuple[float, int, int]:
    """CPU seconds, bytes that the process grew by at its peak, bytes of input."""
    content = HOSTILE[name](LARGEST_ANSWER - 1000)
    parse_page(json.dumps([record()]).encode())
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak (proc(5)); Linux only
    before = resident("VmRSS")
    begun = time.process_time()
    with suppress(PageChanged):
        parse_page(content)
    return time.process_time() - begun, resident("VmHWM") - before, len(content)


def resident(name: str) -> int:
    """Bytes of memory, now (VmRSS) or at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def main() -> None:
    print(machine())
    speed()
    growth()
    large_payload()
    memory()


if __name__ == "__main__":
    main()
