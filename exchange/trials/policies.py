"""The policy of a test room, from what was measured about the file: a safe draft, read back strictly."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from exchange.catalogue.models import Asset, ListingVersion
from exchange.trials import rules
from exchange.trials.models import TestRoom
from sandbox.draft import ColumnProfile, draft
from sandbox.policy import Mode, Policy, Role
from sandbox.trial import ZONE

FLOOR = 10  # smallest group shown, unless the listing asks for a larger one
QUESTIONS = 100  # per buyer and dataset
ANSWER_BYTES = 65_536  # an answer is kept until the room closes, so it stays small
TABLE = "data"


@dataclass(frozen=True)
class Plan:
    """What opening a room needs and nobody holds a database connection for."""

    policy: dict[str, Any]  # without the digest of the copy
    recipe: str  # names the copy
    sources: Mapping[str, str]  # columns of the file that the copy needs, with their measured types
    file_key: str
    format: str


def plan(
    asset: Asset, version: ListingVersion, org_id: str, window: tuple[date, date], *, min_isolation_tier: int
) -> Plan:
    """The draft for this file and buyer. ``window`` is the trial's first and last day: the session is the room's.

    Columns in which personal data were found are never asked about, whatever the class of the listing says.
    """
    starts, ends = (datetime.combine(day, time(), ZONE) for day in (window[0], window[1] + timedelta(days=1)))
    floor = max(FLOOR, version.min_group or 0)
    document = draft(
        [_profile(column) for column in asset.columns],
        policy_id=f"{version.listing_id}.{version.number}",
        starts=starts,
        ends=ends,
        purposes=[rules.PURPOSE],
        table=TABLE,
        min_group=floor,
        queries=QUESTIONS,
        buyer=org_id,
    )
    personal = {str(hit["column"]) for hit in asset.personal_hits}
    for name, entry in document["columns"].items():
        if entry["source"] in personal:
            document["columns"][name] = {"role": Role.FORBIDDEN.value, "source": entry["source"]}
        elif entry["role"] == Role.DIM and entry["type"] == "text":
            entry["min_units_for_value"] = floor  # rarer values are shown together
    document["output"]["max_bytes"] = ANSWER_BYTES
    document["min_isolation_tier"] = min_isolation_tier
    Policy.from_json(document)
    used = [e["source"] for e in document["columns"].values() if e["role"] != Role.FORBIDDEN]
    types = {str(column["name"]): str(column["type"]) for column in asset.columns}
    return Plan(document, recipe(document), {name: types[name] for name in used}, asset.file_key, asset.format)


def recipe(document: Mapping[str, Any]) -> str:
    """A name for everything in the policy that shapes the copy: the same recipe over one file, the same copy."""
    parts = {"columns": document["columns"], "unit": document["dataset"]["unit_column"]}
    parts["rows"] = document["dataset"]["max_rows_per_unit"]
    if document["mode"] == Mode.AGGREGATE_DP:  # folds by the public lists, not by counts
        parts["mode"] = document["mode"]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def sealed(document: Mapping[str, Any], copy_id: str, sha256: str) -> dict[str, Any]:
    """The policy bound to the very bytes it may be used on."""
    return {**document, "dataset": {**document["dataset"], "snapshot_id": copy_id, "sha256": sha256}}


def of_room(room: TestRoom) -> Policy:
    """The room's policy, read strictly."""
    return Policy.from_json(room.policy)


def _profile(column: Mapping[str, Any]) -> ColumnProfile:
    return ColumnProfile(
        name=str(column["name"]),
        type=str(column["type"]),
        distinct=int(column.get("distinct") or 0),
        low=_number(column.get("min")),
        high=_number(column.get("max")),
    )


def _number(text: object) -> int | float | None:
    """A measured extreme; None for what is no finite number."""
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def columns_by_role(policy: Policy, role: Role) -> list[str]:
    """Names a query may write, in the order of the file."""
    return [column.name for column in policy.with_role(role)]
