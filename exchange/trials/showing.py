"""An answer as pages show it: cells for people, a chart where one key and one number make one."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pygal
from flask_babel import gettext as _
from pygal.style import Style

from exchange.i18n import day, number
from exchange.trials.models import QueryRun
from sandbox.policy import GRAINS, Policy, Role

BARS = 40  # more rows than this are a table, not a picture
# One colour that stands out from light and dark paper alike (contrast above 3 to both); no background of its own.
STYLE = Style(
    background="transparent", plot_background="transparent", foreground="#6f7782", foreground_strong="#6f7782",
    foreground_subtle="#9aa1ab", opacity="1", opacity_hover="1", colors=("#2e8a6e",), font_family="sans-serif",
    label_font_size=13, major_label_font_size=13, value_font_size=12,
)  # fmt: skip


def cell(value: Any, kind: str) -> str:
    """One cell in the reader's language. Numbers come as integers, or as the exact text of a decimal."""
    if value is None:
        return "—"
    if kind == "number":
        return number(Decimal(str(value)))
    if kind in GRAINS:
        return period(date.fromisoformat(str(value)), kind)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return str(value)


def period(first: date, grain: str) -> str:
    """The period that begins on ``first``: ``2025``, ``Q1/2025``, ``03/2025`` or a day."""
    if grain == "year":
        return str(first.year)
    if grain == "quarter":
        return f"Q{(first.month + 2) // 3}/{first.year}"
    return f"{first.month:02d}/{first.year}" if grain == "month" else day(first)


def table(run: QueryRun) -> dict[str, Any] | None:
    """Columns, kinds and shown cells of an answer that is still remembered."""
    answer = run.answer
    if answer is None:
        return None
    rows = [[cell(value, kind) for value, kind in zip(row, answer["kinds"], strict=True)] for row in answer["rows"]]
    widths = [None if each is None else number(Decimal(each)) for each in answer.get("half_widths", ())]
    return {"columns": answer["columns"], "kinds": answer["kinds"], "rows": rows, "chart": charted(answer),
            "half_widths": widths}  # fmt: skip


def charted(answer: dict[str, Any]) -> bool:
    """Whether a picture says something: one key, one number, a few rows."""
    kinds = answer["kinds"]
    return len(kinds) == 2 and kinds.count("number") == 1 and 1 < len(answer["rows"]) <= BARS


def chart(answer: dict[str, Any]) -> bytes:
    """The picture as SVG without scripts: a line over time, else bars, the longest on top as in the table."""
    at = answer["kinds"].index("number")
    kind = answer["kinds"][1 - at]
    rows = answer["rows"]
    over_time = kind in GRAINS
    height = 340 if over_time else 60 + 26 * len(rows)
    make = pygal.Line if over_time else pygal.HorizontalBar
    picture = make(
        style=STYLE, js=[], width=760, height=height, explicit_size=True, show_legend=False, show_dots=True,
        disable_xml_declaration=True, no_data_text="—", x_label_rotation=30 if over_time else 0, margin=10,
        value_formatter=lambda value: "—" if value is None else number(value), truncate_label=24,
    )  # fmt: skip
    ordered = sorted(rows, key=lambda row: str(row[1 - at])) if over_time else list(reversed(rows))
    picture.x_labels = [cell(row[1 - at], kind) for row in ordered]
    picture.add(answer["columns"][at], [None if row[at] is None else float(row[at]) for row in ordered])
    drawn = picture.render()
    text = drawn.decode() if isinstance(drawn, bytes) else str(drawn)
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL).encode()


def columns(policy: Policy) -> list[dict[str, Any]]:
    """Every column with what it may be used for, in words."""
    return [
        {"name": each.name, "source": each.source, "role": each.role.value, "uses": _uses(policy, each.name)}
        for each in policy.columns.values()
    ]


def _uses(policy: Policy, name: str) -> str:
    column = policy.column(name)
    if column is None or column.role is Role.FORBIDDEN:
        return _("Not in the test room")
    if column.role is Role.UNIT:
        return _("Only counted: COUNT(DISTINCT %(name)s)", name=name)
    if column.role is Role.MEASURE:
        return _("Summed and averaged: SUM, AVG")
    if column.role is Role.TIME:
        return _("Grouped by period (%(grains)s) and filtered with >= and <", grains=", ".join(column.grain))
    return _("Grouped by, and filtered with = and IN")
