"""Search results for programs and spreadsheets."""

import base64
import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from contracts.log import tree
from exchange.i18n import load
from exchange.ledger.disclosures import Shown
from exchange.ledger.service import Record
from exchange.oversight.words import EVENTS

_COLUMNS = (
    "index",
    "at",
    "event",
    "su_kien",
    "meaning",
    "actor",
    "actor_name",
    "subjects",
    "details",
    "event_id",
    "private",
)
_GONE = {"erased": "(đã xóa) (erased)", "unreadable": "(không đọc được) (unreadable)"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def moment(record: Record) -> datetime:
    """When the exchange says that it happened."""
    return datetime.fromtimestamp(record.leaf.at_ms / 1000, UTC)


def record_json(record: Record, names: Mapping[str, str], private: Mapping[str, list[Shown]]) -> dict[str, Any]:
    """One record as plain data, its very bytes included: their hash is the leaf of the tree. ``private`` has the values
    that it only commits to, each with its name or with why it is gone."""
    parsed, english = record.leaf, EVENTS[record.leaf.type]
    return {
        "index": record.index,
        "id": parsed.id,
        "event": parsed.type.value,
        "event_vi": load("vi").gettext(english),
        "event_en": english,
        "at": moment(record).isoformat(timespec="milliseconds"),
        "actor": parsed.actor,
        "actor_name": names.get(parsed.actor.removeprefix("org:")),
        "on": list(parsed.on),
        "prev": parsed.prev,
        "hashes": dict(parsed.h),
        "details": dict(parsed.d),
        "private": [asdict(each) for each in private.get(parsed.id, [])],
        "leaf": base64.b64encode(record.data).decode("ascii"),
        "leaf_hash": base64.b64encode(tree.leaf_hash(record.data)).decode("ascii"),
    }


def to_csv(records: Iterable[Record], names: Mapping[str, str], private: Mapping[str, list[Shown]]) -> str:
    """UTF-8 with a byte order mark, so that Excel reads the Vietnamese; no cell can act as a formula."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for record in records:
        data = record_json(record, names, private)
        details = "; ".join(f"{name}={value}" for name, value in data["details"].items())
        cells = [
            data["index"], data["at"], data["event"], data["event_vi"], data["event_en"], data["actor"],
            data["actor_name"] or "", " ".join(data["on"]), details, data["id"],
            "; ".join(_GONE.get(each.gone) or f"{each.name}={each.value}" for each in private.get(record.id, [])),
        ]  # fmt: skip
        writer.writerow([plain_cell(cell) for cell in cells])
    return out.getvalue()


def plain_cell(value: object) -> str:
    """The text, led by an apostrophe where a spreadsheet would take it for a formula (OWASP, CSV injection)."""
    text = str(value)
    return "'" + text if text.startswith(_FORMULA) else text
