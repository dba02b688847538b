"""What the pages say in Vietnamese, looked up by the English sentence: a better wording breaks no test."""

from functools import cache

from babel.support import NullTranslations

from exchange.i18n import load


@cache
def _catalogue() -> NullTranslations:
    return load("vi")


def vi(sentence: str) -> str:
    """The Vietnamese of a sentence up to its first fact; fails when there is none."""
    found = str(_catalogue().gettext(sentence))
    assert found != sentence, f"{sentence!r} has no Vietnamese"
    return found.partition("%(")[0].strip()
