"""D1: pairs of questions whose difference is small, and pairs that only look like it."""

from dataclasses import replace

import pytest

from sandbox import overlap, query
from sandbox.overlap import Overlap, Region
from sandbox.policy import Policy

FLAG, DENY, FREE = "flag", "deny", "free"
N = "SELECT count(*) FROM sales"


def region(sql: str, policy: Policy) -> Region:
    accepted = query.check(sql, policy)
    assert isinstance(accepted, query.Accepted), accepted
    return overlap.region(accepted.question, policy)


def verdict(first: str, second: str, policy: Policy) -> str:
    found = overlap.judge(region(second, policy), [region(first, policy)], policy)
    return FREE if found is None else DENY if found.narrow else FLAG


PAIRS = {
    "a list and one value less, of a folded column": (
        f"{N} WHERE district IN ('P01-D01', 'TINY')", f"{N} WHERE district = 'P01-D01'", FLAG,
    ),
    "the same inside one province": (
        f"{N} WHERE province = 'P01' AND district IN ('P01-D01', 'TINY')",
        f"{N} WHERE province = 'P01' AND district = 'P01-D01'", DENY,
    ),
    "the same of a column that is not folded": (
        f"{N} WHERE province IN ('P01', 'P02')", f"{N} WHERE province = 'P01'", DENY,
    ),
    "the folded rest itself": (
        f"{N} WHERE district IN ('P01-D01', 'OTHER')", f"{N} WHERE district = 'P01-D01'", DENY,
    ),
    "lists that have nothing in common": (
        f"{N} WHERE province = 'P01'", f"{N} WHERE province = 'P02'", FREE,
    ),
    "lists that differ in many values": (
        f"{N} WHERE sector IN ('it', 'food', 'auto')", f"{N} WHERE sector IN ('it', 'edu', 'fin')", FREE,
    ),
    "a total and all but one published value": (
        N, f"{N} WHERE sector IN ('retail', 'food', 'auto', 'health', 'edu', 'fin', 'it', 'agri', 'log', 'energy', "
        "'realestate')", DENY,
    ),
    "a total and every published value": (
        N, f"{N} WHERE sector IN ('retail', 'food', 'auto', 'health', 'edu', 'fin', 'it', 'agri', 'log', 'energy', "
        "'realestate', 'tourism')", FREE,
    ),
    "a breakdown and most districts of one of its provinces": (
        "SELECT province, count(*) FROM sales GROUP BY province",
        f"{N} WHERE province = 'P00' AND district IN ('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I')", DENY,
    ),
    "a total and a few districts": (N, f"{N} WHERE district IN ('A', 'B')", FREE),
    "a breakdown and one of its cells": (
        "SELECT sector, count(*) FROM sales GROUP BY sector", f"{N} WHERE sector = 'it'", FREE,
    ),
    "a breakdown and two of its cells together": (
        "SELECT province, sector, count(*) FROM sales GROUP BY 1, 2",
        f"{N} WHERE province = 'P01' AND sector IN ('it', 'edu')", FLAG,
    ),
    "a year and a month more": (
        f"{N} WHERE sold_at >= DATE '2025-01-01' AND sold_at < DATE '2026-01-01'",
        f"{N} WHERE sold_at >= DATE '2025-01-01' AND sold_at < DATE '2026-02-01'", FLAG,
    ),
    "a year and a month more in one district": (
        f"{N} WHERE district = 'P01-D01' AND sold_at >= DATE '2025-01-01' AND sold_at < DATE '2026-01-01'",
        f"{N} WHERE district = 'P01-D01' AND sold_at >= DATE '2025-01-01' AND sold_at < DATE '2026-02-01'", DENY,
    ),
    "two months more": (
        f"{N} WHERE sold_at < DATE '2026-01-01'", f"{N} WHERE sold_at < DATE '2026-03-01'", FREE,
    ),
    "quarters of periods that begin a month apart": (
        "SELECT date_trunc('quarter', sold_at), count(*) FROM sales WHERE province = 'P01' "
        "AND sold_at >= DATE '2025-01-01' GROUP BY 1",
        "SELECT date_trunc('quarter', sold_at), count(*) FROM sales WHERE province = 'P01' "
        "AND sold_at >= DATE '2025-02-01' GROUP BY 1", DENY,
    ),
    "a difference hidden behind a bound that is always true": (
        f"{N} WHERE province IN ('P01', 'P02')", f"{N} WHERE province = 'P01' AND sold_at >= DATE '1900-01-01'", DENY,
    ),
    "two different questions": (
        f"{N} WHERE province IN ('P01', 'P02') AND sector = 'it'", f"{N} WHERE province = 'P01' AND sector = 'edu'",
        FREE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_either_way_round(name: str, sales_policy: Policy) -> None:
    first, second, expected = PAIRS[name]
    assert verdict(first, second, sales_policy) == expected
    assert verdict(second, first, sales_policy) == expected


def test_the_same_rows_in_other_words_overlap_with_nothing(sales_policy: Policy) -> None:
    asked = region(f"{N} WHERE province IN ('P01', 'P02') AND province IN ('P02', 'P03')", sales_policy)
    assert asked == region(f"{N} WHERE province = 'P02'", sales_policy)
    assert overlap.judge(asked, [asked], sales_policy) is None


def test_a_published_period_tells_what_an_open_bound_leaves_out(sales_policy: Policy) -> None:
    period = replace(sales_policy.columns["sold_at"], domain=("2025-01-01", "2026-01-01"))
    policy = replace(sales_policy, columns={**sales_policy.columns, "sold_at": period})
    assert verdict(f"{N} WHERE sector = 'it'", f"{N} WHERE sector = 'it' AND sold_at < DATE '2025-12-01'", policy) == (
        DENY
    )
    assert verdict(N, f"{N} WHERE sold_at < DATE '2026-01-01'", policy) == FREE


def test_the_worst_of_several_is_told(sales_policy: Policy) -> None:
    mild = region(f"{N} WHERE district IN ('P01-D01', 'TINY')", sales_policy)
    bad = region(f"{N} WHERE district IN ('P01-D01', 'OTHER')", sales_policy)
    asked = region(f"{N} WHERE district = 'P01-D01'", sales_policy)
    assert overlap.judge(asked, [mild, bad], sales_policy) == Overlap("district", 1, True)


def test_what_is_kept_of_a_question_comes_back_and_holds_none_of_its_words(sales_policy: Policy) -> None:
    asked = region(
        "SELECT sector, count(*) FROM sales WHERE province IN ('Nguyễn Văn A', 'P01') "
        "AND sold_at >= DATE '2025-01-01' GROUP BY 1",
        sales_policy,
    )
    kept = asked.to_json()
    assert Region.from_json(kept) == asked
    assert "Nguyễn" not in str(kept)
    assert "P01" not in str(kept)
