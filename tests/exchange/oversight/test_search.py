"""The regulator's desk and search: a warrant first, every look on record, each criterion, three formats."""

import base64
import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from contracts.log import checkpoint, tree
from contracts.log.events import EventType
from contracts.negotiation import Act
from contracts.standing import Standing
from exchange import clock
from exchange.accounts.models import Organisation
from exchange.negotiations.models import Contract
from exchange.oversight import words
from exchange.oversight.formats import plain_cell
from exchange.permissions import Actor
from tests.exchange.deliveries.goods import Goods
from tests.exchange.people import People

FORM = {
    "number": "12/QĐ-TTr",
    "authority": "Thanh tra thành phố",
    "scope": "Giao dịch dữ liệu logistics",
    "starts": "2026-11-01",
    "ends": "2026-12-31",
}
GUARDED = ["/oversight/log", "/oversight/organisations", "/oversight/contracts/{id}",
           "/oversight/contracts/{id}/evidence.zip"]  # fmt: skip


def events(client: FlaskClient, **query: str) -> list[str]:
    """The events that a search finds, newest first."""
    answer = client.get("/oversight/log", query_string={"format": "json", **query})
    assert answer.status_code == 200, answer.text
    return [record["event"] for record in answer.json["records"]]


def test_without_a_warrant_nothing_is_seen(case: Contract, people: People) -> None:
    browser = people.browser(people.regulator(), "en")
    for path in GUARDED:
        answer = browser.get(path.format(id=case.id))
        assert answer.status_code == 403, path
        assert "WARRANT_NEEDED" in answer.text
    desk = browser.get("/oversight")
    assert desk.status_code == 200
    assert "Register your warrant" in desk.text
    assert case.id[-8:] not in desk.text


@pytest.mark.parametrize("path", ["/oversight", *GUARDED[:3]])
@pytest.mark.parametrize("who", ["provider", "buyer", "stranger", "operator"])
def test_nobody_else_comes_in(case: Contract, people: People, path: str, who: str) -> None:
    assert people.browser(getattr(people, who)()).get(path.format(id=case.id)).status_code == 403


def test_a_warrant_is_registered_once_and_opens_the_desk(
    goods: Goods, case: Contract, people: People, no_csrf: None
) -> None:
    browser = people.browser(people.regulator(), "en")
    for _ in range(2):  # a form sent twice acts once
        assert browser.post("/oversight/warrants", data=FORM).status_code == 303
    assert len(goods.leaves("warrant.opened")) == 1
    desk = browser.get("/oversight")
    assert case.id[-8:] in desk.text
    [look] = goods.leaves("audit.looked")
    assert look.on[0].startswith("warrant:")
    assert look.actor == f"org:{people.regulator().org_id}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": " "}, "FIELD_INVALID|WARRANT_INCOMPLETE"),
        ({"scope": "x" * 2001}, "FIELD_INVALID"),
        ({"starts": "22/11/2026"}, "FIELD_INVALID"),
        ({"starts": "2026-12-02", "ends": "2026-12-01"}, "WARRANT_PERIOD"),
        ({"starts": "2025-01-01", "ends": "2025-12-01"}, "WARRANT_OVER"),
        ({"ends": "2028-01-01"}, "WARRANT_TOO_LONG"),
    ],
)
def test_a_bad_warrant_is_refused_and_what_was_typed_stays(
    goods: Goods, people: People, no_csrf: None, change: dict[str, str], code: str
) -> None:
    answer = people.browser(people.regulator(), "en").post("/oversight/warrants", data=FORM | change)
    assert answer.status_code == 422
    assert "has-error" in answer.text
    assert FORM["authority"] in answer.text
    assert goods.leaves("warrant.opened") == []


def test_the_warrant_form_wants_its_token(people: People) -> None:
    assert people.browser(people.regulator()).post("/oversight/warrants", data=FORM).status_code == 400


def test_a_warrant_ends_with_its_last_day(official: FlaskClient, goods: Goods, people: People) -> None:
    assert official.get("/oversight/log").status_code == 200
    with clock.frozen(goods.now + timedelta(days=40)):
        assert people.browser(people.regulator()).get("/oversight/log").status_code == 403


def test_each_criterion_narrows(official: FlaskClient, goods: Goods, case: Contract, people: People) -> None:
    assert "listing.submitted" in events(official)
    assert events(official, contract=case.id)[:2] == ["delivery.refused", "delivery.made"]
    assert set(events(official, listing=goods.listing_id)) >= {"listing.published", "contract.active", "delivery.made"}
    assert events(official, event="contract.signed") == ["contract.signed"] * 2
    assert events(official, event="contract.active", contract=case.id) == ["contract.active"]
    assert events(official, org=people.stranger().org_id) == ["delivery.refused", "listing.submitted"]
    assert events(official, **{"from": "2026-11-22", "to": "2026-11-22"}, event="delivery.made") == ["delivery.made"]
    assert events(official, **{"to": "2026-11-21"}) == []
    assert events(official, **{"from": "2026-11-23"}) == []


def test_an_organisation_is_found_by_name_or_tax_code(official: FlaskClient, goods: Goods, case: Contract) -> None:
    with goods.database.reading() as session:
        buyer = session.get_one(Organisation, goods.buyer.org_id)
    mine = events(official, org=goods.buyer.org_id)
    assert "contract.signed" in mine
    assert events(official, org=buyer.tax_code) == mine
    assert events(official, org="CONG TY BUYER") == mine
    assert events(official, org="không có ai") == []
    several = official.get("/oversight/log", query_string={"org": "công ty"})
    assert buyer.tax_code in several.text  # which one? none is guessed
    assert events(official, org="công ty") == []


def test_pages_follow_one_another(official: FlaskClient, case: Contract) -> None:
    whole = official.get("/oversight/log?format=json&event=contract.signed").json["records"]
    before = whole[0]["index"]
    rest = official.get(f"/oversight/log?format=json&event=contract.signed&before={before}").json["records"]
    assert [record["index"] for record in rest] == [record["index"] for record in whole[1:]]


@pytest.mark.parametrize(
    "query",
    [
        "event=nonsense",
        "from=yesterday",
        "to=2026-13-01",
        "before=-1",
        "before=9223372036854775808",
        "contract=../x",
        "org=" + "x" * 201,
    ],
)
def test_a_strange_question_is_refused_politely(official: FlaskClient, query: str) -> None:
    assert official.get("/oversight/log?" + query).status_code == 422


def test_every_look_names_what_was_looked_at(official: FlaskClient, goods: Goods, case: Contract) -> None:
    official.get(f"/oversight/log?contract={case.id}&listing=not-a-thing")
    official.get(f"/oversight/contracts/{case.id}")
    official.get("/oversight/organisations")
    looks = goods.leaves("audit.looked")
    assert [look.d["what"] for look in looks] == ["log", "contract", "organisations"]
    assert f"contract:{case.id}" in looks[0].on
    assert "listing:not-a-thing" not in looks[0].on
    assert {f"contract:{case.id}", f"org:{goods.buyer.org_id}"} <= set(looks[1].on)


def test_whose_acts_were_looked_for_is_on_record_too(official: FlaskClient, goods: Goods, case: Contract) -> None:
    buyer = f"org:{goods.buyer.org_id}"
    assert events(official, actor=buyer)
    assert buyer in goods.leaves("audit.looked")[-1].on
    [look, *_] = official.get("/oversight/log?format=json&event=audit.looked").json["records"]
    assert buyer in [each["value"] for each in look["private"]]


def test_results_say_events_in_both_languages(official: FlaskClient, people: People, case: Contract) -> None:
    assert "Giao dữ liệu" in official.get("/oversight/log").text
    assert "Data delivered" in official.get("/oversight/log?lang=en").text
    [record] = official.get("/oversight/log?format=json&event=delivery.made").json["records"]
    assert (record["event_vi"], record["event_en"]) == ("Giao dữ liệu", "Data delivered")


def test_every_event_and_every_act_has_its_words() -> None:
    """A record without words would take the whole answer down with it."""
    assert set(words.EVENTS) == set(EventType)
    assert set(words.ACTS) == set(Act)
    assert set(words.STANDINGS) == set(Standing)


@pytest.mark.parametrize("query", ["to=9999-12-31", "from=0001-01-01&to=9999-12-30", "before=9223372036854775807"])
def test_the_ends_of_time_are_only_days(official: FlaskClient, case: Contract, query: str) -> None:
    assert official.get(f"/oversight/log?format=json&event=contract.signed&{query}").json["records"]


def test_no_cell_of_the_spreadsheet_is_a_formula(official: FlaskClient, goods: Goods, case: Contract) -> None:
    with goods.database.writing() as session:
        session.get_one(Organisation, goods.buyer.org_id).name = '=HYPERLINK("http://x")'
        session.commit()
    answer = official.get("/oversight/log?format=csv")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert '\'=HYPERLINK("http://x")' in {cell for row in rows for cell in row}
    assert not [cell for row in rows for cell in row if cell[:1] in "=+-@\t\r" and cell]


@pytest.mark.parametrize(("value", "cell"), [("=1", "'=1"), ("-1", "'-1"), (5, "5"), ("a=b", "a=b"), ("", "")])
def test_cells(value: object, cell: str) -> None:
    assert plain_cell(value) == cell


def test_organisations_are_listed_and_searched(official: FlaskClient, goods: Goods, people: People) -> None:
    assert "Công ty buyer" in official.get("/oversight/organisations").text
    only = official.get("/oversight/organisations?q=provider").text
    assert "Công ty provider" in only
    assert "Công ty buyer" not in only


def test_the_api_proves_every_record(
    official: FlaskClient, goods: Goods, case: Contract, people: People, token: Callable[[Actor, str], dict[str, str]]
) -> None:
    client, header = people.app.test_client(), token(people.regulator(), "audit")
    answer = client.get("/api/v1/oversight/log", query_string={"contract": case.id}, headers=header)
    assert answer.status_code == 200
    key = checkpoint.parse_vkey(client.get("/log/keys").text.split()[1])
    head = checkpoint.open_checkpoint(answer.json["head"]["checkpoint"], [key]).checkpoint
    assert len(answer.json["records"]) >= 6
    for record in answer.json["records"]:
        hashes = [base64.b64decode(item) for item in record["proof"]]
        leaf_hash = tree.leaf_hash(base64.b64decode(record["leaf"]))
        tree.check_inclusion(hashes, record["index"], head.size, head.root, leaf_hash)


def test_the_api_asks_for_the_scope_and_the_warrant(
    case: Contract, people: People, token: Callable[[Actor, str], dict[str, str]]
) -> None:
    client = people.app.test_client()
    path = "/api/v1/oversight/log"
    assert client.get(path).status_code == 401
    assert client.get(path, headers=token(people.regulator(), "query")).status_code == 403
    assert client.get(path, headers=token(people.buyer(), "audit")).status_code == 403
    header = token(people.regulator(), "audit")
    refused = client.get(path, headers=header)
    assert (refused.status_code, refused.json["code"]) == (403, "WARRANT_NEEDED")
    assert client.post("/api/v1/oversight/warrants", json=FORM, headers=header).status_code == 201
    assert client.get(path, headers=header).status_code == 200
