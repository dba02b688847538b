"""A provider's rules for test rooms: what may be answered, drafts, versions, and what they do to a policy."""

import json
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import NotFound, NotPermitted, Refused
from exchange.permissions import Actor, OrgKind, Role
from exchange.rooms import design_answers, designs
from exchange.rooms.designs import Desk
from tests.exchange.trials.place import Place

Answers = dict[str, Any]


@pytest.fixture
def listed(place: Place, shipments: Path) -> Place:
    place.publish(shipments)
    return place


def desk(place: Place, actor: Actor | None = None) -> Desk:
    with place.database.reading() as session:
        return designs.desk(session, actor or place.seller, place.listing_id)


def answers(place: Place, **changes: Any) -> Answers:
    return {**desk(place).answers, **changes}


def design_of(place: Place) -> dict[str, Any] | None:
    with place.database.reading() as session:
        return designs.design_of(session, place.listing_id)


def with_column(given: Answers, source: str, **entry: Any) -> Answers:
    return {**given, "columns": {**given["columns"], source: {**given["columns"][source], **entry}}}


def noisy(place: Place) -> Answers:
    given = answers(place, noise=True, rows_per_unit=5)
    given = with_column(given, "hub", values=["Hà Nội", "Đà Nẵng", "Cần Thơ"], public=True)
    given = with_column(given, "Phương thức", values=["air", "road"], public=True)
    return with_column(given, "shipped_on", first="2025-01-15", last="2025-12-31")


def codes(refused: Any) -> set[str]:
    return {refusal.code for refusal in refused.value.refusals}


def test_the_first_proposal_is_the_safe_draft_with_a_unit(listed: Place) -> None:
    given = answers(listed)
    assert given["unit"] == "customer"
    assert {source: column["use"] for source, column in given["columns"].items()} == {
        "hub": "filter", "Phương thức": "filter", "shipped_on": "filter", "weight": "sum", "customer": "never",
    }  # fmt: skip
    assert design_of(listed) is None


def test_a_published_design_is_a_version_with_a_record(listed: Place) -> None:
    given = with_column(answers(listed, min_group=25), "hub", use="never")
    first = listed.do(designs.publish, listed.seller, listed.listing_id, given)
    assert listed.do(designs.publish, listed.seller, listed.listing_id, given).id == first.id, "sent twice, acts once"
    second = listed.do(designs.publish, listed.seller, listed.listing_id, {**given, "questions": 10, "per_day": 10})
    assert (first.number, second.number) == (1, 2)
    found = design_of(listed)
    assert found is not None
    assert found["limits"]["min_group"] == 25
    assert found["columns"]["hub"] == {"role": "forbidden", "source": "hub"}
    assert found["columns"]["customer"]["role"] == "unit"
    assert found["budgets"] == {"queries_total": 10, "queries_per_day": 10}
    leaves = [json.loads(leaf) for leaf in listed.leaves()]
    made = [leaf for leaf in leaves if leaf["t"] == "testroom.designed"]
    assert [leaf["d"] for leaf in made] == [
        {"version": 1, "default": False, "mode": "aggregate", "min_group": 25},
        {"version": 2, "default": False, "mode": "aggregate", "min_group": 25},
    ]
    assert made[0]["h"].keys() == {"policy"}


def test_the_default_comes_back_as_a_version_of_its_own(listed: Place) -> None:
    with pytest.raises(Refused) as refused:
        listed.do(designs.to_default, listed.seller, listed.listing_id)
    assert refused.value.code == "DESIGN_DEFAULT"
    listed.do(designs.publish, listed.seller, listed.listing_id, answers(listed))
    back = listed.do(designs.to_default, listed.seller, listed.listing_id)
    assert (back.number, back.document) == (2, None)
    assert design_of(listed) is None


def test_a_draft_binds_nobody_and_goes_when_it_is_published(listed: Place) -> None:
    given = answers(listed, min_group=3)
    listed.do(designs.save_draft, listed.seller, listed.listing_id, given)
    assert desk(listed).answers["min_group"] == 3
    assert design_of(listed) is None
    with pytest.raises(Refused):
        listed.do(designs.publish, listed.seller, listed.listing_id, given)
    listed.do(designs.publish, listed.seller, listed.listing_id, {**given, "min_group": 30})
    assert desk(listed).draft is None


def test_what_cannot_stand_is_refused_with_all_its_reasons(listed: Place) -> None:
    given = answers(listed, min_group=3, per_day=100, questions=50)
    given["columns"] |= {"nichts": {"use": "group"}, "weight": {"use": "sum", "low": 5, "high": 5}}
    with pytest.raises(Refused) as refused:
        listed.do(designs.publish, listed.seller, listed.listing_id, given)
    assert codes(refused) == {"DESIGN_GROUP_TOO_SMALL", "DESIGN_PER_DAY", "DESIGN_COLUMN_UNKNOWN", "DESIGN_BOUNDS"}
    assert all(refusal.basis for refusal in refused.value.refusals)


def test_terms_of_the_listing_are_the_least(place: Place, shipments: Path) -> None:
    place.publish(shipments, min_group=40)
    assert answers(place)["min_group"] == 40
    with pytest.raises(Refused) as refused:
        place.do(designs.publish, place.seller, place.listing_id, answers(place, min_group=39))
    assert codes(refused) == {"DESIGN_GROUP_TOO_SMALL"}


def test_a_column_with_personal_data_may_only_stand_for_a_person(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("phone,hub\n" + "\n".join(f"09{10000000 + i},{i % 3}" for i in range(300)), encoding="utf-8")
    place.publish(file)
    given = answers(place, unit="")
    with pytest.raises(Refused) as refused:
        place.do(designs.publish, place.seller, place.listing_id, with_column(given, "phone", use="group"))
    assert codes(refused) == {"DESIGN_PERSONAL"}
    place.do(designs.publish, place.seller, place.listing_id, {**given, "unit": "phone"})
    found = design_of(place)
    assert found is not None
    assert found["dataset"]["unit_column"] == "phone"


def test_noise_needs_lists_that_are_public(listed: Place) -> None:
    with pytest.raises(Refused) as refused:
        listed.do(designs.publish, listed.seller, listed.listing_id, answers(listed, noise=True))
    assert codes(refused) == {"DESIGN_DOMAIN_MISSING"}
    unconfirmed = with_column(noisy(listed), "hub", public=False)
    with pytest.raises(Refused) as refused:
        listed.do(designs.publish, listed.seller, listed.listing_id, unconfirmed)
    assert codes(refused) == {"DESIGN_DOMAIN_NOT_PUBLIC"}
    document = desk(listed).document(noisy(listed))
    assert document["mode"] == "aggregate_dp"
    assert document["columns"]["shipped_on"]["domain"] == ["2025-01-01", "2026-01-01"]
    assert document["columns"]["hub"]["domain"] == ["Hà Nội", "Đà Nẵng", "Cần Thơ"]
    assert document["budgets"]["epsilon_per_query_micro"] == 100_000


def test_a_newer_file_never_shows_more_than_the_design_named(listed: Place, tmp_path: Path) -> None:
    """The design of one file read over another: strange columns are forbidden, without the unit all are."""
    given = answers(listed)
    at = desk(listed)
    columns = at.asset.columns
    at.asset.columns = [column for column in columns if column["name"] != "hub"] + [{**columns[0], "name": "new"}]
    document = at.document(given)
    roles = {name: entry["role"] for name, entry in document["columns"].items()}
    assert roles["new"] == "forbidden"
    assert "hub" not in roles
    at.asset.columns = [column for column in columns if column["name"] != "customer"]
    assert {entry["role"] for entry in at.document(given)["columns"].values()} == {"forbidden"}


@pytest.mark.parametrize("act", [designs.publish, designs.save_draft])
def test_only_the_provider_designs(listed: Place, act: Any) -> None:
    with pytest.raises(NotFound):
        listed.do(act, listed.buyer, listed.listing_id, {})
    finance = listed.people.make("ke-toan", OrgKind.MEMBER, Role.FINANCE)
    with pytest.raises(NotPermitted):
        listed.do(act, finance, listed.listing_id, {})


def test_texts_that_look_like_numbers_are_texts(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "engines.csv"
    file.write_text("model,seats\n" + "\n".join(f"{'150' if i % 2 else 'ZX'},{i % 90}" for i in range(400)))
    place.publish(file)
    facts = {fact.source: fact for fact in design_answers.facts(desk(place).asset)}
    assert (facts["model"].low, facts["model"].uses) == (None, ("never", "group", "filter"))
    assert (facts["seats"].low, facts["seats"].high) == (0, 89)
