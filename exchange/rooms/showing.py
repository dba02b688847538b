"""An answer as pages show it: cells for people, a chart where one key and one number make one."""

import base64
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pygal
from flask_babel import gettext as _
from pygal.style import Style

from exchange.i18n import day, number
from exchange.rooms.service import Room
from sandbox.policy import GRAINS, Column, Domain, Mode, Policy, Role

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


def table(answer: dict[str, Any] | None) -> dict[str, Any] | None:
    """Columns, kinds and shown cells of an answer that is still remembered, with what it says in a sentence."""
    if answer is None:
        return None
    rows = [[cell(value, kind) for value, kind in zip(row, answer["kinds"], strict=True)] for row in answer["rows"]]
    off = zip(answer["columns"], answer.get("half_widths") or (), strict=False)
    return {
        "columns": answer["columns"], "kinds": answer["kinds"], "rows": rows, "chart": charted(answer),
        "summary": summary(answer), "suppressed": answer["suppressed"], "truncated": answer["truncated"],
        "errors": [(column, number(Decimal(str(most)))) for column, most in off if most is not None],
    }  # fmt: skip


def summary(answer: dict[str, Any]) -> str | None:
    """For whoever does not see the picture: the largest and the smallest of what it shows."""
    if not charted(answer):
        return None
    at = answer["kinds"].index("number")
    kind, name = answer["kinds"][1 - at], answer["columns"][at]
    rows = sorted((row for row in answer["rows"] if row[at] is not None), key=lambda row: Decimal(str(row[at])))
    if len(rows) < 2:
        return None
    low, high = rows[0], rows[-1]
    if rows[0][at] == rows[-1][at]:
        return _("“%(name)s” is %(value)s in each of %(count)s groups.", name=name, value=cell(high[at], "number"),
                 count=len(rows))  # fmt: skip
    return _(
        "“%(name)s” is largest for %(most)s (%(high)s) and smallest for %(least)s (%(low)s).",
        name=name, most=cell(high[1 - at], kind), high=cell(high[at], "number"),
        least=cell(low[1 - at], kind), low=cell(low[at], "number"),
    )  # fmt: skip


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


def picture(answer: dict[str, Any] | None) -> str | None:
    """The chart of an answer that is kept nowhere, as the address of an image that carries it."""
    if answer is None or not charted(answer):
        return None
    return "data:image/svg+xml;base64," + base64.b64encode(chart(answer)).decode()


def left(room: Room, now: datetime) -> dict[str, Any]:
    """What may still be spent in a room: questions, privacy where there is noise, seconds."""
    entry, noisy = room.budget, room.policy.mode is Mode.AGGREGATE_DP
    return {
        "questions": {"spent": entry.spent, "total": entry.cap},
        "privacy": {"spent": entry.epsilon_spent / 1e6, "total": entry.epsilon_cap / 1e6} if noisy else None,
        "seconds": max(0, int((room.row.closes_at - now).total_seconds())) if room.open_at(now) else 0,
    }


def columns(policy: Policy) -> list[dict[str, Any]]:
    """Every column with what it may be used for, in words, and pieces of a question about it."""
    return [
        {
            "name": each.name, "source": each.source, "role": each.role.value, "uses": _uses(each),
            "inserts": _inserts(each), "domain": [_literal(value) for value in _values(each)],
        }
        for each in policy.columns.values()
    ]  # fmt: skip


def _uses(column: Column) -> str:
    if column.role is Role.FORBIDDEN:
        return _("Not in the test room")
    if column.role is Role.UNIT:
        return _("Only counted: COUNT(DISTINCT %(name)s)", name=column.name)
    if column.role is Role.MEASURE:
        return _("Summed and averaged: SUM, AVG")
    if column.role is Role.TIME:
        if not column.filters:
            return _("Grouped by period (%(grains)s)", grains=", ".join(column.grain))
        return _("Grouped by period (%(grains)s) and filtered with >= and <", grains=", ".join(column.grain))
    return _("Grouped by, and filtered with = and IN") if column.filters else _("Grouped by")


def _inserts(column: Column) -> list[str]:
    if column.role is Role.MEASURE:
        return [f"{function}({column.name})" for function in ("SUM", "AVG") if function in column.aggregates]
    if column.role is Role.TIME:
        return [f"date_trunc('{column.grain[0]}', {column.name})", column.name] if column.grain else [column.name]
    if column.role is Role.UNIT:
        return [f"COUNT(DISTINCT {column.name})"]
    return [column.name] if column.role is Role.DIM else []


def _values(column: Column) -> Domain:
    """The public values of a dimension, where there are some."""
    return column.domain if column.role is Role.DIM and isinstance(column.domain, tuple) else ()


def _literal(value: str | int | bool) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value).upper()
