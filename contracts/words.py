"""A code and its facts as a sentence, in Vietnamese or English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from contracts import certificate_words, life_words, negotiation_words, paper_words, sentences
from contracts.errors import Fact
from contracts.sentences import FIELDS
from contracts.spelling import LANGUAGES
from contracts.terms import VIETNAM

NAMES = {**sentences.NAMES, **life_words.NAMES}
SENTENCES = {
    **sentences.SENTENCES,
    **negotiation_words.SENTENCES,
    **certificate_words.SENTENCES,
    **paper_words.SENTENCES,
    **life_words.SENTENCES,
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")  # RFC 3339, whole seconds
_UNKNOWN = ("Bị từ chối, mã {code}.", "Refused, code {code}.")


def say(code: str, facts: Mapping[str, Fact], lang: str) -> str:
    """The sentence for a code. A fact that is missing or empty shows as a dash; an unknown code still shows itself."""
    column = LANGUAGES.index(lang)
    told = _Facts({name: _plain(value, column) for name, value in facts.items()})
    if (field := facts.get("field")) in FIELDS:
        told["field"] = FIELDS[str(field)][column]
    told["code"] = code
    return SENTENCES.get(code, _UNKNOWN)[column].format_map(told)


class _Facts(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "—"


def _plain(value: Fact, column: int) -> str:
    if isinstance(value, bool):
        return (("không", "có"), ("no", "yes"))[column][value]
    if value is None or value == "":
        return "—"
    if _MOMENT.fullmatch(str(value)):
        return datetime.fromisoformat(str(value)).astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M (GMT+7)")
    return ", ".join(NAMES[part][column] if part in NAMES else part for part in str(value).split(", "))
