"""Rounded counts, and the mark in them: less than a step off, the same however it is asked, and it tells whose."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import query, watermark
from sandbox.ir import Agg, Dim, Measure
from sandbox.policy import Policy
from sandbox.runner import Answer, Runner

BY_DISTRICT = "SELECT district, count(*) AS n, count(DISTINCT customer_id) AS people FROM sales GROUP BY district"
STEP = 5
SECRET = b"s" * 32


@pytest.fixture
def marking(variant: Callable[..., Policy]) -> Policy:
    return variant(output={"round_to": STEP, "watermark": True})


@pytest.fixture
def ask(runner: Runner, sales_snapshot: Path) -> Callable[..., Answer]:
    def asked(policy: Policy, sql: str, mark: bytes | None = None) -> Answer:
        accepted = query.check(sql, policy)
        assert isinstance(accepted, query.Accepted), accepted
        found = runner.run_accepted(policy, sales_snapshot, accepted, mark=mark)
        assert isinstance(found, Answer), found
        return found

    return asked


def key(buyer: str) -> bytes:
    return watermark.key_of(SECRET, buyer, "sales-trial")


def test_without_a_mark_counts_are_the_nearest_multiple(
    ask: Callable[..., Answer], variant: Callable[..., Policy], sales_policy: Policy
) -> None:
    exact = {row[0]: row[1:] for row in ask(sales_policy, BY_DISTRICT).rows}
    policy = variant(output={"round_to": STEP})
    rounded = {row[0]: row[1:] for row in ask(policy, BY_DISTRICT, key("buyer")).rows}
    assert exact.keys() == rounded.keys()
    for name, counts in rounded.items():
        for shown, true in zip(counts, exact[name], strict=True):
            assert int(str(shown)) % STEP == 0
            assert 2 * abs(int(str(shown)) - int(str(true))) <= STEP


def test_a_marked_count_is_less_than_a_step_off_and_a_multiple_stays(
    ask: Callable[..., Answer], marking: Policy, sales_policy: Policy
) -> None:
    exact = {row[0]: row[1:] for row in ask(sales_policy, BY_DISTRICT).rows}
    marked = {row[0]: row[1:] for row in ask(marking, BY_DISTRICT, key("buyer")).rows}
    up = 0
    for name, counts in marked.items():
        for shown, true in zip(counts, exact[name], strict=True):
            off = int(str(shown)) - int(str(true))
            assert abs(off) < STEP
            assert int(str(true)) % STEP != 0 or off == 0
            up += off > 0
    assert 0.3 < up / (2 * len(marked)) < 0.5  # four of five cells are rounded, half of them up


def test_having_and_order_see_the_rounded_counts_only(ask: Callable[..., Answer], marking: Policy) -> None:
    """Else asking `n >= 396`, `n >= 397` and so on would tell the exact count."""
    one = ask(marking, BY_DISTRICT + " ORDER BY n LIMIT 1", key("buyer")).rows[0]
    shown = int(str(one[1]))
    for number in range(shown - STEP + 1, shown + STEP):
        where = f"WHERE district = '{one[0]}' GROUP BY district HAVING n >= {number}"
        found = ask(marking, f"SELECT district, count(*) AS n FROM sales {where}", key("buyer"))
        assert bool(found.rows) == (shown >= number)


def test_the_mark_is_the_same_however_the_question_is_put(ask: Callable[..., Answer], marking: Policy) -> None:
    first = {row[0]: row[1] for row in ask(marking, BY_DISTRICT, key("buyer")).rows}
    again = ask(
        marking,
        "SELECT count(*) AS anzahl, district FROM sales WHERE sold_at < DATE '2030-01-01' GROUP BY 2",
        key("buyer"),
    )
    assert {row[1]: row[0] for row in again.rows} == first


KINDS = (Dim("district"), Agg(Measure.ROWS), Agg(Measure.UNITS))
BUYERS = [f"org-{number}" for number in range(50)]


def test_a_leaked_table_is_attributed(ask: Callable[..., Answer], marking: Policy) -> None:
    leaked = ask(marking, BY_DISTRICT, key("org-17")).rows
    found = watermark.whose(watermark.cells(KINDS, leaked), STEP, {name: key(name) for name in BUYERS})
    assert found[0].whose == "org-17"
    assert found[0].fits / found[0].cells > 0.85
    assert found[0].chance < 1e-50
    assert all(match.fits / match.cells < 0.65 and match.chance > 1e-9 for match in found[1:])


def test_a_part_of_it_in_another_order_will_do(ask: Callable[..., Answer], marking: Policy) -> None:
    leaked = [(row[1], row[0]) for row in ask(marking, BY_DISTRICT, key("org-17")).rows][200:260]
    cells = watermark.cells((KINDS[1], KINDS[0]), leaked)
    found = watermark.whose(cells, STEP, {name: key(name) for name in BUYERS})
    assert found[0].whose == "org-17"
    assert found[0].chance < 1e-6 < found[1].chance


def test_a_table_without_a_mark_is_nobodys(ask: Callable[..., Answer], variant: Callable[..., Policy]) -> None:
    plain = ask(variant(output={"round_to": STEP}), BY_DISTRICT, key("org-17")).rows
    found = watermark.whose(watermark.cells(KINDS, plain), STEP, {name: key(name) for name in BUYERS})
    assert found[0].chance > 1e-6
    assert watermark.whose([], STEP, {"org-1": key("org-1")})[0].chance == 1


def test_keys_differ_by_buyer_and_by_dataset() -> None:
    assert len({key("a"), key("b"), watermark.key_of(SECRET, "a", "other"), watermark.key_of(b"t" * 32, "a", "x")}) == 4
