"""Questions on generated rows: the gate and the confined worker of a test room, the twin of sandbox.twin, no account.

Nothing is spent, recorded or learned: an answer depends on the policy and the question alone.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exchange import clock
from exchange.rooms import engine, policies, rules
from sandbox import query, twin
from sandbox.denials import Denied
from sandbox.policy import Policy

KEPT_SECONDS = 86_400  # a twin that nobody has asked for a day is made again when somebody does


@dataclass(frozen=True)
class Tried:
    """A question and what the twin answered: a refusal, or an answer as a run keeps it."""

    sql: str
    denied: Denied | None
    answer: dict[str, Any] | None
    receipt: dict[str, Any]


def ask(policy: Policy, document: dict[str, Any], sql: str) -> Tried:
    """One question to the twin of this policy."""
    accepted = query.check(sql, policy)
    if isinstance(accepted, Denied):
        return Tried(sql, accepted, None, {})
    seed = int(policies.recipe(document)[7:23], 16)
    path = _folder() / f"{policies.recipe(document)[7:]}.parquet"
    if not path.is_file():
        _sweep(path.parent)
        twin.write(policy, path, seed=seed)
    # The policy names the real copy; what stands here is another file on purpose. Nothing of it need be marked.
    free = replace(policy, snapshot_sha256="", output=replace(policy.output, watermark=False))
    outcome = engine.the_runner().run_accepted(free, path, accepted, room=f"twin:{path.stem}")
    if isinstance(outcome, Denied):
        return Tried(sql, outcome, None, {})
    return Tried(sql, None, rules.kept(accepted, outcome), dict(outcome.receipt))


def _folder() -> Path:
    return engine.copies().parent / "twins"


def _sweep(folder: Path) -> None:
    """Remove twins that have not been made anew for a day; a worker that has one open keeps it."""
    oldest = clock.now().timestamp() - KEPT_SECONDS
    for path in folder.glob("*.parquet"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
