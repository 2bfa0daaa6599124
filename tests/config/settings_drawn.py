"""Values that settings may have, drawn."""

from __future__ import annotations

from hypothesis import strategies as st

from infill.config.schema import KEYS


def values_of(key):
    """Values that fit a setting; texts are such that a TOML file can hold them."""
    schema = key.rule.schema
    texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema["minimum"], min(schema.get("maximum", 2**63 - 1), 2**63 - 1))
        case "number":
            low = schema.get("minimum", schema.get("exclusiveMinimum"))
            return st.floats(low, schema.get("maximum", 1e9), exclude_min="minimum" not in schema)
        case "array":
            return st.lists(texts.filter(str.strip), max_size=3)
        case _:
            patterned = key.name in {"search", "length"}
            drawn = st.from_regex(schema["pattern"], fullmatch=True) if patterned else texts
            some = st.just("none") if key.name == "grammar" else drawn
            return some.filter(key.rule.fits)


SETTINGS = st.sampled_from(list(KEYS.values())).flatmap(
    lambda key: st.tuples(st.just(key), values_of(key))
)
"""A setting and a value for it."""
