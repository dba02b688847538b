"""A member reads the log: every record that names their organisation, provable, and nobody else's."""

import base64
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from contracts.log import checkpoint, policy, tree
from exchange.negotiations.models import Contract
from exchange.permissions import Actor
from tests.exchange.deliveries.goods import Goods
from tests.exchange.people import People

Token = Callable[[Actor, str], dict[str, str]]


def records(people: People, header: dict[str, str], **query: str) -> dict:  # type: ignore[type-arg]
    answer = people.app.test_client().get("/api/v1/records", query_string=query, headers=header)
    assert answer.status_code == 200, answer.text
    found: dict = answer.json  # type: ignore[type-arg]
    return found


def test_every_own_record_is_proved_under_the_head_beside_it(
    goods: Goods, case: Contract, people: People, token: Token
) -> None:
    found = records(people, token(goods.buyer, "negotiate"))
    trusted = policy.parse_policy(people.app.test_client().get("/log/keys").text).logs
    head = checkpoint.open_checkpoint(found["head"]["checkpoint"], trusted).checkpoint
    assert {"contract.active", "delivery.made"} <= {record["event"] for record in found["records"]}
    for record in found["records"]:
        assert f"org:{goods.buyer.org_id}" in (*record["on"], record["actor"])
        hashes = [base64.b64decode(item) for item in record["proof"]]
        leaf = tree.leaf_hash(base64.b64decode(record["leaf"]))
        tree.check_inclusion(hashes, record["index"], head.size, head.root, leaf)


def test_nobody_reads_the_records_of_others(goods: Goods, case: Contract, people: People, token: Token) -> None:
    stranger = people.make("stranger", goods.buyer.kind, *goods.buyer.roles)
    header = token(stranger, "negotiate")
    assert records(people, header, contract=case.id)["records"] == []
    assert records(people, header)["records"] == []
    assert people.app.test_client().get("/api/v1/records").status_code == 401


def test_an_inspection_does_not_announce_itself(
    official: FlaskClient, goods: Goods, case: Contract, people: People, token: Token
) -> None:
    assert official.get(f"/oversight/contracts/{case.id}").status_code == 200
    assert official.get(f"/oversight/contracts/{case.id}/evidence.zip").status_code == 200
    goods.sequencer.run_once()
    found = records(people, token(goods.buyer, "negotiate"), contract=case.id)["records"]
    assert found
    assert not any(subject.startswith("warrant:") for record in found for subject in record["on"])
    asked = people.app.test_client().get(
        "/api/v1/oversight/log", query_string={"contract": case.id}, headers=token(people.regulator(), "audit")
    )
    assert "audit.looked" in {record["event"] for record in asked.json["records"]}


def test_the_search_narrows_by_event_and_pages_backwards(
    goods: Goods, case: Contract, people: People, token: Token
) -> None:
    header = token(goods.buyer, "negotiate")
    every = [record["index"] for record in records(people, header)["records"]]
    assert {r["event"] for r in records(people, header, event="contract.active")["records"]} == {"contract.active"}
    first = records(people, header, limit="2")
    second = records(people, header, limit="2", before=str(first["before"]))
    assert [r["index"] for r in (*first["records"], *second["records"])] == every[:4]


@pytest.mark.parametrize(("field", "value"), [("event", "no.such"), ("from", "yesterday"), ("contract", "../x")])
def test_a_question_that_is_not_understood_is_refused_by_its_field(
    goods: Goods, people: People, field: str, value: str
) -> None:
    answer = people.browser(goods.buyer).get("/records", query_string={field: value})
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text


def test_the_page_shows_the_records_with_their_proofs(goods: Goods, case: Contract, people: People) -> None:
    browser = people.browser(goods.buyer)
    page = browser.get("/records")
    assert page.status_code == 200
    assert f"/contracts/{case.id}" in page.text
    assert "/log/proof?event=" in page.text
    assert "/records" in browser.get("/me").text
    nobody = people.make("newcomer", goods.buyer.kind, *goods.buyer.roles)
    assert "Chưa có bản ghi nào về tổ chức" in people.browser(nobody).get("/records").text


def test_an_official_searches_by_any_subject_and_by_actor(
    official: FlaskClient, goods: Goods, case: Contract, people: People, token: Token
) -> None:
    header = token(people.regulator(), "audit")
    client = people.app.test_client()

    def found(**query: str) -> list[dict[str, object]]:
        answer = client.get("/api/v1/oversight/log", query_string=query, headers=header)
        assert answer.status_code == 200, answer.text
        records: list[dict[str, object]] = answer.json["records"]
        return records

    negotiation = f"negotiation:{case.negotiation_id}"
    assert all(negotiation in record["on"] for record in found(subject=negotiation))  # type: ignore[operator]
    buyer = f"org:{goods.buyer.org_id}"
    assert {record["actor"] for record in found(actor=buyer)} == {buyer}
    assert client.get("/api/v1/oversight/log?subject=x", headers=header).status_code == 422
