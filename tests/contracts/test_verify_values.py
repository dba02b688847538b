"""Values beside the log in a bundle, judged alike by both checkers: salted disclosures and outside proofs of time."""

import json
import time
from datetime import timedelta

import pytest

from contracts import canonical, evidence, verify
from contracts.__main__ import main
from contracts.evidence import WHOLE_LOG
from contracts.log import checkpoint, timestamp
from tests.contracts import story
from tests.contracts.story import CONTRACT, jws, whole_story, write
from tests.contracts.test_verify import agreed, other, ours
from tests.tsa import Authority


@pytest.fixture(scope="module")
def told():
    """A contract's whole story, with its log."""
    return whole_story()


def salted_log(name="deed", value="Nguyễn Văn A"):
    """A log whose one record commits to a salted value, and the value's disclosure (RFC 9901 section 4.2.1)."""
    text = canonical.b64url(json.dumps(["c2FsdC1vZi0xMjgtYml0cw", name, value]).encode())
    digest = canonical.sha256_b64url(text.encode()).removeprefix("sha-256:")
    fields = {
        "v": 1,
        "log": story.ORIGIN,
        "t": "audit.looked",
        "at": 1,
        "id": "event-000000000000",
        "actor": "system",
        "on": ["warrant:w"],
        "prev": None,
        "h": {},
        "d": {},
        "_sd": [digest],
        "_sd_alg": "sha-256",
    }
    log = story.Log()
    log.leaves.append(canonical.dumps(fields))
    return log, text


def test_a_disclosed_value_must_have_its_digest_in_the_record():
    log, text = salted_log()
    for given, fails in [(text, False), (salted_log("other")[1], True), ("e30", True), ("!", True), (text + "=", True)]:
        more = evidence.Extras(disclosures={("event-000000000000", 0): given})
        assert agreed(write(log, [], scope=WHOLE_LOG, more=more)) == ("DISCLOSURES" if fails else None)
    for name, value, fails in [
        ("n", 1, False), ("n", True, False), ("n", "x" * 20_000, True), ("", 1, True), ("_sd", 1, True),
        ("n", 1.5, True), ("n", 2**53, True), ("n", [1], True), ("n", None, True), ("n", "\ud800", True),
    ]:  # fmt: skip
        log, text = salted_log(name, value)
        more = evidence.Extras(disclosures={("event-000000000000", 0): text})
        assert agreed(write(log, [], scope=WHOLE_LOG, more=more)) == ("DISCLOSURES" if fails else None), (name, value)
    plain = story.Log()
    plain.add("audit.looked", "warrant:w")
    for event in ("event-000000000000", "event-000000000001"):
        more = evidence.Extras(disclosures={(event, 0): text})
        assert agreed(write(plain, [], scope=WHOLE_LOG, more=more)) == "DISCLOSURES"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A time-stamping authority of our own."""
    return Authority(tmp_path_factory.mktemp("tsa") / "authority")


@pytest.mark.parametrize("scope", [CONTRACT, WHOLE_LOG])
def test_time_stamps_are_checked_with_the_authoritys_certificate_and_never_called_good_without(
    told, authority, scope, tmp_path, capsys
):
    log, contract, entries = told
    roots = authority.roots
    texts = {size: checkpoint.format_checkpoint(log.head(size)).encode() for size in (story.BEGUN, len(log.leaves))}
    tokens = {size: authority.stamp(timestamp.request(text, size)) for size, text in texts.items()}
    data = write(log, [jws(contract, entries)], scope=scope, more=story.extras(log, timestamps=tokens))
    stamped = [line[1] for line in other(data, tsa=roots) if line[0] == "STAMPS"]
    assert stamped == ["pass", "pass"]
    assert agreed(data) is None
    assert [line.mark for line in ours(data).lines if line.what == "STAMPS_UNCHECKED"] == ["unchecked"]
    assert {line[1] for line in other(data) if line[0] == "STAMPS"} == {"not checked"}
    swapped = dict(zip(tokens, reversed(tokens.values()), strict=True))
    data = write(log, [jws(contract, entries)], scope=scope, more=story.extras(log, timestamps=swapped))
    assert other(data, tsa=roots)[-1][:3] == ("STAMPS", "fail", "STAMP")
    path = tmp_path / "bundle.zip"
    path.write_bytes(data)
    command = ["verify", str(path), "--tsa", str(roots), "--lang", "en"]
    assert main(command) == 1
    assert "TIMESTAMP_OF_ANOTHER_TEXT" in capsys.readouterr().out
    path.write_bytes(write(log, [jws(contract, entries)], scope=scope, more=story.extras(log, timestamps=tokens)))
    assert main(command) == 0
    assert capsys.readouterr().out.count("Time-stamp") == 2
    assert main(["verify", str(path), "--tsa", str(path)]) == 2
    stray = write(log, [jws(contract, entries)], scope=scope, more=story.extras(log, timestamps={9: b"token"}))
    assert agreed(stray) == "STAMPS"


def test_a_time_stamp_outlives_the_certificate_that_made_it(told, tmp_path):
    log, contract, entries = told
    authority = Authority(tmp_path / "brief", lasts=timedelta(seconds=2))
    text = checkpoint.format_checkpoint(log.head()).encode()
    token = authority.stamp(timestamp.request(text, 1))
    data = write(log, [jws(contract, entries)], more=story.extras(log, timestamps={len(log.leaves): token}))
    time.sleep(3)
    assert not authority.verify(token, text), "openssl judges by its own clock unless it is told another time"
    assert [line[1] for line in other(data, tsa=authority.roots) if line[0] == "STAMPS"] == ["pass"]
    late = Authority(tmp_path / "late", expired=True)
    token = late.stamp_by_hand(token)
    assert not verify.stamp_holds(*asked(tmp_path, token, text), late.roots), "run out before it signed"


def asked(folder, token, text):
    (folder / "token").write_bytes(token)
    (folder / "data").write_bytes(text)
    return ["openssl", "ts", "-in", folder / "token"], folder / "data"
