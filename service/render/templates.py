"""The templates of mails, each compiled once. Touches the template files, which count as code.

A mail's styles are inlined for programs that know no <style>; the same template shown in a browser keeps them in one
place, where a content security policy can name them by their hash. Inlined ones lie beside the others: `make inlined`.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from service.render.words import unbroken, wrapped
from service.template_files import TEMPLATES

MAIL = TEMPLATES / "mail"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(MAIL),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["wrapped"] = wrapped
    environment.filters["unbroken"] = unbroken
    environment.globals["style"] = Markup(mail_style())  # noqa: S704
    return environment


@cache
def mail_style() -> str:
    """All that a browser needs: what a mail has inlined, and what it keeps."""
    return inlined_style() + kept_style()


def inlined_style() -> str:
    return (MAIL / "style.css").read_text("utf-8")


def kept_style() -> str:
    """Narrow and dark screens: nothing that could be inlined. Gmail drops the whole of a long <style>."""
    return (MAIL / "media.css").read_text("utf-8")


@cache
def page_template(name: str) -> Template:
    """As a browser gets it."""
    return _environment().get_template(name)


@cache
def mail_template(name: str) -> Template:
    """As a mail program gets it: html has its styles inlined."""
    return page_template(f"inlined/{name}" if name.endswith(".html") else name)
