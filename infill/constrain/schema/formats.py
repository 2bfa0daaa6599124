"""The formats of JSON Schema that are held to, as ECMA-262 patterns of the whole string.

Each admits only what the format's own specification admits, and may be stricter: no leap second,
no quoted local part of an address, no IPv4 inside IPv6. Knows nothing of how strings are spelled.

>>> import re
>>> bool(re.search(FORMATS["date"], "2024-02-29")), bool(re.search(FORMATS["date"], "2023-02-29"))
(True, False)
"""

from __future__ import annotations

from typing import Final

_LEAP: Final = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_YEAR: Final = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_DAYS: Final = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_DATE: Final = f"(?:{_YEAR}-{_DAYS}|{_LEAP}-02-29)"
_CLOCK: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIME: Final = rf"{_CLOCK}:[0-5][0-9](?:\.[0-9]{{1,6}})?(?:[Zz]|[+-]{_CLOCK})"
_BYTE: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_BRIEF: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,28}[A-Za-z0-9])?"
# a label has 63 characters at most, a name 253: three long labels or eight brief ones hold that
# (RFC 1123, 2.1)
_NAME: Final = rf"(?:{_LABEL}(?:\.{_LABEL}){{0,2}}|{_BRIEF}(?:\.{_BRIEF}){{3,7}})"
_ATOM: Final = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HEX: Final = "[0-9A-Fa-f]"
_ESCAPED: Final = f"%{_HEX}{{2}}"
_PATH: Final = f"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|{_ESCAPED})*"
_QUERY: Final = f"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|{_ESCAPED})*"
_HOST: Final = f"(?:[A-Za-z0-9._~!$&'()*+,;=-]|{_ESCAPED})*"


def _ipv6() -> str:
    """Eight groups, or fewer on both sides of one `::` (RFC 4291, 2.2)."""
    group = f"{_HEX}{{1,4}}"
    short = [f"::(?:{group}(?::{group}){{0,6}})?"]
    for left in range(1, 8):
        begin = f"{group}(?::{group}){{{left - 1}}}::"
        short.append(begin + (f"(?:{group}(?::{group}){{0,{6 - left}}})?" if left < 7 else ""))  # noqa: PLR2004 - seven groups and `::`
    return "|".join([f"{group}(?::{group}){{7}}", *short])


FORMATS: Final[dict[str, str]] = {
    name: f"^(?:{pattern})$"
    for name, pattern in {
        "date": _DATE,
        "time": _TIME,
        "date-time": f"{_DATE}[Tt]{_TIME}",
        "hostname": _NAME,
        "email": rf"{_ATOM}(?:\.{_ATOM})*@{_NAME}",
        "ipv4": _IPV4,
        "ipv6": _ipv6(),
        "uuid": f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}",
        "uri": rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{_HOST}(?::[0-9]*)?(?:/{_PATH})?|/?[A-Za-z0-9]{_PATH})"
        rf"(?:\?{_QUERY})?(?:#{_QUERY})?",
        "json-pointer": "(?:/(?:[^/~]|~[01])*)*",
    }.items()
}
"""Pattern by the name of the format (JSON Schema Validation 2020-12, 7.3)."""
