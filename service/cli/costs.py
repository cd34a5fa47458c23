"""`costs` and `summarize-again`: what the language model takes, and asking it anew. Touches the database and the network."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from service import connections
from service.cli.output import Json, database, day, now, say, say_json, say_table, tell
from service.errors import WrongUse
from service.models import Spending
from service.pipeline.summaries import summarize_again as write_again
from service.store.costs import spending_since
from service.store.database import reading

_DAYS = 30


def costs(as_json: Json = False) -> None:
    """What the language model cost, day by day, over the last 30 days."""
    today = now().date()
    with database() as (settings, engine), reading(engine) as session:
        rows = spending_since(session, today - timedelta(days=_DAYS - 1))
    if as_json:
        say_json({"daily_cap": settings.model_daily_cap, "days": [_day_json(row) for row in rows]})
        return
    if not rows:
        say("No language model was asked in the last 30 days.")
        return
    titles = ("day", "model", "asked", "kept answers", "tokens in", "tokens out", "dollars")
    say_table([titles, *(tuple(_day_json(row).values()) for row in rows)])
    total = sum(row.microdollars for row in rows) / 1e6
    today_spent = sum(row.microdollars for row in rows if row.spent_on == today) / 1e6
    say(f"${total:.4f} in {_DAYS} days; today ${today_spent:.4f} of ${settings.model_daily_cap:g}, the cap a day.")


def _day_json(row: Spending) -> dict[str, Any]:
    return {
        "day": row.spent_on.isoformat(),
        "model": row.model,
        "calls": row.calls,
        "cached_calls": row.cached_calls,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "dollars": f"{row.microdollars / 1e6:.6f}",
    }


def summarize_again(
    since: Annotated[str, typer.Option(metavar="DATE", help="Papers featured on that day or later.")],
    as_json: Json = False,
) -> None:
    """Ask the language model anew for papers that another model or another prompt summarised.

    It costs what `fetch` costs for as many new papers, and keeps to the same cap a day.
    """
    first = day(since)
    with database() as (settings, engine), connections.language_model(settings) as model:
        if model is None or first is None:
            raise WrongUse("no language model is set: give OPENAI_API_KEY in the environment or in .env")
        written = write_again(engine, model, first, now())
    for paper_id, reason in written.errors.items():
        tell(f"warning: {paper_id}: a model's summary was not taken: {reason}")
    if as_json:
        say_json(written._asdict())
    else:
        say(f"Summaries written: {written.summaries['model']} by a model, {written.summaries['authors']} by the authors")
    if written.errors:
        raise typer.Exit(1)
