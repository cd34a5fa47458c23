"""The templates of mails, each compiled once. Touches the template files, which count as code.

A mail's styles are inlined for programs that know no <style>; the same template shown in a browser keeps them in one
place, where a content security policy can name them by their hash. premailer inlines once a template, not once a mail:
Jinja's tags are hidden behind words and comments, the template is inlined, the tags are put back, the result is compiled.
"""

from __future__ import annotations

import logging
import re
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from service.render.words import unbroken, wrapped
from service.template_files import TEMPLATES

_JINJA_TAG = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "mail"),
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
    return _inlined_style() + _kept_style()


def _inlined_style() -> str:
    return (TEMPLATES / "mail" / "style.css").read_text("utf-8")


def _kept_style() -> str:
    """Narrow and dark screens: nothing that could be inlined. Gmail drops the whole of a long <style>."""
    return (TEMPLATES / "mail" / "media.css").read_text("utf-8")


@cache
def page_template(name: str) -> Template:
    """As a browser gets it."""
    return _environment().get_template(name)


@cache
def mail_template(name: str) -> Template:
    """As a mail program gets it: html has its styles inlined."""
    if not name.endswith(".html"):
        return page_template(name)
    environment = _environment()
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    code = environment.compile(_inlined(source.replace("{{ style }}", _kept_style())), name=name)
    return Template.from_code(environment, code, environment.make_globals(None))


def _inlined(source: str) -> str:
    """The template with its styles inlined."""
    import premailer  # with cssutils a tenth of a second to import, and 13 MB

    tags: list[str] = []

    def hide(tag: re.Match[str]) -> str:
        tags.append(tag.group())
        word = f"jinja{len(tags) - 1}tag"
        return f"<!--{word}-->" if tag.group().startswith("{%") and _is_between_elements(source, tag.start()) else word

    inlined = premailer.transform(
        _JINJA_TAG.sub(hide, source),
        css_text=[_inlined_style()],
        allow_network=False,
        strip_important=False,
        keep_style_tags=True,
        remove_classes=False,
        disable_validation=True,
        cssutils_logging_level=logging.CRITICAL,
        pretty_print=False,
    )
    return re.sub(r"<!--jinja(\d+)tag-->|jinja(\d+)tag", lambda word: tags[int(word.group(1) or word.group(2))], inlined)


def _is_between_elements(source: str, place: int) -> bool:
    return source.rfind("<", 0, place) <= source.rfind(">", 0, place)
