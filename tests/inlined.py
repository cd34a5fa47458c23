"""The templates of mails with their styles inlined, as they lie in templates/mail/inlined.

Mail programs know no <style>. A template is inlined when it is changed, by `make inlined`, not in the service: premailer and
what it loads take as much memory as all of a wave of mails. Jinja's tags are hidden from it behind words and comments.
"""

from __future__ import annotations

import logging
import re

import premailer

from service.render.templates import MAIL, inlined_style, kept_style

_JINJA_TAG = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
NAMES = sorted(path.name for path in MAIL.glob("*.html"))


def inlined(name: str) -> str:
    """The template with its styles inlined, and a line that says where it is from."""
    source = (MAIL / name).read_text("utf-8").replace("{{ style }}", kept_style())
    tags: list[str] = []

    def hide(tag: re.Match[str]) -> str:
        tags.append(tag.group())
        word = f"jinja{len(tags) - 1}tag"
        return f"<!--{word}-->" if tag.group().startswith("{%") and _is_between_elements(source, tag.start()) else word

    html = premailer.transform(
        _JINJA_TAG.sub(hide, source),
        css_text=[inlined_style()],
        allow_network=False,
        strip_important=False,
        keep_style_tags=True,
        remove_classes=False,
        disable_validation=True,
        cssutils_logging_level=logging.CRITICAL,
        pretty_print=False,
    )
    shown = re.sub(r"<!--jinja(\d+)tag-->|jinja(\d+)tag", lambda word: tags[int(word.group(1) or word.group(2))], html)
    return f"{{# Made from ../{name} and its styles by `make inlined`: change those. #}}\n{shown}"


def _is_between_elements(source: str, place: int) -> bool:
    return source.rfind("<", 0, place) <= source.rfind(">", 0, place)


if __name__ == "__main__":
    for name in NAMES:
        (MAIL / "inlined" / name).write_text(inlined(name), "utf-8")
