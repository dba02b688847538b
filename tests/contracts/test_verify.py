"""The two checkers, contracts.evidence and the one file verify.py, judge alike whatever they are given."""

import ast
import hashlib
import io
import itertools
import json
import os
import subprocess
import sys
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts import archive, bundle, canonical, evidence, signature, verify
from contracts.__main__ import main
from contracts.evidence import WHOLE_LOG
from contracts.log import checkpoint, events, leaf, tiles, tree
from tests.contracts import story
from tests.contracts.story import CONTRACT, POLICY, jws, tell, whole_story, write
from tests.contracts.test_evidence import repack

FILE = Path(verify.__file__)


def ours(data, policy=POLICY, head=None):
    return evidence.check_bytes(data, policy, saved_head=head)


def other(data, policy=POLICY, head=None, tsa=None):
    """The lines of verify.py: check, result, code, where."""
    return verify.Checker(io.BytesIO(data), policy, head, tsa).report()


def agreed(data, policy=POLICY, head=None):
    """What both say: None when the bundle holds, else the check that fails; a test fails where they differ."""
    one, two = ours(data, policy, head), other(data, policy, head)
    failed = [line[0] for line in two if line[1] == "fail"]
    assert one.ok == (not failed), (one.lines[-1], two[-1])
    return failed[0] if failed else None


@pytest.fixture(scope="module")
def told():
    return whole_story()


@pytest.fixture(scope="module", params=[CONTRACT, WHOLE_LOG])
def good(request, told):
    log, contract, entries = told
    return write(log, [jws(contract, entries)], scope=request.param)


def long_log(count):
    """A log of several tiles with a contract at its end, and older heads of all kinds of sizes."""
    log = story.begin()
    for number in range(count):
        log.add("audit.looked", f"warrant:w{number % 7}", d={"what": "Đơn hàng" if number % 3 else "desk", "n": number})
    contract = story.make_contract(log)
    entries = story.sign(contract)
    tell(log, contract, entries)
    return log, contract, entries


@pytest.fixture(scope="module")
def long():
    return long_log(700)


def test_both_pass_what_is_good(good):
    assert agreed(good) is None
    assert agreed(good, None) is None
    assert ("NOT_PINNED", "note") in {line[:2] for line in other(good, None)}


@pytest.mark.parametrize("upto", range(2, 7))
def test_both_pass_a_contract_on_its_way(upto):
    log, contract, entries = whole_story(upto)
    for scope in (CONTRACT, WHOLE_LOG):
        assert agreed(write(log, [jws(contract, entries[: upto - 1])], scope=scope)) is None


@pytest.mark.parametrize("scope", [CONTRACT, WHOLE_LOG])
def test_older_heads_of_every_shape_lie_on_the_history_of_both(long, scope):
    log, contract, entries = long
    sizes = [1, 2, 3, 255, 256, 257, 511, 512, 513, 703, 704, len(log.leaves) - 1, len(log.leaves)]
    data = write(log, [jws(contract, entries)], scope=scope, more=story.extras(log, sizes))
    assert agreed(data) is None
    for size in sizes:
        assert agreed(data, head=log.signed_head(size).encode()) is None
    false = story.extras(log, sizes)
    forked = checkpoint.sign_checkpoint(checkpoint.Checkpoint(story.ORIGIN, 512, b"f" * 32), story.LOG_KEY)
    false.heads[512] = evidence.OlderHead(forked, false.heads[512].consistency)
    assert agreed(write(log, [jws(contract, entries)], scope=scope, more=false)) == "HEADS"


def test_a_kept_head_of_another_history_is_found_and_one_without_proof_is_not_called_good(long):
    log, contract, entries = long
    forked = checkpoint.sign_checkpoint(checkpoint.Checkpoint(story.ORIGIN, 300, b"f" * 32), story.LOG_KEY).encode()
    newer = checkpoint.sign_checkpoint(checkpoint.Checkpoint(story.ORIGIN, 9999, b"f" * 32), story.LOG_KEY).encode()
    foreign = checkpoint.sign_checkpoint(checkpoint.Checkpoint("else.example", 300, b"f" * 32), story.LOG_KEY).encode()
    whole = write(log, [jws(contract, entries)], scope=WHOLE_LOG)
    one = write(log, [jws(contract, entries)])
    for data, head in [(whole, forked), (whole, foreign), (whole, b"nonsense"), (one, b"\n\n")]:
        assert agreed(data, head=head) == "SAVED_HEAD"
    for data, head in [(one, forked), (one, foreign), (one, newer), (whole, newer)]:
        assert agreed(data, head=head) is None
        assert [line.mark for line in ours(data, head=head).lines if line.what == "SAVED_HEAD"] == ["unchecked"]
        assert [line[1] for line in other(data, head=head) if line[0] == "SAVED_HEAD"] == ["not checked"]


def test_a_head_that_the_parties_signed_and_the_bundle_cannot_prove_is_said_to_be_unchecked(told):
    log, contract, entries = told
    data = write(log, [jws(contract, entries)], more=evidence.Extras())
    assert agreed(data) is None
    assert "PINNED_HEADS" in {line.what for line in ours(data).lines if line.mark == "unchecked"}
    assert ("PINNED_HEAD", "not checked") in {line[:2] for line in other(data)}


def test_how_far_a_story_goes_is_said_by_both_for_its_end_may_have_been_left_out(told):
    log, contract, entries = told
    records = log.records(CONTRACT)
    for cut in (records, records[:-1]):
        data, last = write(log, [jws(contract, entries)], records=cut), cut[-1].index
        [line] = [line for line in ours(data).lines if line.what == "CHAINS"]
        assert line.detail["last"] == last
        [where] = [where for check, _, _, where in other(data) if check == "CHAINS"]
        assert where == f"1, {last} / {len(log.leaves)}"


def test_both_find_any_flipped_bit(good):
    for at in range(0, len(good), 23):
        changed = good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :]
        assert agreed(changed) == "ARCHIVE", at


@pytest.mark.parametrize(
    "change", [lambda d: d + b"\0", lambda d: b"\0" + d, lambda d: d[:-1], lambda d: b"", lambda d: d[:31]]
)
def test_both_find_added_and_removed_bytes(good, change):
    assert agreed(change(good)) == "ARCHIVE"


def test_neither_reads_into_memory_what_follows_the_index(told, tmp_path):
    log, contract, entries = told
    path = tmp_path / "evidence.zip"
    path.write_bytes(write(log, [jws(contract, entries)]))
    os.truncate(path, 2**30)  # a gigabyte of nothing
    with path.open("rb") as file:
        for check in (lambda: evidence.check(path).plain(), lambda: verify.Checker(file, None, None, None).report()):
            tracemalloc.start()
            assert "ARCHIVE" in str(check())
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 2**24


def test_both_judge_alike_what_a_careful_forger_repacks(good):
    members, passed = archive.unpack(good), []
    for name, data in members.items():
        for at in range(0, len(data), max(1, len(data) // 40)):
            changed = {**members, name: data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]}
            if agreed(repack(changed, manifest=name != bundle.MANIFEST)) is None:
                passed.append(name)
    assert set(passed) <= set(evidence.KNOWN_TEXTS)  # texts for people are remarked on


def test_both_remark_on_another_text(good):
    for name in evidence.KNOWN_TEXTS:
        data = repack({**archive.unpack(good), name: b"Run: curl example.com | sh"})
        assert [line.what for line in ours(data).lines if line.warning] == ["TEXT_DIFFERS"]
        assert [line[:2] for line in other(data) if line[1] == "note"] == [("TEXT", "note")]


def test_both_miss_and_refuse_the_same_members(good):
    members = archive.unpack(good)
    whole_log = b'"scope":"log"' in members["bundle.json"]
    for name in members:
        rest = {other: data for other, data in members.items() if other != name}
        whole = repack(rest, manifest=name != bundle.MANIFEST)
        optional = whole_log and name.startswith(("contracts/", "checkpoints/"))
        assert (agreed(whole) is None) == optional, name
        assert agreed(repack({**rest, f"other/{name}": members[name]}, manifest=name != bundle.MANIFEST)), name
    for extra in ("x", "entries/x", "tile/0/001", "tile/entries/000", "checkpoints/7", "timestamps/3", "keys.json.old"):
        assert agreed(repack({**members, extra: b"{}"})), extra
    checked = [name for name in members if name not in (*evidence.KNOWN_TEXTS, bundle.MANIFEST)]
    for one, two in itertools.combinations(checked, 2):
        if members[one] != members[two]:
            assert agreed(repack({**members, one: members[two], two: members[one]})), (one, two)


HOSTILE = [
    b"",
    b"\xff",
    b"{}",
    b"[]",
    b"null",
    b"1",
    b"[" * 100_000,
    b'{"a":' * 5000,
    b"1" * 6000,
    b"\n\n",
    b"a\n1\nb\n\nx",
    b'{"payload":"","signatures":[]}',
    b'{"payload":1,"signatures":1}',
    b'[{"since":true,"until":null,"vkey":"x"}]',
    b'[{"since":0,"until":null,"vkey":"a+b+c"}]',
    "— x y\n".encode(),
    b"log a+b+c\nquorum none\n",
    b"quorum none\n",
    b"c2sp.org/tlog-proof@v1\nindex 0\n\n",
    b"\x00\x01{",
]


def test_hostile_content_anywhere_is_a_failed_check_of_both_never_a_crash(good):
    members = archive.unpack(good)
    for name in members:
        if name not in evidence.KNOWN_TEXTS:
            for content in HOSTILE:
                if name == "policy" and content == b"quorum none\n":
                    continue  # trusts nobody, which is sound
                assert agreed(repack({**members, name: content}, manifest=name != bundle.MANIFEST)), (
                    name,
                    content[:20],
                )


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "quorum none\n",
        "log x\n",
        "log a+b+c\nquorum none",
        "nonsense",
        "quorum q\n",
        f"log {story.VKEY}\n",
        f"log {story.VKEY}\nlog {story.VKEY}\nquorum none\n",
        f"log {story.VKEY}\ngroup g any x\nquorum g\n",
        f"log {story.VKEY}\nquorum none\nquorum none\n",
        f"log {story.VKEY}\x01\nquorum none\n",
    ],
)
def test_both_refuse_a_policy_that_says_nothing_sound(good, policy):
    assert agreed(good, policy) == "CHECKPOINT"


def test_both_count_witnesses_in_groups(told):
    log, contract, entries = told
    names = ("reg", "one", "two", "three")
    private = {name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"w")) for name in names}
    kind = checkpoint.KeyType.COSIGNATURE
    keys = {name: checkpoint.verifier_key(f"{name}.example/w", key, kind) for name, key in private.items()}
    text = checkpoint.format_checkpoint(log.head())
    lines = "".join(f"witness {name} {checkpoint.format_vkey(key)}\n" for name, key in keys.items())
    policy = (
        f"log {story.VKEY}\n# whom we trust\n{lines}group parties 2 one two three\ngroup q all reg parties\nquorum q\n"
    )
    for present in [(), ("reg",), ("reg", "one"), ("one", "two", "three"), ("reg", "one", "three"), names]:
        cosigned = [checkpoint.cosign_note(text, keys[name].name, private[name], 1_790_000_000) for name in present]
        note = checkpoint.sign_checkpoint(log.head(), story.LOG_KEY, *cosigned)
        data = write(log, [jws(contract, entries)], note=note)
        enough = "reg" in present and len(present) >= 3
        assert agreed(data, policy) == (None if enough else "CHECKPOINT"), present
        if present:
            broken = note.replace(str(len(log.leaves)), str(len(log.leaves) + 1), 1)
            assert agreed(write(log, [jws(contract, entries)], note=broken), policy) == "CHECKPOINT"


@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "RS256", "PS256"])
def test_both_check_every_algorithm(alg, monkeypatch):
    keys = {**story.KEYS, "buyer-org": signature.generate(alg)}
    monkeypatch.setattr(story, "KEYS", keys)
    log = story.begin()
    contract = story.make_contract(log)
    later = story.NOW + timedelta(minutes=1)
    entries = [
        signature.sign(contract.payload, key, now=later, alg=alg if org == "buyer-org" else None)
        for org, key in keys.items()
    ]
    tell(log, contract, entries)
    assert agreed(write(log, [jws(contract, entries)])) is None
    raw = bytearray(signature.decode(entries[1]["signature"], "signature"))
    for at in (0, 1, len(raw) // 2, len(raw) - 1):
        forged = bytes([*raw[:at], raw[at] ^ 4, *raw[at + 1 :]])
        log = story.begin()
        false = [entries[0], {**entries[1], "signature": canonical.b64url(forged)}]
        tell(log, contract, false)
        assert agreed(write(log, [jws(contract, false)])) == "CONTRACT"


def revoke(log, org, position):
    kid = signature.thumbprint(signature.public_jwk(story.KEYS[org]))
    log.add("key.revoked", f"key:{kid}", f"org:{org}", actor=f"org:{org}")


@pytest.mark.parametrize(("when", "expected"), [("before", "CONTRACT"), ("after", None)])
@pytest.mark.parametrize("scope", [CONTRACT, WHOLE_LOG])
def test_a_key_that_was_revoked_before_it_signed_is_refused_by_both(when, expected, scope):
    log = story.begin()
    contract = story.make_contract(log)
    entries = story.sign(contract)
    if when == "before":
        revoke(log, "buyer-org", 0)
    tell(log, contract, entries)
    if when == "after":
        revoke(log, "buyer-org", 0)
    records = {record.index: record for record in log.records(CONTRACT)}
    reader = tiles.EntryReader(log.leaves)
    for index, data in enumerate(log.leaves):
        if leaf.parse(data).type == "key.revoked":
            records[index] = evidence.Record(index, data, tree.prove_inclusion(reader, index, len(log.leaves)))
    chosen = None if scope == WHOLE_LOG else list(records.values())
    data = write(log, [jws(contract, entries)], scope=scope, records=chosen)
    assert agreed(data) == expected
    if expected:
        assert ours(data).lines[-1].problem.code == "KEY_REVOKED"
        assert other(data)[-1][2] == "REVOKED"


def test_a_false_story_is_refused_by_both():
    from tests.contracts import test_evidence

    for edit in (
        test_evidence.active_too_early,
        test_evidence.delivery_before_active,
        test_evidence.delivery_after_end,
        test_evidence.active_twice,
        test_evidence.agreed_twice,
        test_evidence.ended_before_agreed,
        test_evidence.signed_by_a_stranger,
        test_evidence.signature_not_logged,
        test_evidence.signature_swapped,
        test_evidence.signature_broken,
        test_evidence.other_hash_in_between,
        test_evidence.another_document,
        test_evidence.event_repeated,
    ):
        assert agreed(test_evidence.forge(edit)), edit.__name__


def one_sided(body):
    body["needs"] = body["needs"][:1]


def nobodys(body):
    body["needs"] = []


def without_a_buyer(body):
    body["parties"], body["needs"] = body["parties"][:1], body["needs"][:1]


def with_itself(body):
    body["parties"][1] |= {"org_id": body["parties"][0]["org_id"], "keys": []}
    body["needs"] = body["needs"][:1]


@pytest.mark.parametrize("edit", [one_sided, nobodys, without_a_buyer, with_itself])
def test_a_contract_that_does_not_need_both_sides_is_refused_by_both(edit):
    """The exchange writes the document: one that asks only one side to sign must not pass as a contract of two."""
    log = story.begin()
    body = canonical.loads(story.make_contract(log).payload)
    edit(body)
    payload = canonical.dumps(body)
    agreed_on = {"contract": canonical.sha256_b64url(payload)}
    entries = [signature.sign(payload, story.KEYS[org], now=story.NOW) for org in body["needs"]]
    log.add("contract.agreed", CONTRACT, actor="org:provider-org", h=agreed_on)
    for org, entry in zip(body["needs"], entries, strict=True):
        hashes = {**agreed_on, "signature": canonical.digest(entry)}
        log.add("contract.signed", CONTRACT, actor=f"org:{org}", h=hashes)
    log.add("contract.active", CONTRACT, h=agreed_on)
    signed = canonical.dumps(signature.assemble(payload, entries))
    assert agreed(write(log, [signed], scope=WHOLE_LOG)) == "CONTRACT"


@pytest.mark.parametrize("scope", [CONTRACT, WHOLE_LOG])
@pytest.mark.parametrize("step", range(6))
def test_a_step_of_a_contract_outside_its_own_chain_is_refused_by_both(step, scope):
    """No gap would show where such a record is left out; one that is there must not count as a signature."""
    log = story.begin()
    contract = story.make_contract(log)
    entries = story.sign(contract)
    add = log.add
    steps = itertools.count()

    def aside(event, *on, **more):
        if on[0] == CONTRACT and next(steps) == step and event != "delivery.made":
            on = on[::-1]
        return add(event, *on, **more)

    log.add = aside
    tell(log, contract, entries)
    expected = None if step == 4 else "CONTRACT"
    assert agreed(write(log, [jws(contract, entries)], scope=scope)) == expected
    if step in (1, 2):
        del entries[step - 1]  # as if an unsigned contract had been in force
        assert agreed(write(log, [jws(contract, entries)], scope=scope)) == "CONTRACT"


def test_only_the_exchange_puts_a_contract_in_force_for_both():
    log = story.begin()
    contract = story.make_contract(log)
    entries = story.sign(contract)
    add = log.add

    def by_a_party(event, *on, **more):
        return add(event, *on, **{**more, "actor": "org:buyer"} if event == "contract.active" else more)

    log.add = by_a_party
    tell(log, contract, entries)
    assert agreed(write(log, [jws(contract, entries)], scope=WHOLE_LOG)) == "CONTRACT"


def test_both_ask_the_key_history(told):
    log, contract, entries = told
    other_key = checkpoint.format_vkey(checkpoint.verifier_key(story.ORIGIN, Ed25519PrivateKey.generate()))
    spans = evidence.KeySpan
    for keys, expected in [
        ((spans(story.VKEY),), None),
        ((spans(other_key, 0, 2), spans(story.VKEY, 3)), None),
        ((spans(story.VKEY, 0, 15), spans(other_key, 15)), None),
        ((spans(other_key),), "CHECKPOINT"),
        ((spans(story.VKEY, 16),), "CHECKPOINT"),
        ((spans(story.VKEY, 0, 14),), "CHECKPOINT"),
        ((spans(story.VKEY, 4),), "HEADS"),
    ]:
        assert agreed(write(log, [jws(contract, entries)], more=story.extras(log, keys=keys))) == expected


def renamed(log, **details):
    """The log goes on under another name after what is in it, or so says its record."""
    before, log.leaves[:] = list(log.leaves), []
    log.add("log.restarted", "logkey:0a0b0c0d", d=details)
    [restarted] = log.leaves
    old = [data.replace(story.ORIGIN.encode(), b"log.minhbach.example/2025") for data in before]
    log.leaves[:] = [*old, restarted.replace(b"event-000000000000", b"event-restarted00")]
    return log


@pytest.mark.parametrize(
    ("details", "expected"),
    [({"origin": "log.minhbach.example/2025"}, None), ({"origin": "log.else"}, "CHAINS"), ({}, "CHAINS")],
)
def test_a_log_that_was_given_another_name_is_one_history_if_its_record_says_so(details, expected):
    log = renamed(story.begin(), **details)
    kept = checkpoint.Checkpoint("log.minhbach.example/2025", 3, tree.root_of(log.leaves[:3]))
    head = checkpoint.sign_checkpoint(kept, story.LOG_KEY).encode()
    assert agreed(write(log, [], scope=WHOLE_LOG, more=evidence.Extras()), head=head) == expected


# One sound record.
FIELDS = {
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
}


def salted_log(name="deed", value="Nguyễn Văn A"):
    """A log whose one record commits to a salted value, and the value's disclosure (RFC 9901 section 4.2.1)."""
    text = canonical.b64url(json.dumps(["c2FsdC1vZi0xMjgtYml0cw", name, value]).encode())
    digest = canonical.sha256_b64url(text.encode()).removeprefix("sha-256:")
    fields = FIELDS | {"_sd": [digest], "_sd_alg": "sha-256"}
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


LEAVES = [
    {"t": "listing.sold"},
    {"v": 2},
    {"v": True},
    {"at": -1},
    {"at": "1"},
    {"at": True},
    {"at": 2**53},
    {"id": "short"},
    {"actor": "An"},
    {"on": []},
    {"on": ["warrant:w", "warrant:w"]},
    {"on": ["x"]},
    {"on": "warrant:w"},
    {"prev": 1},
    {"h": {"A": "sha-256:x"}},
    {"h": {"a": "sha-256:" + "A" * 42 + "B"}},
    {"h": []},
    {"d": {"a": None}},
    {"d": {"a": []}},
    {"d": {"a": "x" * 513}},
    {"d": {"a": "e\u0301"}},
    {"d": {"a": "\u202e"}},
    {"d": {"A": 1}},
    {"d": 1},
    {"d": {"a": 1.5}},
    {"d": {f"n{i}": 1 for i in range(33)}},
    {"log": "else"},
    {"extra": 1},
    {"t": "contract.agreed"},
    {"t": []},
    {"d": {"a": "x" * 500, "b": True, "c": -(2**53) + 1, "d": "Nguyễn Văn A \u00a0", "e": "\U0001f600"}},
    {"h": {}},
    {"h": {f"n{i}": "sha-256:" + "A" * 43 for i in range(200)}},
]


@pytest.mark.parametrize("change", LEAVES)
def test_both_read_records_under_one_schema(change):
    fields = FIELDS | change
    log = story.Log()
    log.leaves.append(json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    agreed(write(log, [], scope=WHOLE_LOG))


def test_the_one_file_knows_the_same_events_and_texts():
    assert [event for event in events.EventType if not verify.TYPES.fullmatch(event)] == []
    assert not verify.TYPES.fullmatch("listing.sold")
    needed = {event.value: set(names) for event, names in events.REQUIRED_HASHES.items()}
    assert needed == verify.HASHES
    assert hashlib.sha256(bundle.READ_ME.encode()).hexdigest() == verify.READ_ME_SHA256


def test_the_one_file_imports_nothing_of_ours():
    names = set()
    for node in ast.walk(ast.parse(FILE.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    assert names <= {*sys.stdlib_module_names, "cryptography"}


def test_the_one_file_runs_alone_and_is_the_one_in_the_bundle(good, tmp_path):
    program, file, policy, head = (tmp_path / name for name in ("verify.py", "bundle.zip", "policy", "head"))
    program.write_bytes(archive.unpack(good)["verify.py"])
    assert program.read_bytes() == FILE.read_bytes()
    file.write_bytes(good)
    policy.write_text(POLICY)
    head.write_bytes(archive.unpack(good)["checkpoint"])

    def run(*arguments):
        command = [sys.executable, "-I", str(program), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, encoding="utf-8")

    done = run(file, "--policy", policy, "--head", head, "--lang", "en")
    assert (done.returncode, done.stderr) == (0, "")
    assert "[PASS] The head that you kept" in done.stdout
    assert "HỢP LỆ" not in done.stdout
    report = json.loads(run(file, "--policy", policy, "--json").stdout)
    assert report["ok"] is True
    assert {line["result"] for line in report["lines"]} == {"pass"}
    file.write_bytes(good[:-1])
    done = run(file, "--lang", "vi")
    assert (done.returncode, done.stderr) == (1, "")
    assert "KHÔNG hợp lệ" in done.stdout
    assert run(tmp_path / "absent.zip").returncode == 2


def test_the_command_gives_json_and_takes_a_kept_head(good, tmp_path, capsys):
    file, head = tmp_path / "bundle.zip", tmp_path / "head"
    file.write_bytes(good)
    head.write_bytes(archive.unpack(good)["checkpoint"])
    assert main(["verify", str(file), "--head", str(head), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    assert {line["check"] for line in report["lines"]} >= {"ARCHIVE", "SAVED_HEAD", "CONTRACT"}
    assert all(line["vi"] and line["en"] for line in report["lines"])
