"""Time-stamps in evidence (RFC 3161), before both checkers and a real authority."""

import time
from datetime import timedelta

import pytest

from contracts import verify
from contracts.__main__ import main
from contracts.evidence import WHOLE_LOG
from contracts.log import checkpoint, timestamp
from tests.contracts import story
from tests.contracts.story import CONTRACT, jws, whole_story, write
from tests.contracts.test_verify import agreed, other, ours
from tests.tsa import Authority


@pytest.fixture(scope="module")
def told():
    return whole_story()


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
