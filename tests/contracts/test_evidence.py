"""The evidence bundle: what it proves, and that each kind of falsification is found and named."""

import ast
import hashlib
import io
import string
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import contracts
from contracts import archive, bundle, canonical, evidence, evidence_words, signature
from contracts.__main__ import main
from contracts.errors import EvidenceError
from contracts.evidence import WHOLE_LOG
from contracts.log import checkpoint
from tests.contracts import story
from tests.contracts.story import CONTRACT, POLICY, jws, tell, whole_story, write


@pytest.fixture(scope="module")
def told():
    return whole_story()


@pytest.fixture(scope="module")
def good(told):
    log, contract, entries = told
    return write(log, [jws(contract, entries)])


def failure(data, policy=POLICY):
    """The code of the one failed check."""
    report = evidence.check_bytes(data, policy)
    assert not report.ok
    assert [line.ok for line in report.lines].count(False) == 1
    assert report.lines[-1].problem is not None
    for lang in ("vi", "en"):
        assert report.lines[-1].problem.code in report.lines[-1].say(lang)
    return report.lines[-1].problem.code


def test_a_contract_is_checked_line_by_line(good):
    report = evidence.check_bytes(good, POLICY)
    assert report.ok
    assert [line.what for line in report.lines] == [
        "ARCHIVE",
        "MANIFEST",
        "CHECKPOINT",
        "ENTRIES",
        "HEADS",
        "CHAINS",
        "CONTRACT",
    ]
    assert report.lines[-1].detail["state"] == "ended"
    assert "provider-org (Ed25519, key), buyer-org (Ed25519, key)" in report.lines[-1].say("en")


def test_the_whole_log_is_checked_with_every_contract(told):
    log, contract, entries = told
    report = evidence.check_bytes(write(log, [jws(contract, entries)], scope=WHOLE_LOG), POLICY)
    assert report.ok
    without = evidence.check_bytes(write(log, [], scope=WHOLE_LOG), POLICY)
    assert without.ok
    assert [line.what for line in without.lines if line.warning] == ["DOCUMENTS_ABSENT"]


def test_an_empty_log_is_a_log():
    report = evidence.check_bytes(write(story.Log(), [], scope=WHOLE_LOG), POLICY)
    assert report.ok
    assert report.lines[-1].say("en") == "[PASS] No contract in this bundle"


@pytest.mark.parametrize(("upto", "state"), [(2, "open"), (3, "open"), (4, "active"), (5, "active")])
def test_a_contract_on_its_way_has_evidence_too(upto, state):
    log, contract, entries = whole_story(upto)
    report = evidence.check_bytes(write(log, [jws(contract, entries[: upto - 1])]), POLICY)
    assert report.ok
    assert report.lines[-1].detail["state"] == state


def test_the_same_values_make_the_same_bytes_and_any_zip_program_reads_them(told, good):
    log, contract, entries = told
    assert write(log, [jws(contract, entries)]) == good
    with zipfile.ZipFile(io.BytesIO(good)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == sorted(opened.namelist())
        assert opened.read("checkpoint").decode() == log.signed_head()


def test_every_changed_byte_is_found(good):
    for at in range(len(good)):
        with pytest.raises(EvidenceError) as caught:
            archive.unpack(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        facts = caught.value.facts
        if caught.value.code == "ARCHIVE_CONTENT":
            assert facts["start"] <= at < facts["end"]
        assert {"at", "start"} & facts.keys()


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_fails_the_report(good, bit):
    for at in range(bit, len(good), 101):  # every byte of the file is covered by the test above
        report = evidence.check_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :], POLICY)
        assert not report.ok
        assert report.lines[0].what == "ARCHIVE"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\0",
        lambda data: b"\0" + data,
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[:-2] + b"\x05\x00hello",
    ],
)
def test_added_and_removed_bytes_are_found(good, change):
    assert failure(change(good)).startswith("ARCHIVE_")


def test_an_honest_zip_of_another_program_is_not_the_one_spelling(good):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in archive.unpack(good).items():
            made.writestr(name, data)
    assert failure(out.getvalue()).startswith("ARCHIVE_")


def repack(members, *, manifest=True):
    """What a careful forger does: a correct zip with a correct manifest."""
    if manifest:
        members = {name: data for name, data in members.items() if name != bundle.MANIFEST}
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
        members[bundle.MANIFEST] = bundle.manifest_of(digests)
    return archive.pack(members)


def test_every_changed_byte_inside_a_carefully_repacked_bundle_is_found(good):
    members = archive.unpack(good)
    for name, data in members.items():
        if name in evidence.KNOWN_TEXTS:
            continue
        step = 1 if name in ("bundle.json", "checkpoint") else 7
        for at in range(0, len(data), step):
            changed = {**members, name: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]}
            report = evidence.check_bytes(repack(changed, manifest=name != bundle.MANIFEST))
            assert not report.ok, (name, at)


def test_members_may_not_be_added_removed_or_renamed(good):
    members = archive.unpack(good)
    assert failure(repack({**members, "extra.txt": b"hello"})) == "MEMBER_UNEXPECTED"
    for name in members:
        rest = {other: data for other, data in members.items() if other != name}
        code = failure(repack(rest, manifest=name != bundle.MANIFEST))
        assert code in {"MEMBER_MISSING", "MEMBER_UNEXPECTED", "MANIFEST_DIFFERS", "CHAIN_BROKEN", "CONTRACT_MISSING"}
    assert failure(repack({**members, "policy": b"\xff"}, manifest=False)) == "MANIFEST_DIFFERS"
    assert failure(repack({**members, "policy": b"\xff"})) == "MEMBER_MALFORMED"


def test_the_log_must_be_the_one_the_reader_trusts(told, good):
    log, contract, entries = told
    unpinned = evidence.check_bytes(good)
    assert unpinned.ok
    assert [line.what for line in unpinned.lines if line.warning] == ["NOT_PINNED"]
    assert "--policy" in next(line for line in unpinned.lines if line.warning).say("vi")
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    key = checkpoint.format_vkey(checkpoint.verifier_key(story.ORIGIN, other))
    assert failure(good, f"log {key}\nquorum none\n") == "NOTE_KEY_UNKNOWN"
    assert failure(good, "nonsense\n") == "POLICY_LINE"
    forged = checkpoint.sign_checkpoint(log.head(), other)
    assert failure(write(log, [jws(contract, entries)], note=forged)) == "NOTE_KEY_UNKNOWN"


def test_a_policy_can_ask_for_a_witness(told, good):
    log, contract, entries = told
    witness = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    key = checkpoint.verifier_key("regulator.example/w1", witness, checkpoint.KeyType.COSIGNATURE)
    policy = f"log {story.VKEY}\nwitness reg {checkpoint.format_vkey(key)}\nquorum reg\n"
    assert failure(good, policy) == "POLICY_QUORUM"
    line = checkpoint.cosign_note(checkpoint.format_checkpoint(log.head()), key.name, witness, 1_790_000_000)
    note = checkpoint.sign_checkpoint(log.head(), story.LOG_KEY, line)
    report = evidence.check_bytes(write(log, [jws(contract, entries)], note=note), policy)
    assert report.ok
    assert report.lines[2].detail["witnesses"] == 1


def test_an_event_left_out_of_the_story_breaks_its_chain(told):
    log, contract, entries = told
    records = log.records(CONTRACT)
    for gone in range(len(records) - 1):
        left = [record for at, record in enumerate(records) if at != gone]
        assert failure(write(log, [jws(contract, entries)], records=left)) == "CHAIN_BROKEN"


def test_a_record_that_is_not_in_the_log_is_refused(told):
    log, contract, entries = told
    records = log.records(CONTRACT)
    one = records[-2]
    forged = replace(one, leaf=one.leaf.replace(b"buyer-org", b"other-org"))
    records = [*records[:-2], forged, records[-1]]
    assert failure(write(log, [jws(contract, entries)], records=records)) == "INCLUSION_FAILED"


def test_a_record_of_another_log_is_refused():
    log = story.Log()
    log.add("audit.looked", "warrant:w1")
    log.leaves[0] = log.leaves[0].replace(b"minhbach", b"elsewhere")
    assert failure(write(log, [], scope=WHOLE_LOG)) == "ENTRY_OF_ANOTHER_LOG"
    log.leaves[0] = b"{}"
    assert failure(write(log, [], scope=WHOLE_LOG)) == "ENTRY_REFUSED"


def test_a_log_that_hides_or_changes_entries_is_refused(told):
    log, _, _ = told
    records = log.all_records()
    note = log.signed_head()
    assert failure(write(log, [], scope=WHOLE_LOG, records=records[:-1], note=note)) == "LOG_SIZE_DIFFERS"
    swapped = [records[1], records[0], *records[2:]]
    renumbered = [replace(record, index=at) for at, record in enumerate(swapped)]
    assert failure(write(log, [], scope=WHOLE_LOG, records=renumbered, note=note)) == "LOG_ROOT_DIFFERS"


def forge(edit):
    """A log that its own operator signed, with a story that `edit` made wrong."""
    log = story.begin()
    contract = story.make_contract(log)
    entries = story.sign(contract)
    signed = edit(log, contract, entries)
    return write(log, [signed if signed is not None else jws(contract, entries)])


def add(log, contract, event, actor="system", **more):
    log.add(event, CONTRACT, actor=actor, h={"contract": contract.hash, **more})


def signed_event(log, contract, org, entry):
    add(log, contract, "contract.signed", f"org:{org}", signature=canonical.digest(entry))


def active_too_early(log, contract, entries):
    add(log, contract, "contract.agreed")
    signed_event(log, contract, "provider-org", entries[0])
    add(log, contract, "contract.active")
    return jws(contract, entries[:1])


def delivery_before_active(log, contract, entries):
    tell(log, contract, entries, upto=3)
    log.add("delivery.made", CONTRACT)


def delivery_after_end(log, contract, entries):
    tell(log, contract, entries)
    log.add("delivery.made", "delivery:d1", CONTRACT)


def active_twice(log, contract, entries):
    tell(log, contract, entries, upto=4)
    add(log, contract, "contract.active")


def signed_by_a_stranger(log, contract, entries):
    add(log, contract, "contract.agreed")
    signed_event(log, contract, "stranger", entries[0])
    return jws(contract, entries[:1])


def signature_not_logged(log, contract, entries):
    tell(log, contract, entries, upto=2)
    return jws(contract, entries)


def signature_swapped(log, contract, entries):
    tell(log, contract, entries)
    again = signature.sign(contract.payload, story.KEYS["buyer-org"], now=story.NOW + timedelta(minutes=2))
    return jws(contract, [entries[0], again])


def signature_broken(log, contract, entries):
    tell(log, contract, entries)
    return jws(contract, [entries[0], {**entries[1], "signature": entries[0]["signature"]}])


def other_hash_in_between(log, contract, entries):
    tell(log, contract, entries, upto=4)
    log.add("contract.ended", CONTRACT, h={"contract": canonical.sha256_b64url(b"another")})


def agreed_twice(log, contract, entries):
    add(log, contract, "contract.agreed")
    add(log, contract, "contract.agreed")
    return jws(contract, [])


def ended_before_agreed(log, contract, entries):
    add(log, contract, "contract.ended")
    add(log, contract, "contract.agreed")
    return jws(contract, [])


def another_document(log, contract, entries):
    tell(log, contract, entries)
    other = story.make_contract(log)
    return jws(other, story.sign(other))


def event_repeated(log, contract, entries):
    tell(log, contract, entries)
    log.leaves.append(log.leaves[-2])


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (active_too_early, "ACTIVE_BEFORE_SIGNED"),
        (delivery_before_active, "USED_OUT_OF_FORCE"),
        (delivery_after_end, "USED_OUT_OF_FORCE"),
        (active_twice, "OUT_OF_ORDER"),
        (agreed_twice, "OUT_OF_ORDER"),
        (ended_before_agreed, "OUT_OF_ORDER"),
        (signed_by_a_stranger, "SIGNATURE_NOT_LOGGED"),
        (signature_not_logged, "SIGNATURE_NOT_LOGGED"),
        (signature_swapped, "SIGNATURE_NOT_LOGGED"),
        (signature_broken, "SIGNATURE_INVALID"),
        (other_hash_in_between, "CONTRACT_HASH_DIFFERS"),
        (another_document, "CONTRACT_NOT_LOGGED"),
        (event_repeated, "EVENT_REPEATED"),
        (lambda log, contract, entries: canonical.dumps({"payload": "", "signatures": 1}), "NOT_JSON"),
    ],
)
def test_a_false_story_is_refused_even_when_the_log_signed_it(edit, code):
    assert failure(forge(edit)) == code


def test_a_document_that_is_not_there_is_missed(told):
    log, _, _ = told
    assert failure(write(log, [])) == "CONTRACT_MISSING"


def test_the_head_that_the_parties_signed_must_be_of_this_log():
    log = story.begin()
    later = story.begin()
    later.add("audit.looked", "warrant:w1")
    contract = story.make_contract(later)  # it names a head of 4 records, its own place is 3
    entries = story.sign(contract)
    tell(log, contract, entries)
    assert failure(write(log, [jws(contract, entries)])) == "HEAD_FROM_FUTURE"

    forked = story.Log()
    for _ in range(3):
        forked.add("audit.looked", "warrant:w1")
    contract = story.make_contract(forked)
    entries = story.sign(contract)
    log = story.begin()
    tell(log, contract, entries)
    assert failure(write(log, [jws(contract, entries)], scope=WHOLE_LOG)) == "HEAD_DIFFERS"


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_command_prints_a_line_for_each_check(good, tmp_path, capsys, lang):
    file, policy = tmp_path / "bundle.zip", tmp_path / "policy"
    file.write_bytes(good)
    policy.write_text(POLICY)
    assert main(["verify", str(file), "--policy", str(policy), "--lang", lang]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 8
    file.write_bytes(good[:100] + b"?" + good[101:])
    assert main(["verify", str(file), "--lang", lang]) == 1
    assert main(["verify", str(tmp_path / "absent.zip")]) == 2
    capsys.readouterr()


def test_the_checker_runs_with_the_contracts_package_alone(good, tmp_path):
    """No exchange, no web, no database: only what contracts/ itself needs is imported."""
    file = tmp_path / "bundle.zip"
    file.write_bytes(good)
    code = (
        "import sys; from contracts.__main__ import main; status = main(sys.argv[1:]);"
        "print([m for m in sys.modules if m.split('.')[0] in ('exchange','sandbox','flask','sqlalchemy','sqlmodel')]);"
        "sys.exit(status)"
    )
    root = Path(contracts.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", str(file)], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]")


def test_names_that_could_leave_the_folder_are_never_written():
    for name in ("../x", "/x", "a//b", ".hidden", "a\\b", "é", ""):
        with pytest.raises(EvidenceError) as caught:
            archive.pack({name: b""})
        assert caught.value.code == "ARCHIVE_NAME"


def test_a_zip_has_its_limits(monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 1)
    with pytest.raises(EvidenceError) as caught:
        archive.pack({"a": b"", "b": b""})
    assert caught.value.code == "ARCHIVE_TOO_LARGE"


def test_a_missing_fact_does_not_hide_the_sentence():
    assert evidence_words.explain(EvidenceError("MEMBER_MISSING"), "en") == "- is missing [MEMBER_MISSING]"
    assert evidence_words.explain(EvidenceError("NEVER_HEARD"), "vi").endswith("[NEVER_HEARD]")


def raised_codes():
    """Every code that these modules raise, read from their source."""
    folder = Path(contracts.__file__).parent
    files = [
        *folder.glob("log/*.py"),
        *(
            folder / f"{name}.py"
            for name in ("archive", "bundle", "canonical", "evidence", "evidence_story", "evidence_x509")
        ),
    ]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                for given in node.args[:2]:
                    if isinstance(given, ast.Constant) and isinstance(given.value, str) and is_code(given.value):
                        yield given.value


def is_code(text):
    return "_" in text and set(text) <= set(string.ascii_uppercase + string.digits + "_")


def test_every_code_has_its_sentence_in_both_languages_with_the_same_facts():
    known = evidence_words.PROBLEMS.keys() | evidence_words.CHECKS.keys()
    assert set(raised_codes()) - {"FORM_UNAVAILABLE"} <= known  # the one that is only compared with
    pairs = [*evidence_words.PROBLEMS.values(), *evidence_words._FACTS.values()]
    for vietnamese, english in pairs:
        names = [{part[1] for part in string.Formatter().parse(text) if part[1]} for text in (vietnamese, english)]
        assert names[0] == names[1], english
