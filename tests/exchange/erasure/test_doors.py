"""Who may erase whom, and what the pages say on the way."""

import html
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from exchange.accounts.models import Membership, SignIn, User
from exchange.cli import main
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import service as ledger
from exchange.negotiations.models import Contract
from exchange.rooms.models import TestRoom
from tests.exchange.erasure.conftest import EMAIL, NAME, PASSWORD, QUESTION, Life
from tests.exchange.people import People

FORM = {"basis": "withdrawn", "password": PASSWORD, "sure": "1"}


def erased(life: Life) -> bool:
    return not life.in_database(User, email=EMAIL)


def test_a_person_erases_themselves_and_is_shown_out(
    life: Life, colleague: str, people: People, no_csrf: None, database: Database
) -> None:
    mine = people.browser(life.person, "en")
    other = people.browser(life.person, "en")
    assert "/me/erase" in mine.get("/me").text
    before = mine.get("/me/erase").text
    assert "What stays, and why" in before
    answer = mine.post("/me/erase", data=FORM)
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert "Your personal data is erased" in mine.get("/sign-in").text
    assert other.get("/me").status_code in (302, 303, 401)  # every browser of theirs is out
    assert erased(life)
    assert life.in_database(Membership, user_id=life.person.user_id) == []
    assert life.in_database(SignIn, user_id=life.person.user_id) == []
    with database.reading() as session:
        [record] = ledger.find(session, ledger.Search(event="erasure.done"))
    assert record.leaf.d["basis"] == "withdrawn"
    tried = mine.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})
    assert tried.status_code == 422


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": "không phải mật khẩu"}, "This is not your present password."),
        ({"password": ""}, "This is not your present password."),
        ({"sure": "0"}, "Confirm that you have read"),
        ({"basis": "because"}, "Choose on which ground"),
        ({"basis": ""}, "Fill in this field."),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_erased(
    life: Life, colleague: str, people: People, no_csrf: None, change: dict[str, str], said: str
) -> None:
    answer = people.browser(life.person, "en").post("/me/erase", data=FORM | change)
    assert answer.status_code == 422
    assert said in answer.text
    assert not erased(life)


def test_the_only_owner_of_an_organisation_with_running_contracts_stays(
    life: Life, people: People, no_csrf: None, database: Database
) -> None:
    life.market.publish()
    life.market.active()
    browser = people.browser(life.person, "en")
    answer = browser.post("/me/erase", data=FORM)
    assert answer.status_code == 409
    assert "has 1 contracts that still run" in answer.text
    assert "Make somebody else an owner first" in answer.text
    assert not erased(life)
    with database.writing() as session:  # over, all of them
        for row in life.in_database(Contract):
            session.get_one(Contract, row.id).ends = life.market.now.date().replace(day=1)
            session.get_one(Contract, row.id).starts = life.market.now.date().replace(day=1)
        session.commit()
    assert browser.post("/me/erase", data=FORM).status_code == 303
    assert erased(life)


def test_the_operator_sees_the_effect_first(life: Life, colleague: str, people: People, no_csrf: None) -> None:
    browser = people.browser(people.operator(), "en")
    assert "/erasures" in browser.get("/me").text
    assert browser.get("/erasures").status_code == 200
    first = browser.post("/erasures", data={"email": EMAIL.upper()})
    assert first.status_code == 200
    assert "What goes" in first.text
    assert not erased(life)
    without = browser.post("/erasures", data={"email": EMAIL, "sure": "1"})
    assert without.status_code == 422
    assert "Choose on which ground" in without.text
    unknown = browser.post("/erasures", data={"email": "ai.do@example.vn", "sure": "1", "basis": "left"})
    assert "Nobody has an account under this address." in unknown.text
    assert browser.post("/erasures", data={"email": EMAIL, "sure": "1", "basis": "left"}).status_code == 303
    assert erased(life)


def test_the_exchange_keeps_an_operator(life: Life, people: People, no_csrf: None, database: Database) -> None:
    operator = people.operator()
    with database.reading() as session:
        address = session.get_one(User, operator.user_id).email
    answer = people.browser(operator, "en").post("/erasures", data={"email": address, "sure": "1", "basis": "left"})
    assert answer.status_code == 409
    assert "without whom the exchange cannot work" in answer.text


@pytest.mark.parametrize("who", ["provider", "regulator"])
def test_nobody_else_erases_anybody(life: Life, people: People, no_csrf: None, who: str) -> None:
    browser: FlaskClient = people.browser(getattr(people, who)())
    assert browser.get("/erasures").status_code == 403
    assert browser.post("/erasures", data={"email": EMAIL, "sure": "1", "basis": "left"}).status_code == 403
    assert not erased(life)


def test_a_forged_form_erases_nobody(life: Life, colleague: str, people: People) -> None:
    assert people.browser(life.person).post("/me/erase", data=FORM).status_code == 400
    assert not erased(life)


def test_the_command_asks_and_erases(life: Life, colleague: str, config: Config) -> None:
    environ = {
        "MINHBACH_HOME": str(config.home), "MINHBACH_DATABASE_URL": config.database_url,
        "MINHBACH_LOG_ORIGIN": config.log_origin,
    }  # fmt: skip

    def run(*words: str, answer: str = "") -> tuple[int, str]:
        done = CliRunner().invoke(main, words, env=environ, input=answer)
        return done.exit_code, done.output

    status, said = run("erase", EMAIL, "--basis", "left", answer="n\n")
    assert (status, "private values" in said) == (1, True)
    assert not erased(life)
    assert run("erase", EMAIL, "--basis", "left", "--yes")[0] == 0
    assert erased(life)
    status, said = run("erase", EMAIL, "--basis", "left", "--yes")
    assert (status, "PERSON_UNKNOWN" in said) == (1, True)
    assert run("db", "scrub")[0] == 0


def test_the_secret_is_replaced_by_command(life: Life, config: Config, tmp_path: Path) -> None:
    old, new = tmp_path / "old-secret", tmp_path / "new-secret"
    old.write_text(config.secret_key)
    new.write_text("another secret of thirty-two characters")
    environ = {
        "MINHBACH_HOME": str(config.home), "MINHBACH_DATABASE_URL": config.database_url,
        "MINHBACH_LOG_ORIGIN": config.log_origin, "MINHBACH_SECRET_FILE": str(new),
    }  # fmt: skip
    done = CliRunner().invoke(main, ["db", "rewrap", str(old)], env=environ)
    assert done.exit_code == 0, done.output
    assert "keys are wrapped" in done.output
    again = CliRunner().invoke(main, ["db", "rewrap", str(old)], env=environ)
    assert again.exit_code == 1
    assert "another secret" in again.output


def test_a_member_reads_the_private_values_of_its_own_acts_only(life: Life, people: People) -> None:
    path = f"/contracts/{life.contract.id}"
    assert NAME in people.browser(life.person).get(path).text
    assert NAME not in people.browser(life.market.seller).get(path).text
    for path in ("/records?event=query.refused", "/records?event=contract.signed"):
        assert NAME in people.browser(life.person).get(path).text
        assert NAME not in people.browser(life.market.seller).get(path).text
    assert QUESTION in html.unescape(people.browser(life.person).get("/records?event=query.refused").text)
    assert QUESTION not in html.unescape(people.browser(life.market.seller).get("/records?event=query.refused").text)


def test_the_room_still_opens_for_colleagues(life: Life, colleague: str, people: People, no_csrf: None) -> None:
    assert people.browser(life.person).post("/me/erase", data=FORM).status_code == 303
    [room] = life.in_database(TestRoom)
    page = people.browser(replace(life.person, user_id=colleague)).get(f"/test-rooms/{room.id}")
    assert page.status_code == 200
    assert "(đã xóa / erased)" in page.text
    assert QUESTION not in page.text
