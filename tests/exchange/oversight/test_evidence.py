"""One contract's story and its evidence: checked elsewhere with the contracts package alone, broken by any bit."""

import hashlib
import io
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import contracts
from contracts import archive, canonical, verify
from contracts import evidence as checker
from contracts.log import leaf
from exchange.config import Config
from exchange.ledger import service
from exchange.negotiations.models import Contract
from exchange.oversight.cli import evidence as command
from exchange.permissions import Actor
from tests.exchange.deliveries.goods import Goods
from tests.exchange.people import People

# Runs the regulator's command where nothing of the exchange, no web and no database can be imported.
ALONE = """
import sys
sys.path.insert(0, sys.argv.pop(1))
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"exchange", "sandbox", "flask", "sqlalchemy", "sqlmodel", "duckdb"}:
            raise ImportError(name)
sys.meta_path.insert(0, Nothing())
import contracts.__main__
assert contracts.__file__.startswith(sys.path[0]), contracts.__file__
sys.exit(contracts.__main__.main(sys.argv[1:]))
"""


def zip_of(client: FlaskClient, contract: Contract) -> bytes:
    """The exported bundle."""
    answer = client.get(f"/oversight/contracts/{contract.id}/evidence.zip")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/zip"
    return answer.data


def policy_of(goods: Goods) -> str:
    """The log's key as the regulator got it from elsewhere."""
    with goods.database.reading() as session:
        return f"log {service.vkeys(session)[0]}\nquorum none\n"


def leaves_in(data: bytes) -> list[leaf.Leaf]:
    """The records in a bundle."""
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return [leaf.parse(opened.read(name)) for name in opened.namelist() if name.startswith("entries/")]


def run_alone(tmp_path: Path, data: bytes, policy: str) -> subprocess.CompletedProcess[str]:
    """``python -m contracts verify`` on a machine that has only the contracts package."""
    machine = tmp_path / "machine"
    if not machine.exists():
        shutil.copytree(Path(contracts.__file__).parent, machine / "contracts")
    bundle, trusted = tmp_path / "bundle.zip", tmp_path / "log.policy"
    bundle.write_bytes(data)
    trusted.write_text(policy)
    arguments = [sys.executable, "-I", "-c", ALONE, str(machine), "verify", str(bundle), "--policy", str(trusted)]
    return subprocess.run([*arguments, "--lang", "en"], capture_output=True, text=True, timeout=60, cwd=tmp_path)


def test_the_bundle_is_verified_elsewhere(official: FlaskClient, goods: Goods, case: Contract, tmp_path: Path) -> None:
    data = zip_of(official, case)
    good = run_alone(tmp_path, data, policy_of(goods))
    assert good.returncode == 0, good.stdout + good.stderr
    assert "RESULT: the bundle holds." in good.stdout
    broken = bytearray(data)
    broken[len(data) // 2] ^= 1
    bad = run_alone(tmp_path, bytes(broken), policy_of(goods))
    assert bad.returncode == 1
    assert "does NOT hold" in bad.stdout
    other = policy_of(goods).replace("log.test", "log.else")
    assert run_alone(tmp_path, data, other).returncode == 1


def test_any_flipped_bit_is_found_and_named(official: FlaskClient, goods: Goods, case: Contract) -> None:
    data, policy = zip_of(official, case), policy_of(goods)
    assert checker.check_bytes(data, policy).ok
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        starts = sorted((info.header_offset, info.filename) for info in opened.infolist())
    contents = {name: start + 30 + len(name) for start, name in starts}  # after the local header
    step = max(1, len(data) // 100)
    for at in range(0, len(data), step):
        broken = bytearray(data)
        broken[at] ^= 1 << (at % 8)
        report = checker.check_bytes(bytes(broken), policy)
        problem = report.lines[-1].problem
        assert not report.ok, at
        assert problem is not None
        inside = [name for start, name in starts if start <= at][-1]
        if at >= contents[inside] and at < starts[-1][0]:  # in the content, not in a header or the index
            assert problem.facts.get("member") == inside, (at, problem.code, problem.facts)
        assert problem.facts.keys() & {"member", "at"}, (at, problem.code)


def test_the_story_is_whole_and_nothing_of_others(official: FlaskClient, goods: Goods, case: Contract) -> None:
    kinds = [found.type.value for found in leaves_in(zip_of(official, case))]
    assert kinds == [
        "listing.submitted", "listing.published", "access.requested", "contract.agreed", "contract.signed",
        "contract.signed", "contract.active", "delivery.made", "delivery.refused",
    ]  # fmt: skip


def test_the_export_is_itself_on_record(official: FlaskClient, goods: Goods, case: Contract) -> None:
    first = zip_of(official, case)
    [exported] = goods.leaves("evidence.exported")
    assert exported.on[0].startswith("warrant:")
    assert f"contract:{case.id}" in exported.on
    assert exported.h["bundle"].startswith("sha-256:")
    second = zip_of(official, case)  # holds the record of the first, and is good
    assert checker.check_bytes(second, policy_of(goods)).ok
    assert len(leaves_in(second)) > len(leaves_in(first))


def test_a_party_exports_its_own_contract_without_what_is_not_theirs(
    official: FlaskClient, goods: Goods, case: Contract, people: People
) -> None:
    official.get(f"/oversight/contracts/{case.id}")  # a look that the party must not learn of
    for party in (goods.buyer, goods.seller):
        data = zip_of(people.browser(party), case)
        assert checker.check_bytes(data, policy_of(goods)).ok
        leaves = leaves_in(data)
        assert {"audit.looked", "warrant.opened"}.isdisjoint(found.type.value for found in leaves)
        assert f"org:{people.stranger().org_id}" not in {found.actor for found in leaves}
    assert {found.on[0] for found in goods.leaves("evidence.exported")} == {
        f"org:{goods.buyer.org_id}", f"org:{goods.seller.org_id}"
    }  # fmt: skip


def test_others_do_not_learn_that_a_contract_exists(case: Contract, people: People) -> None:
    for actor in (people.stranger(), people.operator()):
        browser = people.browser(actor)
        there = browser.get(f"/oversight/contracts/{case.id}/evidence.zip")
        nowhere = browser.get("/oversight/contracts/01jzzzzzzzzzzzzzzzzzzzzzzz/evidence.zip")
        assert (there.status_code, nowhere.status_code) == (404, 404)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_page_tells_the_whole_story(official: FlaskClient, goods: Goods, case: Contract, lang: str) -> None:
    goods.end(case)
    page = official.get(f"/oversight/contracts/{case.id}?lang={lang}").text
    assert {"vi": "tất cả đều khớp", "en": "everything holds"}[lang] in page
    for text in ("Công ty provider", "Công ty buyer", "Ed25519", "ES256", "NO_CONTRACT", "Chia sẻ lại cho bên khác"):
        assert text in page
    assert page.count("/log/proof?event=") >= 12
    assert {"vi": "Hợp đồng có hiệu lực", "en": "Contract in force"}[lang] in page


def test_a_contract_that_is_not_signed_yet_has_a_story_too(official: FlaskClient, goods: Goods) -> None:
    contract = goods.agreed()
    assert official.get(f"/oversight/contracts/{contract.id}").status_code == 200
    goods.signed(contract, goods.buyer)
    assert checker.check_bytes(zip_of(official, contract), policy_of(goods)).ok


def test_unknown_contracts_are_not_found(official: FlaskClient) -> None:
    assert official.get("/oversight/contracts/01jzzzzzzzzzzzzzzzzzzzzzzz").status_code == 404
    assert official.get("/oversight/contracts/01jzzzzzzzzzzzzzzzzzzzzzzz/evidence.zip").status_code == 404


def test_the_api_tells_the_story_and_gives_the_bundle(
    official: FlaskClient, goods: Goods, case: Contract, people: People, token: Callable[[Actor, str], dict[str, str]]
) -> None:
    client, header = people.app.test_client(), token(people.regulator(), "audit")
    story = client.get(f"/api/v1/oversight/contracts/{case.id}", headers=header)
    assert story.status_code == 200
    assert story.json["standing"] == "ACTIVE"
    assert story.json["verification"]["ok"] is True
    assert {s["org_id"] for s in story.json["signatures"]} == {goods.buyer.org_id, goods.seller.org_id}
    assert [d["status"] for d in story.json["deliveries"]] == ["refused", "made"]
    bundle = client.get(f"/api/v1/oversight/contracts/{case.id}/evidence", headers=header)
    assert checker.check_bytes(bundle.data, policy_of(goods)).ok
    mine = client.get(f"/api/v1/contracts/{case.id}/evidence", headers=token(goods.buyer, "deliver"))
    assert checker.check_bytes(mine.data, policy_of(goods)).ok
    other = client.get(f"/api/v1/contracts/{case.id}/evidence", headers=token(people.stranger(), "deliver"))
    assert other.status_code == 404


def test_the_command_writes_the_same_evidence(
    goods: Goods, case: Contract, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINHBACH_HOME", str(config.home))
    monkeypatch.setenv("MINHBACH_DATABASE_URL", config.database_url)
    monkeypatch.setenv("MINHBACH_LOG_ORIGIN", config.log_origin)
    output = tmp_path / "out.zip"
    done = CliRunner().invoke(command, [case.id, "-o", str(output)])
    assert done.exit_code == 0, done.output
    assert checker.check_bytes(output.read_bytes(), policy_of(goods)).ok
    [exported] = goods.leaves("evidence.exported")
    assert exported.actor == "system"
    missing = CliRunner().invoke(command, ["01jzzzzzzzzzzzzzzzzzzzzzzz", "-o", str(tmp_path / "none.zip")])
    assert missing.exit_code == 1
    assert not (tmp_path / "none.zip").exists()


def marks(data: bytes, goods: Goods) -> dict[str, str]:
    """The result of each check of a bundle that both checkers accept."""
    lines = verify.Checker(io.BytesIO(data), policy_of(goods), None, None).report()
    assert [line for line in lines if line[1] == "fail"] == []
    report = checker.check_bytes(data, policy_of(goods))
    assert report.ok, report.lines[-1]
    return {line.what: line.mark for line in report.lines}


def test_a_bundle_proves_the_head_that_the_parties_named(official: FlaskClient, goods: Goods, case: Contract) -> None:
    found = marks(zip_of(official, case), goods)
    assert found["HEADS"] == "ok"
    assert "unchecked" not in found.values()


def fetched(answer: TestResponse) -> bytes:
    """The file of an answer that is read from disk; the server closes it when it has been sent."""
    with answer:
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "private, no-store"
        return answer.data


def test_an_official_takes_the_whole_log_along(
    official: FlaskClient, goods: Goods, case: Contract, people: People, token: Callable[[Actor, str], dict[str, str]]
) -> None:
    data = fetched(official.get("/oversight/log/evidence.zip"))
    assert set(marks(data, goods).values()) == {"ok"}
    [exported] = goods.leaves("evidence.exported")
    assert exported.on[0].startswith("warrant:")
    assert exported.h["bundle"] == canonical.sha256_b64url(data)
    header = token(people.regulator(), "audit")
    again = fetched(people.app.test_client().get("/api/v1/oversight/log/evidence", headers=header))
    assert set(marks(again, goods).values()) == {"ok"}
    with zipfile.ZipFile(io.BytesIO(again)) as opened:
        assert f"contracts/{hashlib.sha256(case.payload).hexdigest()}.jws.json" in opened.namelist()


def test_a_contract_with_more_records_than_a_file_can_hold_says_so(
    goods: Goods, case: Contract, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 20)  # 65,534: half of them are reached by 32,000 downloads
    answer = people.browser(goods.buyer, "en").get(f"/oversight/contracts/{case.id}/evidence.zip")
    assert answer.status_code == 409
    assert "more than one evidence file can hold" in answer.text


def test_nobody_takes_the_whole_log_without_a_warrant(goods: Goods, case: Contract, people: People) -> None:
    assert people.browser(people.regulator()).get("/oversight/log/evidence.zip").status_code == 403
    for actor in (goods.buyer, goods.seller, people.operator()):
        assert people.browser(actor).get("/oversight/log/evidence.zip").status_code in (403, 404)
    assert goods.leaves("evidence.exported") == []


def test_the_checker_in_one_file_is_handed_out_and_named_by_its_digest(
    official: FlaskClient, goods: Goods, case: Contract
) -> None:
    program = official.get("/log/verify.py").data
    assert program == Path(verify.__file__).read_bytes()
    page = official.get(f"/oversight/contracts/{case.id}?lang=en").text
    assert hashlib.sha256(program).hexdigest() in page
    with zipfile.ZipFile(io.BytesIO(zip_of(official, case))) as opened:
        assert opened.read("verify.py") == program


def test_the_command_writes_the_whole_log(
    goods: Goods, case: Contract, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINHBACH_HOME", str(config.home))
    monkeypatch.setenv("MINHBACH_DATABASE_URL", config.database_url)
    monkeypatch.setenv("MINHBACH_LOG_ORIGIN", config.log_origin)
    output = tmp_path / "log.zip"
    done = CliRunner().invoke(command, ["--all", "-o", str(output)])
    assert done.exit_code == 0, done.output
    assert set(marks(output.read_bytes(), goods).values()) == {"ok"}
    assert [path.name for path in tmp_path.glob("log*")] == ["log.zip"]
    goods.sequencer.run_once()
    [exported] = goods.leaves("evidence.exported")
    assert exported.h["bundle"] == canonical.sha256_b64url(output.read_bytes())
    for wrong in (["-o", str(output)], ["--all", case.id, "-o", str(output)]):
        assert CliRunner().invoke(command, wrong).exit_code == 2


def test_a_changed_row_shows_on_the_page(official: FlaskClient, goods: Goods, case: Contract) -> None:
    """The operator's database is not believed: a signature swapped in the table fails the check on the spot."""
    with goods.database.writing() as session:
        from exchange.negotiations.standing import signatures_of

        first, second = signatures_of(session, case.id)
        first.signature = second.signature
        session.add(first)
        session.commit()
    page = official.get(f"/oversight/contracts/{case.id}?lang=en").text
    assert "The check FAILED" in page


def test_each_evidence_file_is_a_record_for_ten_years_so_nobody_writes_them_without_end(
    goods: Goods, people: People
) -> None:
    browser = people.browser(goods.buyer)
    statuses = [browser.get("/oversight/contracts/none/evidence.zip").status_code for _ in range(122)]
    assert statuses == [404] * 120 + [429] * 2


def test_nobody_waits_to_write_while_evidence_is_put_together(goods: Goods, case: Contract, people: People) -> None:
    browser = people.browser(people.stranger())
    with goods.database.writing() as writing:
        writing.connection()  # SQLite's write lock, which the door takes only to record the export
        begun = time.monotonic()
        assert browser.get(f"/oversight/contracts/{case.id}/evidence.zip").status_code == 404
        assert time.monotonic() - begun < 10
