"""The languages that mails and pages speak: what we say, dates and lists. Touches the catalogues in templates/languages.

The English sentence is the key of its translation (gettext). A catalogue is a plain .po file, read when its language is
first used, so that nothing has to be compiled and no binary lies beside the text that people mend.
"""

from __future__ import annotations

import gettext
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from io import BytesIO

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from service.template_files import TEMPLATES


@dataclass(frozen=True, eq=False)
class Language:
    code: str
    locale: Locale
    catalogue: gettext.NullTranslations

    def say(self, sentence: str, /, **values: object) -> str:
        """The sentence in this language, with `%(name)s` filled in; as it is where the catalogue lacks it."""
        said = self.catalogue.gettext(sentence)
        return said % values if values else said

    def count(self, one: str, many: str, amount: int, /, **values: object) -> str:
        """The form for this amount, with `%(name)s` filled in."""
        return self.catalogue.ngettext(one, many, amount) % values

    @lru_cache(maxsize=1000)  # noqa: B019 - languages are few and stay
    def day(self, day: date) -> str:
        """`Friday 2 October 2026`."""
        return format_date(day, self.say("EEEE d MMMM y"), locale=self.locale)

    @lru_cache(maxsize=1000)  # noqa: B019 - languages are few and stay
    def short_day(self, day: date) -> str:
        """`2 Oct 2026`, with blanks that do not break."""
        return format_date(day, self.say("d MMM y"), locale=self.locale).replace(" ", "\u00a0")

    def weekday(self, day: date) -> str:
        return format_date(day, "EEEE", locale=self.locale)

    def weekday_initial(self, day: date) -> str:
        return format_date(day, "EEEEE", locale=self.locale)

    def city(self, zone: str) -> str | None:
        """`Wien` of Europe/Vienna; None where this language has no name of its own."""
        named: str | None = self.locale.time_zones.get(zone, {}).get("city")
        return named

    def listed(self, things: Sequence[str]) -> str:
        """`a, b and c`."""
        return self._list_of(len(things)).format(*things)

    @lru_cache(maxsize=100)  # noqa: B019 - languages are few and stay
    def _list_of(self, count: int) -> str:
        return format_list(["{}"] * count, locale=self.locale)

    @lru_cache(maxsize=1000)  # noqa: B019 - languages are few and stay
    def number(self, number: float) -> str:
        """With this language's marks and at most one decimal."""
        return format_decimal(number, "#,##0.#", locale=self.locale)

    def score(self, score: float) -> str:
        """`0.50`, with this language's mark."""
        return format_decimal(score, "0.00", locale=self.locale)


@cache
def language(code: str) -> Language:
    """English for what has no catalogue."""
    path = TEMPLATES / "languages" / f"{code}.po"
    if code == "en" or not path.is_file():
        return Language("en", Locale("en", "GB"), gettext.NullTranslations())
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, code))
    compiled.seek(0)
    return Language(code, Locale(code), gettext.GNUTranslations(compiled))


ENGLISH = language("en")
