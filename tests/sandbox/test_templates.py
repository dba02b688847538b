"""Mode `template`: the provider's own questions, judged once, filled in with named values, a floor on every number."""

import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox import query, snapshot, templates, words
from sandbox.denials import Denied, PolicyRefused
from sandbox.merge import merge
from sandbox.policy import Mode, Policy
from sandbox.runner import Answer, Runner

FLOOR = 10
BANDS = """
WITH spent AS (
  SELECT customer_id, province, sum(amount) AS total, count(*) AS bought
  FROM sales WHERE sector = $sector AND sold_at >= $from_month
  GROUP BY customer_id, province
)
SELECT CASE WHEN total >= $large THEN 'large' ELSE 'small' END AS band,
       count(DISTINCT customer_id) AS people, round(avg(total), 2) AS mean, median(bought) AS middle,
       quantile_cont(total, 0.75) AS high
FROM spent GROUP BY band
"""
BOTH = """
SELECT a.province AS province, count(DISTINCT a.customer_id) AS people, sum(b.amount) AS spent_on_it
FROM sales AS a LEFT JOIN sales AS b ON b.customer_id = a.customer_id AND b.sector = 'it'
WHERE a.sector = 'food' GROUP BY 1
"""
SHARE = """
SELECT district, count(*) AS n, sum(CASE WHEN sector = $sector THEN amount ELSE 0 END) AS spent
FROM sales GROUP BY district
"""
SECTOR = {"type": "text", "domain": ["it", "food"]}
APPROVED = [
    {
        "id": "bands",
        "title_vi": "Phân nhóm khách hàng theo tổng chi",
        "title_en": "Customers by what they spend",
        "sql": BANDS,
        "parameters": {
            "sector": SECTOR,
            "from_month": {"type": "date", "bounds": ["2025-01-01", "2025-12-01"]},
            "large": {"type": "int", "domain": [100000, 1000]},
        },
    },
    {"id": "both", "title_vi": "Mua cả hai", "title_en": "Buy both", "sql": BOTH, "min_group": 25},
    {"id": "share", "title_vi": "Một ngành", "title_en": "One sector", "sql": SHARE, "parameters": {"sector": SECTOR}},
]
CALL = "bands(sector => 'it', from_month => '2025-02-01', large => 100000)"


@pytest.fixture
def document(sales_document: dict[str, Any]) -> dict[str, Any]:
    return {**sales_document, "mode": "template", "templates": APPROVED}


@pytest.fixture
def policy(document: dict[str, Any]) -> Policy:
    return Policy.from_json(document)


@pytest.fixture
def with_sql(document: dict[str, Any]) -> Callable[..., Policy]:
    def make(sql: str, **parameters: Any) -> Policy:
        entry = {"id": "t", "title_vi": "t", "title_en": "t", "sql": sql, "parameters": parameters}
        return Policy.from_json({**document, "templates": [entry]})

    return make


@pytest.fixture(scope="module")
def copy(sales_file: Path, sales_document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    read = Policy.from_json({**sales_document, "mode": "template", "templates": APPROVED})
    return snapshot.build(sales_file, read, tmp_path_factory.mktemp("copy") / "sales.parquet").path


def refused(outcome: object) -> Denied:
    assert isinstance(outcome, Denied), outcome
    return outcome


def answered(outcome: object) -> Answer:
    assert isinstance(outcome, Answer), outcome
    return outcome


# --- answers -------------------------------------------------------------------------------------------------------


def test_a_template_with_common_tables_case_and_quantiles_gives_the_right_numbers(
    runner: Runner, policy: Policy, copy: Path
) -> None:
    answer = answered(runner.run(policy, copy, CALL))
    plain = BANDS.replace("$sector", "'it'").replace("$from_month", "DATE '2025-02-01'").replace("$large", "100000")
    truth = duckdb.connect().execute(plain.replace("FROM sales", f"FROM '{copy}'").replace("customer_id", "_pu"))
    assert answer.columns == ("band", "people", "mean", "middle", "high")
    assert [row[0] for row in answer.rows] == ["large", "small"]
    for shown, true in zip(answer.rows, sorted(truth.fetchall()), strict=True):
        assert shown[1] == true[1]
        assert [float(str(each)) for each in shown[2:]] == pytest.approx([float(each) for each in true[2:]], abs=0.01)


def test_the_floor_is_that_of_the_template_and_holds_for_every_number(
    runner: Runner, policy: Policy, copy: Path
) -> None:
    answer = answered(runner.run(policy, copy, "both()"))
    exact = duckdb.connect().execute(
        "SELECT a.province, count(DISTINCT a._pu), count(DISTINCT CASE WHEN b.amount <> 0 THEN b._pu END), "
        f"sum(b.amount) FROM '{copy}' a LEFT JOIN '{copy}' b ON b._pu = a._pu AND b.sector = 'it' "
        "WHERE a.sector = 'food' GROUP BY 1"
    )
    truth = {row[0]: row[1:] for row in exact.fetchall()}
    assert {row[0] for row in answer.rows} == {key for key, row in truth.items() if min(row[0], row[1]) >= 25}
    assert all(truth[row[0]][0] == row[1] and truth[row[0]][2] == row[2] for row in answer.rows)
    assert answer.receipt["min_group"] == 25


def test_zeros_do_not_hide_how_few_a_sum_rests_on(runner: Runner, policy: Policy, copy: Path) -> None:
    """CASE … ELSE 0 gives everybody a value; those with nothing but zeros are not counted for it."""
    answer = answered(runner.run(policy, copy, "share(sector => 'it')"))
    exact = duckdb.connect().execute(
        "SELECT district, count(DISTINCT CASE WHEN sector = 'it' AND amount <> 0 THEN _pu END) "
        f"FROM '{copy}' GROUP BY 1"
    )
    behind = dict(exact.fetchall())
    assert answer.rows
    assert all(behind[row[0]] >= FLOOR for row in answer.rows)
    assert len(answer.rows) == sum(units >= FLOOR for units in behind.values())
    assert answer.suppressed
    assert "TINY" not in {row[0] for row in answer.rows}


def test_both_forms_and_any_order_of_values_are_one_statistic(policy: Policy) -> None:
    spelled = [
        CALL,
        "BANDS ( large=>100000, sector => 'it',from_month => '2025-02-01' )",
        json.dumps({"template": "bands", "parameters": {"large": 100000, "from_month": "2025-02-01", "sector": "it"}}),
    ]
    found = [query.check(text, policy) for text in spelled]
    assert all(isinstance(each, query.Accepted) for each in found)
    assert len({each.statistic for each in found if isinstance(each, query.Accepted)}) == 1
    other = query.check(CALL.replace("100000)", "1000)"), policy)
    assert isinstance(other, query.Accepted)
    assert other.statistic != getattr(found[0], "statistic", None)


def test_the_receipt_names_the_template_and_counts_are_rounded(
    runner: Runner, document: dict[str, Any], copy: Path
) -> None:
    rounded = Policy.from_json({**document, "output": {**document["output"], "round_to": 10}})
    answer = answered(runner.run(rounded, copy, CALL))
    assert (answer.receipt["template"], answer.receipt["mode"]) == ("bands", "template")
    assert all(int(str(row[1])) % 10 == 0 for row in answer.rows)


def test_every_template_shows_how_it_is_asked(policy: Policy) -> None:
    for template in policy.templates:
        assert isinstance(query.check(template.call(), policy), query.Accepted)
    assert policy.templates[0].call() == "bands(sector => 'it', from_month => '2025-01-01', large => 100000)"


# --- a buyer's call ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("SELECT count(*) FROM sales", "P0"),
        ("bands", "P0"),
        ("other(sector => 'it')", "P1"),
        ("both(sector => 'it')", "P2"),
        ("share()", "P3"),
        ("share(sector => 'energy')", "P4"),
        ("share(sector => 1)", "P4"),
        ("share(sector => true)", "P4"),
        ("share(sector => 'it'' OR 1=1 OR ''x')", "P4"),
        ("share(sector => 'it' OR 1)", "P5"),
        ("share(sector => 'it', sector => 'food')", "P5"),
        ("share(sector => 'it',)", "P5"),
        ("share(sector = 'it')", "P5"),
        ("share(sector => (SELECT 1))", "P5"),
        ("share(sector => sector)", "P5"),
        ("share(sector => 'it') UNION SELECT 1", "P0"),
        ("share(sector => 'it'); DROP TABLE snap", "L3"),
        ("share(sector => 'it' -- x\n)", "L3"),
        ("bands(sector => 'it', from_month => '2025-02-15', large => 100000)", "P4"),
        ("bands(sector => 'it', from_month => '2026-01-01', large => 100000)", "P4"),
        ("bands(sector => 'it', from_month => '2025-02-01', large => 100001)", "P4"),
        ("bands(sector => 'it', from_month => '2025-02-01', large => -100000)", "P4"),
        ("bands(sector => 'it', from_month => '2025-02-01', large => true)", "P4"),
        ("bands(sector => 'it', from_month => '2025-02-01', large => 1e-3)", "P4"),
        ("bands(sector => 'it', from_month => '2025-02-01', large => 1e5)", "P4"),
        ('{"template": "share", "parameters": {"sector": "it\' OR 1=1 --"}}', "P4"),
        ('{"template": "share", "parameters": {"sector": ["it"]}}', "P4"),
        ('{"template": "share", "parameters": {"sector": "\\ud800\\u0000"}}', "P4"),
        ('{"template": "share", "parameters": {"sector": "it", "sector": "food"}}', "P5"),
        ('{"template": "share", "sql": "SELECT 1"}', "P5"),
        ('{"template": ["share"]}', "P5"),
        ('{"template": ', "P5"),
        ('{"a":' * 400, "P5"),
    ],
)
def test_only_named_values_pass_and_the_refusal_says_which(policy: Policy, asked: str, code: str) -> None:
    denied = refused(query.check(asked, policy))
    assert denied.code == code
    for lang in ("vi", "en"):
        assert words.fix(denied, lang).encode()
    if code == "P4":
        assert str(denied.facts["allowed"]) in words.fix(denied, "en")
    if code == "P0":
        assert "bands, both, share" in words.fix(denied, "vi")


def test_the_corpus_of_sql_attacks_finds_no_reader(policy: Policy, attacks: list[dict[str, Any]]) -> None:
    for case in attacks:
        if "sql" in case:
            assert isinstance(query.check(case["sql"], policy), Denied), case["id"]


def test_the_command_line_answers_templates(document: dict[str, Any], sales_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(document))
    lines = [
        {"id": 1, "sql": CALL},
        {"id": 2, "template": "share", "parameters": {"sector": "food"}},
        {"id": 3, "sql": "SELECT count(*) FROM sales"},
    ]
    for command in (["check"], ["run", "--table", f"sales={sales_file}"]):
        made = subprocess.run(
            [sys.executable, "-m", "sandbox", command[0], "--policy", str(file), *command[1:]],
            input="\n".join(map(json.dumps, lines)),
            capture_output=True,
            text=True,
            check=True,
        )
        answers = [json.loads(line) for line in made.stdout.splitlines()]
        assert [each["verdict"] == "deny" for each in answers] == [False, False, True]
        assert answers[2]["code"] == "P0"
        if command[0] == "run":
            assert answers[0]["receipt"]["template"] == "bands"
            assert answers[1]["rows"]


# --- what a provider may not approve by mistake --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "case"),
    [
        ("SELECT count(*) AS n FROM 'other.parquet'", "shape"),
        ("SELECT count(*) AS n FROM read_csv('/etc/passwd')", "table"),
        ("SELECT count(*) AS n FROM glob('*')", "table"),
        ("SELECT count(*) AS n FROM duckdb_settings()", "table"),
        ("SELECT count(*) AS n FROM information_schema.tables", "shape"),
        ("SELECT count(*) AS n FROM main.sales", "shape"),
        ("SELECT count(*) AS n FROM snap", "table"),
        ("SELECT count(*) AS n FROM (SELECT * FROM sales)", "table"),
        ("SELECT count(*) AS n FROM sales, sales AS b", "join"),
        ("SELECT count(*) AS n FROM sales CROSS JOIN sales AS b", "join"),
        ("SELECT count(*) AS n FROM sales JOIN sales AS b ON b.province = sales.province", "join"),
        ("SELECT count(*) AS n FROM sales RIGHT JOIN sales AS b ON b.customer_id = sales.customer_id", "join"),
        ("SELECT count(*) AS n FROM sales JOIN sales AS b ON b.customer_id = b.customer_id", "join"),
        ("SELECT count(*) AS n FROM sales JOIN sales AS b USING (customer_id)", "shape"),
        (
            "SELECT count(*) AS n FROM sales JOIN sales AS b ON b.customer_id = sales.customer_id OR 1 = 1",
            "join",
        ),
        ("SELECT * FROM sales", "output"),
        ("SELECT province FROM sales", "output"),
        ("SELECT province, amount FROM sales GROUP BY ALL", "output"),
        ("SELECT customer_id, count(*) AS n FROM sales GROUP BY 1", "output"),
        ("SELECT customer_id AS c, count(*) AS n FROM sales GROUP BY 1", "unit"),
        ("SELECT CASE WHEN customer_id = 'C1' THEN 1 END AS c, count(*) AS n FROM sales GROUP BY 1", "unit"),
        ("SELECT count(*) AS n FROM sales WHERE customer_id = 'C1'", "unit"),
        ("SELECT count(DISTINCT phone) AS n FROM sales", "unit"),
        ("SELECT phone, count(*) AS n FROM sales GROUP BY phone", "column"),
        ("SELECT count(_pu) AS n FROM sales", "column"),
        ("SELECT min(amount) AS n FROM sales", "function"),
        ("SELECT max(amount) AS n FROM sales", "function"),
        ("SELECT first(amount) AS n FROM sales", "function"),
        ("SELECT string_agg(province) AS n FROM sales", "function"),
        ("SELECT list(amount) AS n FROM sales", "function"),
        ("SELECT arg_max(amount, sold_at) AS n FROM sales", "function"),
        ("SELECT sum(amount) OVER () AS n FROM sales", "function"),
        ("SELECT sum(amount) FILTER (WHERE province = 'P01') AS n FROM sales", "function"),
        ("SELECT quantile_cont(amount, 1.0) AS n FROM sales", "quantile"),
        ("SELECT quantile_cont(amount, 0.9) AS n FROM sales", "quantile"),
        ("SELECT quantile_cont(amount, 0.5 ORDER BY sold_at) AS n FROM sales", "quantile"),
        ("SELECT count(*) AS n FROM sales WHERE province = getenv('HOME')", "function"),
        ("SELECT count(*) AS n FROM sales WHERE province LIKE 'P%'", "function"),
        ("SELECT count(*) AS n FROM sales WHERE CAST(province AS INT) = 1", "function"),
        ("SELECT count(*) AS n FROM sales WHERE amount = (SELECT max(amount) FROM sales)", "function"),
        ("SELECT count(*) AS n FROM sales WHERE EXISTS (SELECT 1 FROM sales)", "function"),
        ("SELECT count(*) AS n FROM sales WHERE repeat('x', 1000000) = 'x'", "function"),
        ("SELECT count(*) AS n FROM sales WHERE province = $nothing", "parameter"),
        ("SELECT count(*) AS n FROM sales WHERE province = 1 + 'x'", "engine"),
        ("SELECT count(*) AS n FROM sales LIMIT 5", "shape"),
        ("SELECT count(*) AS n FROM sales HAVING count(*) < 5", "shape"),
        ("SELECT DISTINCT province, count(*) AS n FROM sales GROUP BY 1", "shape"),
        ("SELECT count(*) AS n FROM sales USING SAMPLE 5", "shape"),
        ("SELECT province, count(*) AS n FROM sales", "group"),
        ("SELECT province, count(*) AS n FROM sales GROUP BY province, district", "group"),
        ("SELECT count(*) AS n FROM sales UNION SELECT 1", "shape"),
        ("DELETE FROM sales", "shape"),
        ("COPY sales TO 'x.csv'", "shape"),
        ("SELECT 1 AS n; SELECT 2 AS n", "shape"),
        ("WITH d AS (DELETE FROM sales RETURNING customer_id) SELECT count(*) AS n FROM d", "table"),
        ("WITH RECURSIVE d AS (SELECT customer_id FROM sales) SELECT count(*) AS n FROM d", "shape"),
        ("WITH d AS (SELECT province FROM sales) SELECT count(*) AS n FROM d", "unit"),
        ("WITH d AS (SELECT avg(amount) AS a FROM sales) SELECT count(*) AS n FROM d", "unit"),
        ("WITH d AS (SELECT customer_id, sum(amount) AS a FROM sales GROUP BY a) SELECT count(*) AS n FROM d", "group"),
        ("WITH d AS (SELECT province AS customer_id FROM sales) SELECT count(*) AS n FROM d", "output"),
        ("WITH d AS (SELECT customer_id, customer_id AS x FROM sales) SELECT count(*) AS n FROM d", "unit"),
        ("WITH sales AS (SELECT customer_id FROM sales) SELECT count(*) AS n FROM sales", "table"),
        ("WITH snap AS (SELECT customer_id FROM sales) SELECT count(*) AS n FROM snap", "table"),
        ("SELECT count(*) AS n FROM sales WHERE " + " AND ".join(["amount > 1"] * 300), "shape"),
        ("SELECT count(*) AS n FROM sales WHERE " + "(" * 60 + "amount > 1" + ")" * 60, "shape"),
    ],
)
def test_sql_that_could_show_more_than_groups_refuses_the_policy(
    with_sql: Callable[..., Policy], sql: str, case: str
) -> None:
    with pytest.raises(PolicyRefused) as error:
        with_sql(sql)
    denied = error.value.denied
    assert (denied.code, denied.facts["case"]) == ("POLICY_TEMPLATE", case)
    assert (denied.facts["key"], denied.facts["template"]) == ("templates.0.sql", "t")
    assert words.say(denied, "vi") != words.say(denied, "en")


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "text"},
        {"type": "text", "domain": []},
        {"type": "text", "domain": ["it", 1]},
        {"type": "text", "bounds": ["a", "b"]},
        {"type": "text", "domain": ["a\0b"]},
        {"type": "int", "bounds": [1, 2, 3]},
        {"type": "int", "bounds": [2, 1]},
        {"type": "int", "domain": [1], "bounds": [1, 2]},
        {"type": "number", "bounds": [1.5, 2.5]},
        {"type": "date", "domain": ["2024-02-30"]},
        {"type": "date", "bounds": ["2024-01-02", "2025-01-01"]},
        {"type": "sql", "domain": ["1"]},
    ],
)
def test_a_parameter_says_exactly_which_values_it_takes(with_sql: Callable[..., Policy], entry: dict[str, Any]) -> None:
    with pytest.raises(PolicyRefused) as error:
        with_sql("SELECT count(*) AS n FROM sales WHERE province = $p", p=entry)
    assert error.value.code == "POLICY_INVALID"


def test_a_declared_parameter_is_used(with_sql: Callable[..., Policy]) -> None:
    with pytest.raises(PolicyRefused) as error:
        with_sql("SELECT count(*) AS n FROM sales", p=SECTOR)
    assert error.value.denied.facts["case"] == "parameter"


def test_values_become_literals_of_their_type(with_sql: Callable[..., Policy], runner: Runner, copy: Path) -> None:
    quote = {"type": "text", "domain": ["x' OR '1'='1", "Hà Nội"]}
    read = with_sql("SELECT count(*) AS n FROM sales WHERE province = $p", p=quote)
    assert answered(runner.run(read, copy, "t(p => 'x'' OR ''1''=''1')")).rows == ()
    amount = {"type": "number", "domain": [-0.5, 1]}
    read = with_sql("SELECT count(*) AS n FROM sales WHERE amount - $p > 0", p=amount)
    shown = answered(runner.run(read, copy, "t(p => -0.5)"))
    assert shown.rows == answered(runner.run(read, copy, "t(p => -0.50)")).rows
    assert isinstance(shown.rows[0][0], int)
    assert templates.Parameter("p", read.templates[0].parameters[0].kind, (Decimal("-0.5"),)).admits(Decimal("-0.50"))


def test_templates_without_their_mode_and_the_mode_without_templates_refuse(document: dict[str, Any]) -> None:
    for change, code in (({"mode": "aggregate"}, "POLICY_NOT_ENFORCEABLE"), ({"templates": []}, "POLICY_INVALID")):
        with pytest.raises(PolicyRefused) as error:
            Policy.from_json({**document, **change})
        assert error.value.code == code


def test_of_two_policies_only_what_both_approve_stays(document: dict[str, Any], sales_document: dict[str, Any]) -> None:
    fewer = {**document, "templates": APPROVED[1:]}
    assert [each.id for each in Policy.from_json(merge(document, fewer)).templates] == ["both", "share"]
    assert merge(document, fewer) == merge(fewer, document)
    alone = Policy.from_json(merge(sales_document, document))
    assert (alone.mode, len(alone.templates)) == (Mode.TEMPLATE, 3)
    with pytest.raises(PolicyRefused, match="POLICY_CONFLICT"):
        merge({**document, "templates": APPROVED[:1]}, fewer)
