"""Two languages, complete: English sentences stand in the code, Vietnamese ones in ``translations/vi/*.po``.

The .po files are read as text at start, one per noun, so that there is no compiled file to forget.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import cache, cached_property
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, request, session
from flask_babel import Babel, Domain, format_datetime, format_decimal, format_timedelta, get_locale, gettext

from exchange.clock import VIETNAM

LANGUAGES = ("vi", "en")
FOLDER = Path(__file__).parent / "translations"


@cache
def load(language: str) -> NullTranslations:
    """Every ``translations/<language>/*.po`` as one catalogue; English has none, its msgids are the sentences."""
    merged: Translations | None = None
    for path in sorted((FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        part = Translations(compiled)
        merged = part if merged is None else merged.add(part)
    return merged or NullTranslations()


class PoDomain(Domain):
    """A Flask-Babel domain that takes its sentences from :func:`load`."""

    def get_translations(self) -> NullTranslations:
        """The catalogue for this request's language."""
        return load(str(get_locale() or "en").split("_")[0])


class PoBabel(Babel):
    """Flask-Babel with our domain as the default one."""

    @cached_property
    def domain_instance(self) -> PoDomain:
        """Used wherever no other domain is named."""
        return PoDomain()


def choose_language() -> str:
    """``?lang=`` now, else what the person chose before, else what the browser asks for, else Vietnamese."""
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        if not request.path.startswith("/api/"):
            session["lang"] = asked
        return asked
    chosen = session.get("lang") if not request.path.startswith("/api/") else None
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES) or "vi"


def language() -> str:
    """The reader's language, "vi" or "en", for the two-language texts of contracts and sandbox."""
    if "language" not in g:
        g.language = choose_language()
    return str(g.language)


def when(moment: datetime | None) -> str:
    """A moment as the reader expects it: ``21/11/2026 14:05 (GMT+7)``."""
    if moment is None:
        return "—"
    return moment.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M (GMT+7)")


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in words: ``5 phút trước``. A moment that another's clock puts into the future is now."""
    return str(format_timedelta(min(moment, now) - now, granularity="minute", add_direction=True))


def day(value: date | datetime | None) -> str:
    """A calendar day in Viet Nam: ``21/11/2026``."""
    if value is None:
        return "—"
    local = value.astimezone(VIETNAM).date() if isinstance(value, datetime) else value
    return local.strftime("%d/%m/%Y")


def dong(amount: int | None) -> str:
    """Đồng, grouped for the reader: ``12.500.000 ₫``; nothing to pay reads as a word."""
    if amount is None:
        return "—"
    return gettext("Free") if amount == 0 else f"{number(amount)} ₫"


def number(value: int | float | Decimal) -> str:
    """A number grouped for the reader's language."""
    return str(format_decimal(value))


def places(codes: Iterable[str]) -> str:
    """Territory codes (ISO 3166) as names: ``VN`` is ``Việt Nam``; a code without a name of ours stays."""
    names = {"VN": gettext("Viet Nam"), "VN-SG": gettext("Ho Chi Minh City")}
    return ", ".join(names.get(code, code) for code in codes)


def size(count: int) -> str:
    """Bytes for people: ``28,4 MB`` (decimal units, as disks are sold)."""
    amount: float = count
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{number(round(amount, 1) if amount < 100 else round(amount))} {unit}"


def init_app(app: Flask) -> None:
    """Wire Babel, the filters and the language into ``app``."""
    PoBabel(app, default_locale="vi", default_timezone="Asia/Ho_Chi_Minh", locale_selector=language)
    app.jinja_env.filters.update(when=when, ago=ago, day=day, dong=dong, number=number, places=places, size=size)
    app.jinja_env.globals.update(language=language, format_datetime=format_datetime)
