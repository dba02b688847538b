"""What every test room keeps to, and how its refusals and digests are written elsewhere. Changes no row."""

import base64
import json
from dataclasses import replace
from typing import Any

from exchange.errors import N_, Refusal
from exchange.trials import rules as trial_rules
from sandbox import words
from sandbox.denials import Denied
from sandbox.ir import Dim
from sandbox.profiles import PILOT
from sandbox.query import Accepted
from sandbox.runner import Answer

ROOM_BASIS = N_("Decree 314/2026/NĐ-CP Art. 1 (X30)")  # data testing on the exchange, isolated, no extraction
SESSION_MINUTES = PILOT.session_minutes  # X30
UNSAID = "(that of the room)"  # a question that names no purpose is asked for the one its room is there for
PURPOSE = "evaluation"  # the one purpose of a test room: deciding whether to buy


def say_denied(denied: Denied, field: str | None = None) -> Refusal:
    """A refusal of gate or budget in our shape. One that names no basis of its own stands on that of test rooms; what a
    contract denies is said by the contract."""
    ours = not denied.basis and denied.code in words.known()
    return trial_rules.say_denied(replace(denied, basis=ROOM_BASIS) if ours else denied, field)


def kept(accepted: Accepted, answer: Answer) -> dict[str, Any]:
    """An answer as a run keeps it; decimals and days as text, exactly. `kinds`: of each column ``number``, the period
    of a time, or ``key``."""
    items = [each.item for each in accepted.question.outputs]
    kinds = [(item.grain or "key") if isinstance(item, Dim) else "number" for item in items]
    found = {"columns": list(answer.columns), "kinds": kinds, "rows": json.loads(json.dumps(answer.rows, default=str)),
             "suppressed": answer.suppressed, "truncated": answer.truncated}  # fmt: skip
    if answer.half_widths:
        found["half_widths"] = [None if each is None else str(each) for each in answer.half_widths]
    return found


def status_of(code: str) -> int:
    """The HTTP status of a refusal: 403 for what the trial forbids, 409 for circumstances, 422 for the text."""
    if code.startswith(("TRIAL_", "OUT_OF_", "TEST_ROOM_", "NO_")) or code not in words.known():
        return 403
    return 409 if code[0] in "XBE" else 422


def leaf_digest(name: str) -> str:
    """``sha256:<hex>`` as the log writes a digest: ``sha-256:<base64url>``."""
    raw = bytes.fromhex(name.removeprefix("sha256:"))
    return "sha-256:" + base64.urlsafe_b64encode(raw).decode().rstrip("=")
