"""Differential privacy"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import wire
from sandbox.post import Row


@dataclass(frozen=True)
class Released:
    """The table behind an answer, before HAVING, ORDER BY and LIMIT: `Question.keys`, then `Question.aggs`.

    What is in it may be shown. Kept beside its statistic, it answers every spelling of it with the same numbers.
    `suppressed`: groups under the floor were left out. The rest says which copy was asked, and how confined.
    """

    rows: tuple[Row, ...]
    suppressed: bool
    snapshot_sha256: str
    tier: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, numbers exact: decimals and days are marked."""
        rows: list[list[Any]] = json.loads(json.dumps(self.rows, default=wire.tagged))
        return {"rows": rows, "suppressed": self.suppressed, "snapshot": self.snapshot_sha256, "tier": self.tier}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Released":
        """What `to_json` wrote."""
        rows = json.loads(json.dumps(kept["rows"]), object_hook=wire.untagged)
        copy, tier = str(kept["snapshot"]), int(kept["tier"])
        return cls(tuple(tuple(row) for row in rows), bool(kept["suppressed"]), copy, tier)
