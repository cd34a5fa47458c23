"""Pages in the source's forms, composed from records: what the test server answers with, and what the parsers are tried on."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

PUBLISHER = {"_id": "5f0", "avatarUrl": "/avatars/0.svg", "isPro": False, "fullname": "AK", "user": "akhaliq", "type": "user"}

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" role="img" width="1em" height="1em" viewBox="0 0 12 12">'
    '<path fill="currentColor" d="M5.19 2.67a.94.94 0 0 1 1.62 0l3.31 5.72a.94.94 0 0 1-.82 1.4H2.7"></path></svg>'
)
# Names of styles make up most of a real card's bytes.
_STYLE = (
    "relative flex min-w-0 max-w-full cursor-pointer select-none flex-col items-center justify-center overflow-hidden rounded-xl "
    "border border-gray-200/70 bg-white px-2 py-0.5 text-xs leading-none text-gray-700 shadow-sm hover:border-gray-300 "
    "hover:bg-gray-100 dark:border-gray-700/20 dark:bg-gray-900/30 dark:text-gray-400 dark:hover:bg-gray-900/50 sm:text-sm "
    "md:h-64 lg:sticky lg:top-8 2xl:text-[1.2rem]/6"
)


def list_page(
    records: Sequence[Any],
    on: date,
    *,
    year: int = 2026,
    period: str = "day",
    query: str | None = None,
    is_trending: bool = False,
    has_payload: bool = True,
    has_cards: bool = True,
) -> bytes:
    """A list page as the source made it in 2024 or makes it since 2026: elements around, the payload, a card a paper."""
    keys = _keys_of_2024(on) if year == 2024 else _keys_of_2026(on, period, query, is_trending)
    payload = {"canSubmit": False, "dailyPapers": [] if query else list(records), **keys, "publisher": PUBLISHER}
    if query:
        payload["searchResults"] = list(records)
    header = f'<time datetime="{on}T00:00:00.000Z"><span>{on}</span></time>' if year == 2024 else "<!--[--><!---->"
    cards = "<!---->".join(map(card, records)) if has_cards else ""
    grid = f'<section class="container"><div class="grid grid-cols-1">{cards}</div></section>'
    inner = _element("DailyPapers", payload, header + grid) if has_payload else header + grid
    banner = _element("DailyPapersBannerSubscribe", {"isLoggedIn": False}, "<p>Get trending papers in your email inbox!</p>")
    return _document(_canonical(on, year, period, is_trending), _element("MainHeader", {"isWide": False}) + banner + inner)


def paper_page(item: dict[str, Any]) -> bytes:
    """The page of one paper."""
    inner = _element("UpvoteControl", {"upvotes": item["paper"].get("upvotes", 0)})
    return _document("", _element("PaperContent", {"paper": item["paper"]}, f"<h1>Paper</h1>{inner}"))


def card(item: dict[str, Any]) -> str:
    """As in a daily list: no abstract, no names beyond five, no link to arXiv or to code."""
    paper = item["paper"]
    link = f"/papers/{paper['id']}"
    organization = item.get("organization") or paper.get("organization")
    names = [author["name"] for author in paper.get("authors", []) if not author.get("hidden")]
    below = _organization(organization) if organization else _authors(link, names)
    comments = f'<a class="flex" href="{link}#community">{_ICON}<!----> {item.get("numComments", 0)}</a>'
    title = html.escape(str(item.get("title") or paper.get("title")))
    return (
        f'<article class="{_STYLE}"><a class="{_STYLE}" href="{link}">'
        f'<img loading="lazy" src="https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{paper["id"]}.png"></a><!---->'
        f'<div class="{_STYLE}">Submitted by <div class="{_STYLE}"><img alt="" src="/avatars/a.svg"><!----></div> somebody</div>'
        f'<div class="flex"><a class="{_STYLE}" href="/login?next=%2Fpapers%2F{paper["id"]}"><div role="checkbox">'
        f'<input type="checkbox" disabled=""> {_ICON}<!----> <div class="{_STYLE}">{paper.get("upvotes", 0)}</div></div></a>'
        f'<div class="{_STYLE}"><h3 class="{_STYLE}"><a class="line-clamp-3" href="{link}">{title}</a></h3>'
        f'<div class="flex">{below}<!----><div class="flex">{comments}</div></div></div></div></article>'
    )


def _organization(organization: dict[str, Any]) -> str:
    name, fullname = html.escape(organization["name"]), html.escape(organization.get("fullname") or organization["name"])
    return f'<a href="/{name}" class="{_STYLE}"><img src="/avatars/o.png" alt="{name}"><span>{fullname}</span></a>'


def _authors(link: str, names: Sequence[str]) -> str:
    circles = "".join(f'<li class="{_STYLE}" title="{html.escape(name)}"><!----></li>' for name in names[:5])
    word = "author" if len(names) == 1 else "authors"
    many = f'<li><div class="flex"><div class="mx-1">·</div> {len(names)} {word}</div><!----></li>'
    return f'<a class="flex" href="{link}"><ul class="flex">{circles}<!---->{many}</ul></a>'


def _keys_of_2024(on: date) -> dict[str, Any]:
    days = {"prevDate": f"{on - timedelta(days=1)}", "nextDate": f"{on + timedelta(days=1)}"}
    return {"date": f"{on}T00:00:00.000Z", **days}


def _keys_of_2026(on: date, period: str, query: str | None, is_trending: bool) -> dict[str, Any]:
    asked = {"q": query} if query else {}
    days = {"dateString": f"{on}", "prevDate": f"{on - timedelta(days=1)}"}
    return {**days, "periodType": period, "query": asked, "isTrending": is_trending}


def _canonical(on: date, year: int, period: str, is_trending: bool) -> str:
    if year == 2024:
        return ""
    week = on.isocalendar()
    place = {"day": f"date/{on}", "week": f"week/{week.year}-W{week.week:02d}", "month": f"month/{on:%Y-%m}"}[period]
    return f'<link rel="canonical" href="https://huggingface.co/papers/{"trending" if is_trending else place}">'


def _element(target: str, props: Any, inner: str = "") -> str:
    told = html.escape(json.dumps(props, ensure_ascii=False), quote=True)
    return f'<div class="SVELTE_HYDRATER contents" data-target="{target}" data-props="{told}">{inner}</div>'


def _document(head: str, main: str) -> bytes:
    start = f'<!doctype html><html class=""><head><meta charset="utf-8">{head}<title>Daily Papers</title></head>'
    return f'{start}<body><main class="flex flex-1 flex-col">{main}</main></body></html>'.encode()
