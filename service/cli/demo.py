"""`demo`: the whole job in one folder, with no account, key or server. Touches that folder and, if it can, the network."""

from __future__ import annotations

from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from dotenv import dotenv_values
from sqlalchemy import Engine

from service import connections
from service.cli.fetch import gather_json, say_gathered
from service.cli.output import Json, counted, make_folder, now, progress, say, say_json, tell, write_file
from service.cli.sending import report_json
from service.delivery.outbox import Outbox
from service.errors import PaperroundError
from service.models import DeliveryState, Sender, new_key
from service.pipeline import send as pipeline
from service.pipeline.gather import GatherReport, gather_latest, gather_papers
from service.settings import Settings, load_settings
from service.store.database import reading, transaction
from service.store.papers import newest_featured_on
from service.store.subscribers import add_subscriber, all_subscribers
from service.subscribers import SubscriberSettings

_PEOPLE = (
    SubscriberSettings("ada@example.org", ("agents", "code"), "Europe/Berlin", 7),
    SubscriberSettings("ben@example.org", ("generation", "multimodal", "robotics"), "America/New_York", 8, "weekdays"),
    SubscriberSettings("chi@example.org", ("efficiency", "reasoning-rl"), "Asia/Tokyo", 9),
)


def demo(
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the demo keeps its database and outbox.")] = Path(
        "paperround-demo"
    ),
    as_json: Json = False,
) -> None:
    """Run the whole job once, on sample data.

    Papers, summaries, three subscribers, and a digest for each in an outbox folder.

    It reads the live page where it can be reached, else the sample page that ships with Paperround. It has a database of
    its own, uses no key, and never sends to a mail server. `paperround serve` in the demo's folder shows the pages that the
    links of the mails lead to.
    """
    make_folder(folder)
    quiet, sender = as_json, _sender(folder)
    _step(quiet, f"Database: {folder / 'paperround.db'}")
    outbox = folder / "outbox"
    with connections.database(f"sqlite:///{folder / 'paperround.db'}") as engine:
        _step(quiet, "\n1. Papers")
        gathered = _gather(engine, quiet)
        _step(quiet, "\n2. Subscribers")
        _add_people(engine, quiet)
        _step(quiet, "\n3. Digests")
        report = _send(engine, outbox, sender, _covered(engine))
    if as_json:
        say_json({**report_json(report), "fetched": gather_json(gathered), "outbox": outbox})
    else:
        _say_mails(report, outbox)
        say(f"Their links lead to pages while `paperround serve` runs in {folder}.")
    if report.unfinished:
        raise typer.Exit(1)


def _sender(folder: Path) -> Sender:
    """With the key that `serve` reads in this folder, so that the mails' links lead to its pages. The first demo makes it."""
    if not (folder / ".env").exists():
        write_file(folder / ".env", f"# For the links of the demo's mails.\nPAPERROUND_SECRET_KEY={new_key()}\n")
    key = dotenv_values(folder / ".env").get("PAPERROUND_SECRET_KEY") or new_key()
    return Sender("Paperround demo <demo@localhost>", "http://localhost:8000", (key,))


def _step(quiet: bool, text: str) -> None:
    if not quiet:
        say(text)


def _gather(engine: Engine, quiet: bool) -> GatherReport:
    """The live page, or in one clear line why not, and the sample page."""
    settings = load_settings(Settings)
    with connections.fetcher(settings, engine, attempts=1) as fetcher:
        report = gather_latest(engine, settings.source_url, fetcher.fetch, now=now())
    if any(page.form for page in report.pages):
        _say_gathered(report, quiet)
        return report
    reason = report.pages[0].error or f"{settings.source_url} has no papers"
    tell(f"{reason}. Reading the sample page that ships with Paperround instead.")
    sample = resources.files("service.shipped").joinpath("sample_page.html").read_bytes()
    report = gather_papers(engine, ["sample page"], lambda _: sample, now=now())
    _say_gathered(report, quiet)
    return report


def _say_gathered(report: GatherReport, quiet: bool) -> None:
    if not quiet:
        say_gathered(report)


def _add_people(engine: Engine, quiet: bool) -> None:
    with transaction(engine) as session:
        known = {person.email for person in all_subscribers(session)}
        for settings in _PEOPLE:
            if settings.email not in known:
                add_subscriber(session, settings, now())
            _step(
                quiet,
                f"{settings.email}: {', '.join(settings.topics)}; {settings.cadence} at {settings.hour:02d}:00, {settings.zone}",
            )


def _covered(engine: Engine) -> date:
    """The last day with papers whose list is whole; if there is none, the newest."""
    with reading(engine) as session:
        day = newest_featured_on(session, before=now().date()) or newest_featured_on(session)
    if day is None:
        raise PaperroundError("there are no papers to send: the page that was read holds none")
    return day


def _send(engine: Engine, outbox: Path, sender: Sender, on: date) -> pipeline.SendReport:
    people = pipeline.chosen_people(engine, [settings.email for settings in _PEOPLE], ())
    with progress("Sending") as show:
        return pipeline.send_now(
            engine, Outbox(outbox), sender, people, on=on, clock=now, stale_after=timedelta(days=1), progress=show
        )


def _say_mails(report: pipeline.SendReport, outbox: Path) -> None:
    for outcome in report.outcomes:
        say(f"{outcome.email}: {outcome.subject or outcome.reason}")
        if outcome.subject and outcome.reply:
            say(f"  {outcome.reply}\n  {Path(outcome.reply).with_suffix('.html')}")
    accepted = report.counts[DeliveryState.ACCEPTED]
    if accepted:
        say(f"\n{counted(accepted, 'mail')} in {outbox}. Open an .html file in a browser; the .eml beside it is the whole mail.")
        return
    say("\nNothing was sent: nobody gets a digest twice, or a paper twice. The mails from before:")
    for path in sorted(outbox.glob("*.html")):
        say(f"  {path}")
