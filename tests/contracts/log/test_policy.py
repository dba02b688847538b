"""The trust policy: witnesses, groups, quorum; and that what is not understood is refused by its line."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.errors import NoteError
from contracts.log import checkpoint, policy, tree
from contracts.log.checkpoint import KeyType, format_vkey, verifier_key

LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
KEY = format_vkey(verifier_key("log.example", LOG))
NAMES = ("reg", "seller", "buyer")
WITNESSES = {name: Ed25519PrivateKey.from_private_bytes(name[:1].encode() * 32) for name in NAMES}
LINES = "".join(
    f"witness {name} {format_vkey(verifier_key(f'{name}.example', key, KeyType.COSIGNATURE))}\n"
    for name, key in WITNESSES.items()
)
HEAD = checkpoint.Checkpoint("log.example", 0, tree.EMPTY_ROOT)


def head_seen_by(*names):
    text = checkpoint.format_checkpoint(HEAD)
    lines = [checkpoint.cosign_note(text, f"{name}.example", WITNESSES[name], 1_790_000_000) for name in names]
    return checkpoint.sign_checkpoint(HEAD, LOG, *lines)


@pytest.mark.parametrize(
    ("rule", "enough", "short"),
    [
        ("quorum none", [()], []),
        ("quorum reg", [("reg",), NAMES], [(), ("seller", "buyer")]),
        ("group g any seller buyer\nquorum g", [("seller",), ("buyer",)], [("reg",)]),
        ("group g all seller buyer\nquorum g", [("seller", "buyer")], [("seller",)]),
        ("group g 2 reg seller buyer\nquorum g", [("reg", "buyer")], [("reg",)]),
        (
            "group parties any seller buyer\ngroup g all reg parties\nquorum g",
            [("reg", "buyer"), NAMES],
            [("reg",), ("seller", "buyer")],
        ),
    ],
)
def test_the_quorum_decides(rule, enough, short):
    trusted = policy.parse_policy(f"# whom we trust\n\nlog {KEY} https://log.example/\n{LINES}{rule}\n")
    for names in enough:
        assert len(policy.check_policy(trusted, head_seen_by(*names)).cosigned) == len(names)
    for names in short:
        with pytest.raises(NoteError) as caught:
            policy.check_policy(trusted, head_seen_by(*names))
        assert caught.value.code == "POLICY_QUORUM"


def test_what_is_written_reads_back():
    key = verifier_key("log.example", LOG)
    assert policy.parse_policy(policy.format_policy([key])) == policy.Policy((key,))


WITNESS_LINE = LINES.splitlines()[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum\n",
        "quorum nobody\n",
        "quorum none\nquorum none\n",
        "trust me\nquorum none\n",
        f"log {KEY}\nlog {KEY}\nquorum none\n",
        f"log {WITNESS_LINE.split()[2]}\nquorum none\n",
        f"witness w {KEY}\nquorum w\n",
        f"{WITNESS_LINE}\n{WITNESS_LINE}\nquorum none\n",
        f"{WITNESS_LINE.replace('reg ', 'none ')}\nquorum none\n",
        f"{LINES}group g 4 reg seller buyer\nquorum g\n",
        f"{LINES}group g 0 reg\nquorum g\n",
        f"{LINES}group g some reg\nquorum g\n",
        f"{LINES}group g all\nquorum none\n",
        f"{LINES}group g all reg reg\nquorum g\n",
        f"{LINES}group g all h\ngroup h all reg\nquorum g\n",
        f"{LINES}group g all reg\ngroup h all reg\nquorum g\n",
        f"{LINES}group reg all seller\nquorum reg\n",
        f"{LINES}group g all none\nquorum g\n",
        "quorum none\r\n",
    ],
)
def test_a_policy_that_is_not_understood_trusts_nobody(text):
    with pytest.raises(NoteError):
        policy.parse_policy(text)
