"""Several processes say what one says, in the same order, and stop at the same place."""

import os
import pickle

import pytest

from contracts import evidence, workers
from contracts.errors import ContractsError, EvidenceError, TreeError
from contracts.evidence import WHOLE_LOG
from tests.contracts.story import POLICY, begin, jws, make_contract, sign, tell, write

# The test runner has threads of its own, which the command has not; Python 3.12 remarks on forking beside them.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

NAMES = [f"{number:04d}" for number in range(workers.LEAST * 2)]


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
