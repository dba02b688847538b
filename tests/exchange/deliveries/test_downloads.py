"""A buyer receives a file: whole, in parts, by link; what the answer says of it."""

import base64
import hashlib
import re
from datetime import timedelta

import pytest
from flask import Flask

from exchange import clock
from exchange.config import Config
from exchange.deliveries.streaming import disposition, safe_name
from tests.exchange.deliveries.goods import Goods
from tests.exchange.people import People


def test_a_buyer_downloads_the_file_and_the_log_has_it_before(goods: Goods, people: People) -> None:
    contract = goods.contract()
    answer = people.browser(goods.buyer).get(goods.path(contract))
    assert answer.status_code == 200
    assert answer.data == goods.data
    digest = hashlib.sha256(goods.data)
    assert answer.headers["ETag"] == f'"{digest.hexdigest()}"'
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(goods.data))
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    [made] = goods.leaves("delivery.made")
    assert made.on[0] == f"contract:{contract.id}"
    assert made.actor == f"org:{goods.buyer.org_id}"
    assert made.h["contract"] == contract.sha256
    assert made.d["bytes"] == len(goods.data)
    [row] = goods.deliveries()
    assert (row.status, row.complete, row.bytes_sent, row.event_id) == ("made", True, len(goods.data), made.id)


def test_parts_belong_to_one_delivery(goods: Goods, people: People) -> None:
    browser, path = people.browser(goods.buyer), goods.path(goods.contract())
    first = browser.get(path, headers={"Range": "bytes=0-39999"})
    rest = browser.get(path, headers={"Range": "bytes=40000-", "If-Range": first.headers["ETag"]})
    last = browser.get(path, headers={"Range": "bytes=-10"})
    assert [a.status_code for a in (first, rest, last)] == [206, 206, 206]
    assert first.data + rest.data == goods.data
    assert last.data == goods.data[-10:]
    assert rest.headers["Content-Range"] == f"bytes 40000-99999/{len(goods.data)}"
    assert rest.headers["Content-Length"] == "60000"
    assert rest.headers["Repr-Digest"] == first.headers["Repr-Digest"]  # of the whole, RFC 9530 section 3.1
    assert len(goods.leaves("delivery.made")) == 1
    assert [(d.first_byte, d.end_byte, d.complete) for d in goods.deliveries()] == [
        (0, 40_000, True), (40_000, 100_000, True), (99_990, 100_000, True)
    ]  # fmt: skip
    assert len(goods.grants()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-9", "If-Range": '"another"'},
        {"Range": "bytes=0-9", "If-Range": "Sat, 01 Jan 2050 00:00:00 GMT"},
        {"Range": "bytes=0-9,20-29"},
        {"Range": "bytes=9-0"},
        {"Range": "rows=0-9"},
        {"Range": "nonsense"},
    ],
)
def test_what_is_no_single_range_of_this_file_gets_the_whole(
    goods: Goods, people: People, headers: dict[str, str]
) -> None:
    answer = people.browser(goods.buyer).get(goods.path(goods.contract()), headers=headers)
    assert answer.status_code == 200
    assert answer.data == goods.data


def test_a_range_beyond_the_end_is_unsatisfiable_and_costs_nothing(goods: Goods, people: People) -> None:
    browser, path = people.browser(goods.buyer), goods.path(goods.contract())
    answer = browser.get(path, headers={"Range": "bytes=100000-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */100000"
    assert (goods.grants(), goods.deliveries(), goods.leaves("delivery.made")) == ([], [], [])


def test_head_and_an_unchanged_copy_cost_nothing(goods: Goods, people: People) -> None:
    browser, path = people.browser(goods.buyer), goods.path(goods.contract())
    head = browser.head(path)
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", "100000")
    same = browser.get(path, headers={"If-None-Match": head.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    assert same.headers["ETag"] == head.headers["ETag"]
    assert (goods.grants(), goods.deliveries(), goods.leaves("delivery.made")) == ([], [], [])


def test_a_link_works_without_signing_in_for_an_hour(app: Flask, goods: Goods, people: People, no_csrf: None) -> None:
    contract = goods.contract()
    page = people.browser(goods.buyer).post(goods.path(contract) + "/link")
    assert page.status_code == 201
    assert page.headers["Cache-Control"] == "no-store"
    link = re.search(r"http://[^<\s'\"]+/deliveries/[^<\s'\"&]+", page.text)
    assert link is not None
    path = link[0].removeprefix("http://127.0.0.1:8000")
    token = path.split("/")[2]
    assert goods.grants()[0].token_hash == hashlib.sha256(token.encode()).hexdigest()  # and nothing else is stored
    stranger = app.test_client()
    assert stranger.get(path).data == goods.data
    assert stranger.get(path, headers={"Range": "bytes=5-9"}).data == goods.data[5:10]
    assert len(goods.leaves("delivery.made")) == 1
    with clock.frozen(goods.now + timedelta(hours=1)):
        late = stranger.get(path)
    assert late.status_code == 403
    assert "GRANT_OVER" in late.text
    assert [leaf.d["code"] for leaf in goods.leaves("delivery.refused")] == ["GRANT_OVER"]
    assert stranger.get("/deliveries/" + token[:-1] + "x/data.csv").status_code == 404


def test_a_link_never_outlives_the_contract(goods: Goods, people: People, no_csrf: None) -> None:
    contract = goods.contract(ends=goods.now.date() + timedelta(days=7))
    late = goods.now.replace(day=29, hour=16, minute=40)  # 23:40 of the last day in Viet Nam
    with clock.frozen(late):
        people.browser(goods.buyer).post(goods.path(contract) + "/link")
    [grant] = goods.grants()
    assert grant.expires_at == late + timedelta(minutes=20)


def test_the_link_form_wants_its_token(goods: Goods, people: People) -> None:
    assert people.browser(goods.buyer).post(goods.path(goods.contract()) + "/link").status_code == 400
    assert goods.grants() == []


def test_a_file_larger_than_many_pieces_arrives_whole(app: Flask, goods: Goods, people: People) -> None:
    goods.stock(app.extensions["minhbach.store"], size=20_000_001)
    answer = people.browser(goods.buyer).get(goods.path(goods.contract()))
    assert hashlib.sha256(answer.data).digest() == hashlib.sha256(goods.data).digest()


def test_a_file_missing_in_the_store_is_told_and_not_counted(app: Flask, goods: Goods, people: People) -> None:
    contract = goods.contract()
    stored = goods.store.keys()
    for key in stored:
        goods.store.delete(key)
    answer = people.browser(goods.buyer).get(goods.path(contract))
    assert answer.status_code == 503
    assert "FILE_MISSING" in answer.text
    assert (goods.deliveries(), goods.leaves("delivery.made")) == ([], [])


def test_nothing_is_handed_out_while_the_log_cannot_be_signed(
    app: Flask, goods: Goods, people: People, config: Config
) -> None:
    contract = goods.contract()
    browser = people.browser(goods.buyer)
    key = (config.home / "log.key").rename(config.home / "taken away")
    answer = browser.get(goods.path(contract))
    assert answer.status_code == 503
    assert goods.data not in answer.data
    key.rename(config.home / "log.key")
    goods.sequencer.run_once()
    assert browser.get(goods.path(contract)).data == goods.data
    assert len(goods.leaves("delivery.made")) == 1


@pytest.mark.parametrize(
    ("name", "plain", "full"),
    [
        ("flights.csv", "flights.csv", "flights.csv"),
        ("Đà Nẵng.csv", "Da Nang.csv", "%C4%90%C3%A0%20N%E1%BA%B5ng.csv"),
        ('a"b\\c.csv', "a_b_c.csv", "a_b_c.csv"),
        ("../../etc/passwd", "_.._etc_passwd", "_.._etc_passwd"),
        ("x\r\nSet-Cookie: a=b.csv", "xSet-Cookie_ a_b.csv", "xSet-Cookie_%20a%3Db.csv"),
        ("a\u202ecsv.exe", "acsv.exe", "acsv.exe"),
        ("数据", "data", "%E6%95%B0%E6%8D%AE"),
        ("", "data", "data"),
    ],
)
def test_file_names_are_safe_everywhere(name: str, plain: str, full: str) -> None:
    assert disposition(name) == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"
    assert "/" not in safe_name(name)
