"""Articles of law as people cite them: contracts/ names them in short, as ``X9, 314/2026/NĐ-CP 8.2c``."""

import re

from flask_babel import gettext as _

_SHORT = re.compile(
    r"(?:(?P<rule>\w+), )?(?P<number>\d+/\d{4}/(?:NĐ-CP|QH\d+)) "
    r"(?P<article>\d+)(?:\.(?P<clause>\d+)(?P<point>[a-zđ])?)?"
)


def in_words(basis: str) -> str:
    """A legal basis in the reader's language; what is not in the short form is a marked sentence."""
    found = _SHORT.fullmatch(basis)
    if found is None:
        return str(_(basis))
    parts = found.groupdict()
    if parts["point"]:
        where = _("Art. %(article)s.%(clause)s%(point)s", **parts)
    elif parts["clause"]:
        where = _("Art. %(article)s.%(clause)s", **parts)
    else:
        where = _("Art. %(article)s", **parts)
    act = _("Decree %(number)s", **parts) if "NĐ-CP" in parts["number"] else _("Law %(number)s", **parts)
    return f"{act}, {where}; {parts['rule']}" if parts["rule"] else f"{act}, {where}"
