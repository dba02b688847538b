"""Counting a report again by its own description, written apart from sandbox.report: as anybody with the log can."""

from typing import Any

Leaf = dict[str, Any]  # a leaf of the log as JSON: t, at, actor, on, d, h


def meant(records: dict[str, Any], leaves: list[Leaf], size: int) -> list[tuple[int, Leaf]]:
    """The records that a number comes from, with their indexes."""
    found = []
    for index in range(size):
        leaf = leaves[index]
        inside = records["from_ms"] <= leaf["at"] < records["before_ms"]
        about = not records["about"] or records["about"] in leaf["on"]
        alike = all(name in leaf["d"] and leaf["d"][name] == value for name, value in records["where"].items())
        if inside and about and alike and leaf["t"] in records["types"]:
            found.append((index, leaf))
    return found


def value(records: dict[str, Any], found: list[tuple[int, Leaf]]) -> int:
    """What the fold makes of them."""
    fold, of = records["fold"], records["of"]
    if fold == "count":
        return len(found)
    if fold == "sum":
        return sum(leaf["d"].get(of, 0) for _index, leaf in found)
    if fold == "actors":
        return len({leaf["actor"] for _index, leaf in found if leaf["actor"][:4] == "org:"})
    named = [(next(s for s in leaf["on"] if s.split(":")[0] == of), leaf) for _index, leaf in found]
    if fold == "subjects":
        return len({subject for subject, _leaf in named})
    assert fold == "standing"
    last = {}
    for subject, leaf in named:
        if leaf["t"] in ("listing.published", "trial.enrolled"):
            last[subject] = True
        elif leaf["t"] == "listing.withdrawn":
            last[subject] = False
        elif leaf["t"] == "trial.left":
            last[subject] = leaf["d"].get("kind") == "readmitted"
        elif "state" in leaf["d"]:
            last[subject] = leaf["d"]["state"] == "published"
    return list(last.values()).count(True)


def check(report: dict[str, Any], leaves: list[Leaf], documents: dict[str, tuple[int, str]]) -> int:
    """Compare every number; ``documents``: price and sector by the digest of a contract. Returns how many."""
    size, compared = report["log"]["size"], 0
    for number in report["numbers"]:
        records = number["records"]
        found = meant(records, leaves, size)
        assert (records["count"], number["value"]) == (len(found), value(records, found)), number["name"]
        assert (records["first"], records["last"]) == ((found[0][0], found[-1][0]) if found else (None, None))
        if records["by"]:
            words = [str(leaf["d"].get(records["by"], "")).split(" ") for _index, leaf in found]
            keys = [key for each in words for key in each]
            assert {row["key"]: row["value"] for row in number["rows"]} == {key: keys.count(key) for key in keys}
        compared += 1
    sold = meant(report["money"]["records"], leaves, size)
    prices = [documents[leaf["h"]["contract"]] for _index, leaf in sold]
    assert report["money"]["vnd"] == sum(price for price, _sector in prices)
    for row in report["money"]["rows"]:
        mine = [price for price, sector in prices if sector == row["sector"]]
        assert (row["vnd"], row["contracts"]) == (sum(mine), len(mine))
    for cap in report["caps"]:
        found = meant(cap["records"], leaves, size)
        if cap["cap"] in ("members", "listings"):
            assert cap["used"] == value(cap["records"], found), cap["cap"]
        else:
            given_up = {leaf["on"][0] for each in cap["records"]["without"] for _i, leaf in meant(each, leaves, size)}
            paid = [documents[leaf["h"]["contract"]][0] for _i, leaf in found if leaf["on"][0] not in given_up]
            assert cap["used"] == (sum(paid) if cap["cap"] == "total_vnd" else max(paid, default=0)), cap["cap"]
        compared += 1
    return compared
