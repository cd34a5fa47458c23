"""`topics`: what subscribers can choose; change it, look back, measure it. Touches the database and files."""

from __future__ import annotations

import typer

from service.cli.listing import Listing
from service.cli.topics import catalogue, judge, versions

app = typer.Typer(cls=Listing, rich_markup_mode=None)
app.command("list")(catalogue.list_topics)
app.command("show")(catalogue.show_topic)
app.command("filter")(catalogue.show_or_set_filter)
app.command("import")(catalogue.import_topics)
app.command("export")(catalogue.export_topics)
app.command("versions")(versions.list_versions)
app.command("diff")(versions.diff)
app.command("rollback")(versions.rollback)
app.command("why")(judge.why)
app.command("test")(judge.try_filter)
app.command("score")(judge.score)
