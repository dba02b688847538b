"""Several processes say what one says, in the same order, and stop at the same place."""

import os
import pickle
import signal

import pytest

from contracts import evidence, verify, workers
from contracts.errors import ContractsError, EvidenceError, TreeError
from contracts.evidence import WHOLE_LOG
from tests.contracts.story import POLICY, begin, jws, make_contract, sign, tell, write

# The test runner has threads of its own, which the command has not; Python 3.12 remarks on forking beside them.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

NAMES = [f"{number:04d}" for number in range(workers.LEAST * 2)]
SHARED = [lambda check: workers.each(check, NAMES, 2), lambda check: verify.each(check, NAMES)]  # by each checker


def checked(check, processes):
    """What came before the problem, and the problem."""
    found = []
    try:
        for result in workers.each(check, NAMES, processes):
            found.append(result)
    except ContractsError as problem:
        return found, problem.code, problem.facts
    return found, None, None


@pytest.mark.parametrize("bad", [(), ("0000",), ("0077", "0031", "0199"), ("0199",)])
def test_order_and_first_problem_are_those_of_one_process(bad):
    def check(name):
        if name in bad:
            raise EvidenceError("MEMBER_MISSING", member=name)
        return name, int(name) ** 2

    assert checked(check, 3) == checked(check, 1)


def test_the_work_is_done_by_as_many_processes_as_were_asked_for():
    mine = os.getpid()
    assert set(checked(lambda name: os.getpid(), 1)[0]) == {mine}
    others = set(checked(lambda name: os.getpid(), 2)[0])
    assert mine not in others
    assert 1 <= len(others) <= 2


@pytest.mark.parametrize("share", SHARED)
@pytest.mark.parametrize("last", ["0000", "0050", "0199"])
def test_what_a_killed_process_leaves_is_done_by_this_one(share, last, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    mine = os.getpid()

    def check(name):
        if name == last and os.getpid() != mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return name

    assert list(share(check)) == NAMES


@pytest.mark.parametrize("share", SHARED)
def test_a_bad_one_among_what_a_killed_process_leaves_is_found(share, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    mine, told = os.getpid(), []

    def check(name):
        if name == "0050" and os.getpid() != mine:
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "0060":
            raise EvidenceError("MEMBER_MISSING", member=name)
        return name

    with pytest.raises(EvidenceError):
        told.extend(share(check))
    assert told == NAMES[:60]


def test_a_mistake_of_ours_is_not_taken_for_a_finding():
    def check(name):
        return 1 / (int(name) - 50)

    with pytest.raises(ZeroDivisionError):
        checked(check, 2)


def test_an_error_stays_itself_on_its_way_between_processes():
    again = pickle.loads(pickle.dumps(TreeError("TILE_DIFFERS", tile="tile/0/000")))
    assert (type(again), again.code, again.facts) == (TreeError, "TILE_DIFFERS", {"tile": "tile/0/000"})
    assert str(again) == "TILE_DIFFERS (tile=tile/0/000)"


@pytest.fixture(scope="module")
def many():
    """A log with as many contracts as several processes share, and their signed bytes by name."""
    log, signed = begin(), []
    for number in range(workers.LEAST):
        subject = f"contract:01JB{number:016d}"
        contract = make_contract(log, subject)
        entries = sign(contract)
        tell(log, contract, entries, subject=subject, upto=4)
        signed.append((contract, entries))
    return log, signed


def the_file(path, alone, monkeypatch):
    """What verify.py says of the bundle, with one processor and with two."""
    with path.open("rb") as file, monkeypatch.context() as machine:
        machine.setattr(os, "cpu_count", lambda: 1 if alone else 2)
        return verify.Checker(file, POLICY, None, None).report()


def test_the_one_file_shares_contracts_too_and_says_what_it_says_alone(tmp_path, many, monkeypatch):
    log, signed = many
    path = tmp_path / "good.zip"
    path.write_bytes(write(log, [jws(*one) for one in signed], scope=WHOLE_LOG))
    alone = the_file(path, True, monkeypatch)
    assert alone == the_file(path, False, monkeypatch)
    assert [line[1] for line in alone if line[0] == "CONTRACT"] == ["pass"] * len(signed)


def test_the_one_file_stops_at_the_first_bad_signature_however_many_there_are(tmp_path, many, monkeypatch):
    log, signed = many
    bad = [jws(c, [a, {**b, "signature": b["signature"][:-4] + "AAAA"}]) for c, (a, b) in signed[::40]]
    good = [jws(*one) for number, one in enumerate(signed) if number % 40]
    path = tmp_path / "bad.zip"
    path.write_bytes(write(log, [*bad, *good], scope=WHOLE_LOG))
    alone = the_file(path, True, monkeypatch)
    assert alone == the_file(path, False, monkeypatch)
    assert alone[-1][:3] == ("CONTRACT", "fail", "SIGNATURE")
    assert [line.what for line in evidence.check(path, POLICY).lines] == [line[0] for line in alone]


def test_what_the_one_file_shares_is_done_by_other_processes_and_told_in_order(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    told = list(verify.each(lambda name: (name, os.getpid()), NAMES))
    assert [name for name, _ in told] == NAMES
    assert os.getpid() not in {process for _, process in told}
    alone = list(verify.each(lambda name: (name, os.getpid()), NAMES[: verify.PART]))
    assert {process for _, process in alone} == {os.getpid()}


def test_an_evidence_file_with_many_contracts_is_judged_alike(tmp_path, many):
    log, signed = many
    path = tmp_path / "good.zip"
    path.write_bytes(write(log, [jws(*one) for one in signed], scope=WHOLE_LOG))
    alone, shared = (evidence.check(path, POLICY, processes=number) for number in (1, 2))
    assert alone.ok
    assert alone.plain() == shared.plain()
    assert sum(line.what == "CONTRACT" for line in shared.lines) == len(signed)


def test_one_bad_signature_among_many_is_found_and_named_alike(tmp_path, many):
    log, signed = many
    (contract, (first, second)), *others = signed
    wrong = [first, {**second, "signature": second["signature"][:-4] + "AAAA"}]
    path = tmp_path / "bad.zip"
    path.write_bytes(write(log, [jws(contract, wrong), *(jws(*one) for one in others)], scope=WHOLE_LOG))
    alone, shared = (evidence.check(path, POLICY, processes=number) for number in (1, 2))
    assert not shared.ok
    assert alone.plain() == shared.plain()
    assert shared.lines[-1].problem.code == "SIGNATURE_INVALID"
