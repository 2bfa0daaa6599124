"""The picture of a canvas: lines around holes, states told apart, no control characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.cli.canvas_view import Picture, lines_around, panel, pictures
from infill.decode.trace import Header, Trace, TraceStep

GIVEN, HOLE, FILLED = Slot


def picture(*slots, fresh=(), reopened=()):
    """A picture of (text, slot) or (text, slot, logp) entries."""
    entries = [(*entry, 0.0)[:3] for entry in slots]
    canvas = Canvas(
        range(len(entries)), [slot for _, slot, _ in entries], [logp for *_, logp in entries]
    )
    texts = tuple(text for text, *_ in entries)
    return Picture(canvas, texts, frozenset(fresh), frozenset(reopened))


def styles(view):
    """(text, style) of each styled run."""
    return [(view.plain[span.start : span.end], str(span.style)) for span in view.spans]


def test_states_are_told_apart():
    view = lines_around(
        picture(
            ("a = ", GIVEN),
            ("new", FILLED, -0.01),
            ("sure", FILLED, -0.01),
            ("so", FILLED, -0.5),
            ("no", FILLED, -5.0),
            ("", HOLE),
            ("", HOLE),
            fresh=[1],
            reopened=[6],
        ),
        width=60,
        height=9,
    )
    assert view.plain == "a = newsuresono▢▢"
    assert styles(view) == [
        ("new", "bold reverse green"),
        ("sure", "green"),
        ("so", "yellow"),
        ("no", "red"),
        ("▢", "dim"),
        ("▢", "magenta"),
    ]


def test_lines_far_from_holes_are_left_out():
    far = "".join(f"{number}\n" for number in range(20))
    view = lines_around(
        picture((far, GIVEN), ("", HOLE), ("\n" + far, GIVEN), ("", HOLE)), width=60, height=20
    )
    assert view.plain.split() == ["17", "18", "19", "▢", "0", "1", "2", "⋮", "17", "18", "19", "▢"]


def test_what_is_around_gives_way_where_lines_are_few():
    far = "".join(f"{number}\n" for number in range(20))
    view = lines_around(
        picture((far, GIVEN), ("", HOLE), ("\n" + far, GIVEN), ("", HOLE)), width=60, height=3
    )
    assert view.plain.split() == ["▢", "⋮", "▢"]


def test_a_long_line_is_cut_around_its_hole():
    view = lines_around(
        picture(("x" * 900 + "=", GIVEN), ("", HOLE), ("y" * 900, GIVEN)), width=60, height=5
    )
    assert "x=▢y" in view.plain[:60]
    assert view.plain.startswith("…x")


def test_a_character_over_two_tokens_is_whole():
    first, second = (byte.decode("utf-8", "surrogateescape") for byte in (b"\xc3", b"\xa9"))
    view = lines_around(picture((first, FILLED), (second, FILLED)), width=60, height=5)
    assert view.plain == "é"


@given(
    slots=st.lists(st.tuples(st.text(), st.sampled_from(Slot), st.floats(-20, 0)), max_size=12),
    width=st.integers(5, 60),
    height=st.integers(1, 9),
)
def test_any_text_fits_and_no_control_character_comes_through(slots, width, height):
    view = lines_around(picture(*slots), width=width, height=height)
    assert view.plain.count("\n") < height
    assert not [letter for letter in view.plain if ord(letter) < 32 and letter != "\n"]
    assert not set(view.plain) & {chr(code) for code in range(0x7F, 0xA0)}


def test_a_title_is_no_markup():
    shown = panel(picture(("", HOLE)), title="[red]a\x1b.py", status="s", width=30, height=5)
    assert shown.title.plain == "[red]a␛.py"
    assert shown.subtitle.plain == "s · 1 open"


def test_pictures_of_a_trace_follow_writes_reopens_and_splices():
    start = Canvas([9, 0, 0], [GIVEN, HOLE, HOLE])
    steps = [
        ((Write(2, 7, -1.0),), ("b",)),
        ((Reopen(2), Write(1, 6, -1.0)), ("a",)),
        ((Splice(2, 1, 2), Write(3, 5, -1.0)), ("c",)),
    ]
    trace = Trace(
        Header(canvas=start, texts=("x", "", "")),
        tuple(
            TraceStep(tick=tick, ms=0.0, moves=moves, texts=texts)
            for tick, (moves, texts) in enumerate(steps)
        ),
    )
    seen = [(shown.texts, set(shown.fresh), set(shown.reopened)) for shown in pictures(trace)]
    assert [
        (("x", "", ""), set(), set()),
        (("x", "", "b"), {2}, set()),
        (("x", "a", ""), {1}, {2}),
        (("x", "a", "", "c"), {3}, set()),
    ] == seen


def test_live_pictures_find_what_changed():
    before = Picture(Canvas([0, 6], [HOLE, FILLED]), ("", "a"))
    after = Canvas([5, 0], [FILLED, HOLE])
    shown = before.after(after, ("b", ""))
    assert ({0}, {1}) == (set(shown.fresh), set(shown.reopened))
