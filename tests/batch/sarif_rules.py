"""The rules of SARIF 2.1.0 that a file of ours can break (OASIS, sarif-v2.1.0)."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

LEVELS = {"none", "note", "warning", "error"}
UNITS = {"utf16CodeUnits", "unicodeCodePoints"}
KEYS = {
    "": {"$schema", "version", "runs"},
    "run": {"tool", "results", "columnKind"},
    "result": {"ruleId", "ruleIndex", "level", "message", "locations", "fixes"},
    "region": {"startLine", "startColumn", "endLine", "endColumn", "byteOffset", "byteLength"},
    "fix": {"description", "artifactChanges"},
}
URI = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*")


def validated(document: dict) -> dict:
    """The only run of a document that keeps the rules."""
    assert set(document) <= KEYS[""]
    assert document["version"] == "2.1.0"
    [run] = document["runs"]
    assert set(run) <= KEYS["run"]
    assert run["columnKind"] in UNITS
    driver = run["tool"]["driver"]
    assert driver["name"]
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(rules) == len(set(rules))
    for rule in driver["rules"]:
        assert rule.get("shortDescription", {"text": "x"})["text"]
    for result in run["results"]:
        _result(result, rules)
    return run


def _result(result: dict, rules: list[str]) -> None:
    assert set(result) <= KEYS["result"]
    assert rules[result["ruleIndex"]] == result["ruleId"]
    assert result["level"] in LEVELS
    assert result["message"]["text"]
    for location in result["locations"]:
        physical = location["physicalLocation"]
        _artifact(physical["artifactLocation"])
        _region(physical["region"])
    for fix in result.get("fixes", ()):
        assert set(fix) <= KEYS["fix"]
        assert fix["artifactChanges"]
        for change in fix["artifactChanges"]:
            _artifact(change["artifactLocation"])
            assert change["replacements"]
            for replacement in change["replacements"]:
                _region(replacement["deletedRegion"])
                assert isinstance(replacement["insertedContent"]["text"], str)


def _artifact(location: dict) -> None:
    assert URI.fullmatch(location["uri"])
    assert not re.search(r"%(?![0-9A-Fa-f]{2})", location["uri"])
    assert unquote_to_bytes(location["uri"])
    if "uriBaseId" in location:
        assert ":" not in location["uri"].split("/", maxsplit=1)[0], "a relative reference"
        assert not location["uri"].startswith("/")


def _region(region: dict) -> None:
    assert set(region) <= KEYS["region"]
    assert "startLine" in region or "byteOffset" in region
    if "startLine" in region:
        start = region["startLine"], region.get("startColumn", 1)
        assert min(start) >= 1
        assert min(region["endLine"], region["endColumn"]) >= 1
        assert start <= (region["endLine"], region["endColumn"])
    if "byteOffset" in region:
        assert region["byteOffset"] >= 0
        assert region["byteLength"] >= 0
