"""The supervisor: gate, a confined worker, the clock; it returns an `Answer` or a `Denied`, never an engine's words.

A worker serves one room and one snapshot only (`pool`). It is killed when the wall clock runs out, when its room is
stopped, when it breaks the protocol, after any engine error and after a fixed number of questions.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox import emit, engines, post, privacy, query, receipt, watermark, wire
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.pool import Pool, StoppedError, Ticket, UnreadableError, Worker
from sandbox.post import Row
from sandbox.privacy import Released

SLACK_BYTES = 65_536
RUNTIME_CODES = frozenset({"E-TIME", "E-MEM", "E-ENGINE"})
# An answer is handed over at the next of these moments, so that its speed says nothing about the data.
TIME_BUCKETS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True)
class Answer:
    """What the buyer sees. `suppressed` is always said and never counted; the receipt names what was enforced."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    suppressed: bool
    truncated: bool
    elapsed_ms: int
    receipt: Mapping[str, Any]
    released: Released  # the table behind it: keep it, and every spelling of this statistic is answered from it
    half_widths: tuple[int | Decimal | None, ...] = ()  # in aggregate_dp, per column: the noise, 19 times in 20


class Runner:
    """A small warm pool of confined workers. Close it when done; it is its own context manager."""

    def __init__(
        self, max_workers: int = 2, time_buckets: Sequence[float] = TIME_BUCKETS, spark_above: int | None = None
    ) -> None:
        """A snapshot of more than `spark_above` bytes is answered by Spark; None: none is."""
        self.pool = Pool(max_workers, spark_above)
        self._buckets = tuple(time_buckets)

    def run(self, policy: Policy, snapshot: str | Path, sql: str) -> Answer | Denied:
        """Ask one question of one snapshot. Budgets and dates are the caller's business (`context.judge`)."""
        accepted = query.check(sql, policy)
        if isinstance(accepted, Denied):
            return accepted
        return self.run_accepted(policy, snapshot, accepted)

    def run_accepted(
        self,
        policy: Policy,
        snapshot: str | Path,
        accepted: query.Accepted,
        *,
        room: str | None = None,
        watch: Callable[[], bool] | None = None,
        mark: bytes | None = None,
    ) -> Answer | Denied:
        """The same for a question the gate has passed under this very policy.

        `room` is whose worker it runs in and what `stop` stops; by default all who share a policy share a room. While
        the question runs, `watch` is asked whether it still may, several times a second. `mark` is the buyer's key for
        policies that mark their answers (`watermark`); what is kept of a table is rounded and marked already.
        """
        if accepted.policy_hash != policy.hash:
            return Denied("X5")
        began = time.monotonic()
        with self.pool.admit(room or policy.hash, policy, watch) as ticket:
            if isinstance(ticket, Denied):
                return ticket
            outcome = self._with_worker(ticket, policy, str(Path(snapshot).resolve()), accepted)
        elapsed = self._pad(began)
        if isinstance(outcome, Denied):
            return outcome
        rounded = watermark.rounded(outcome.rows, accepted.question, policy, mark)
        return shape_released(policy, replace(outcome, rows=rounded), accepted, elapsed)

    def stop(self, room: str) -> int:
        """The kill switch: what runs or waits for this room ends now and gives nothing. Says how many workers ended."""
        return self.pool.stop(room)

    def close(self) -> None:
        """End all workers. A closed runner may be used again; it starts new ones."""
        self.pool.close()

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pad(self, began: float) -> int:
        elapsed = time.monotonic() - began
        bucket = next((each for each in self._buckets if each >= elapsed), None)
        if bucket is not None:
            time.sleep(bucket - elapsed)
            elapsed = bucket
        return round(elapsed * 1000)

    def _with_worker(self, ticket: Ticket, policy: Policy, path: str, accepted: query.Accepted) -> Denied | Released:
        try:
            worker = self.pool.lease(ticket, policy, path)
        except StoppedError:
            return Denied("E-STOPPED")
        except UnreadableError:
            return Denied("X6")
        except (OSError, wire.WireError):  # no memory for another process, no wall to put it behind
            return Denied("E-STOPPED" if ticket.stopped else "E-ENGINE")
        refused = _mismatch(worker, policy)
        if refused is not None:
            self.pool.end(worker)
            return refused
        # Starting a worker is not the buyer's time.
        deadline = time.monotonic() + policy.resources.wall_s
        try:
            reply = _exchange(worker, ticket, policy, accepted, deadline)
            outcome = _released(reply, policy, accepted, worker)
        except StoppedError:
            self.pool.end(worker)
            return Denied("E-STOPPED")
        except wire.WireError as error:
            self.pool.end(worker)
            return Denied("E-STOPPED" if ticket.stopped else "E-TIME" if error.late else "E-ENGINE")
        if isinstance(outcome, Denied) or ticket.stopped:
            self.pool.end(worker)
            return outcome if isinstance(outcome, Denied) else Denied("E-STOPPED")
        self.pool.give_back(worker)
        return outcome


def _mismatch(worker: Worker, policy: Policy) -> Denied | None:
    if worker.tier < policy.min_isolation_tier:
        return Denied("X7", {"tier": worker.tier, "needed": policy.min_isolation_tier})
    if policy.snapshot_sha256 and policy.snapshot_sha256 != worker.sha256:
        return Denied("X6")
    return None


def _exchange(
    worker: Worker, ticket: Ticket, policy: Policy, accepted: query.Accepted, deadline: float
) -> Mapping[str, object]:
    how = post.plan(accepted.question, policy)
    sql, exact_sql = accepted.sql, accepted.exact_sql
    if worker.engine == engines.SPARK:
        sql, exact_sql = emit.texts(accepted.question, policy, emit.SPARK)
    request = {"sql": sql, "exact_sql": exact_sql, "plan": how.to_json()}
    worker.served += 1
    # JSON of a row is longer than its text: names of tags, quotes, escapes.
    return worker.ask(request, 8 * post.TABLE_BYTES + SLACK_BYTES, deadline, ticket.pulse)


def shape_released(policy: Policy, released: Released, accepted: query.Accepted, elapsed_ms: int = 0) -> Answer:
    """One spelling of a statistic, cut out of its table: a fresh one, or one that was kept."""
    question = accepted.question
    if not privacy.on(policy):
        rows, truncated = post.shape(released.rows, question, policy)
        told = _receipt(policy, accepted, released, rows)
        return Answer(accepted.columns, rows, released.suppressed, truncated, elapsed_ms, told, released)
    settled, suppressed = privacy.settle(released.rows, question, policy)
    rows, truncated = post.shape(settled, question, policy)
    told = _receipt(policy, accepted, released, rows) | privacy.facts(question, policy)
    widths = privacy.half_widths(released.rows, question, policy)
    return Answer(accepted.columns, rows, suppressed, truncated, elapsed_ms, told, released, widths)


def _released(
    reply: Mapping[str, object], policy: Policy, accepted: query.Accepted, worker: Worker
) -> Released | Denied:
    """Check the shape of what a worker says before believing it."""
    if "code" in reply:
        return Denied(str(reply["code"]) if reply["code"] in RUNTIME_CODES else "E-ENGINE")
    if reply.get("refused") == "O4":
        return Denied("O4", {"limit": reply.get("limit", 0)})
    rows = reply.get("rows")
    if not isinstance(rows, list) or len(rows) > policy.limits.max_groups:
        raise wire.WireError
    noised, question = privacy.on(policy), accepted.question
    width = len(question.keys) + (2 + 2 * len(emit.measured(question)) if noised else len(question.aggs))
    if not all(isinstance(row, list) and len(row) == width for row in rows):
        raise wire.WireError
    if any(isinstance(value, list | dict) for row in rows for value in row):
        raise wire.WireError
    if noised:
        return Released(privacy.release(rows, question, policy), False, worker.sha256, worker.tier)
    return Released(tuple(tuple(row) for row in rows), bool(reply["suppressed"]), worker.sha256, worker.tier)


def _receipt(
    policy: Policy, accepted: query.Accepted, released: Released, rows: Sequence[Sequence[object]]
) -> dict[str, Any]:
    """What was enforced, and on what: everything of a signed receipt (`receipt.CLAIMS`) that the runner knows."""
    return {
        "rules": receipt.RULES,
        "policy_id": policy.policy_id,
        "policy_version": policy.version,
        "policy_hash": policy.hash,
        "snapshot_sha256": released.snapshot_sha256,
        "statistic": accepted.statistic,
        "result_sha256": receipt.answer_digest(accepted.columns, rows),
        "min_group": accepted.question.floor,
        "unit": policy.unit_column or "(row)",
        "tier": released.tier,
        "mode": policy.mode.value,
        "template": accepted.template,
        "epsilon_micro": 0,
        "round_to": policy.output.round_to,
        "watermark": policy.output.watermark,
        "unenforced": list(policy.unenforced),
    }
