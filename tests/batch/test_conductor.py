"""A run from its journal to files: in order, all or none, taken up again, put back."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.batch import transaction
from infill.batch.codec import task_to
from infill.batch.conductor import Conductor, Orders, data_of
from infill.batch.journal import Journal, Row
from infill.batch.shelf import journals
from infill.batch.store import Store
from infill.batch.task import Failure, Outcome, Piece, Task
from infill.batch.verifying import Verifier
from infill.edit.files import digest_of
from infill.edit.recipe import Recipe
from infill.errors import (
    CommandError,
    FillError,
    StaleError,
)
from infill.text import Span, TextEdit

MARKER = b"<FILL_ME>"


def answer(task: Task) -> Outcome:
    """Every marker becomes the number of bytes of the text; a text that says so fails."""
    if b"hopeless" in task.data:
        return Outcome(failure=Failure.of(FillError("no fill was found", where=task.name)))
    new, edits, at = str(len(task.data)), [], task.data.find(MARKER)
    while at >= 0:
        edits.append(TextEdit(Span(at, at + len(MARKER)), new.encode()))
        at = task.data.find(MARKER, at + 1)
    return Outcome(edits=tuple(edits), pieces=tuple(Piece(new, -0.5) for _ in edits), forwards=3)


class Answering:
    """An engine; `order` shuffles what is handed back, `die_after` ends the process' work."""

    def __init__(
        self, *, backwards=False, die_after=None, meanwhile=lambda _: None, digest="answers"
    ):
        self.digest = digest
        self.backwards, self.die_after, self.meanwhile = backwards, die_after, meanwhile
        self.asked = []

    def perform(self, tasks):
        done = []
        for n, task in tasks:
            if self.die_after is not None and len(self.asked) >= self.die_after:
                raise KeyboardInterrupt
            self.asked.append(task.name)
            self.meanwhile(task)
            done.append((n, answer(task)))
            if not self.backwards:
                yield done.pop()
        yield from reversed(done)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def planned(journal: Journal, folder: Path, texts: dict[str, bytes]) -> None:
    """Files in a folder, and a row for each."""
    rows = []
    for n, (name, data) in enumerate(texts.items()):
        path = folder / name
        path.write_bytes(data)
        task = Task(name=str(path), data=b"", language=None, recipe=Recipe())
        rows.append(Row(n, str(path), str(path.resolve()), digest_of(data), task_to(task)))
    journal.plan(rows)


@pytest.fixture
def work(tmp_path):
    """A run of three files: folder, journal, and what conducts it."""
    texts = {f"{name}.py": f"{name} = <FILL_ME>\n".encode() for name in "abc"}
    with Journal.create(tmp_path / "runs", {"command": "fill"}) as journal:
        (tmp_path / "files").mkdir()
        planned(journal, tmp_path / "files", texts)

        def conduct(engine=None, *, store=None, limit=None, jobs=1, **orders):
            kept = Store(store)
            with kept:
                made = engine or Answering()
                conductor = Conductor(
                    journal, kept, lambda _: made, "answers", Orders(**orders), jobs=jobs
                )
                return list(conductor.run(limit))

        yield tmp_path / "files", journal, conduct


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


FILLED = {f"{name}.py": f"{name} = 14\n".encode() for name in "abc"}


def test_the_latest_run_is_the_last_one_also_within_a_second(tmp_path):
    made = []
    for _ in range(9):
        with Journal.create(tmp_path, {}) as journal:
            made.append(journal.id)
        with Journal.open(tmp_path, "last") as last:
            assert journal.id == last.id
    assert made == journals(tmp_path)


def test_without_write_files_stay_and_outcomes_are_kept(work):
    folder, journal, conduct = work
    before = contents(folder)
    rows = conduct()
    assert [row.state for row in rows] == ["done"] * 3
    assert [row.outcome.result(data_of(journal, row)) for row in rows] == [*FILLED.values()]
    assert before == contents(folder)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("together", [False, True])
def test_files_are_written_and_handed_out_in_order(work, backwards, together):
    folder, _, conduct = work
    rows = conduct(Answering(backwards=backwards), write=True, together=together)
    assert [row.state for row in rows] == ["written"] * 3
    assert [Path(row.name).name for row in rows] == ["a.py", "b.py", "c.py"]
    assert contents(folder) == FILLED


def test_out_of_order_means_as_they_are_done(work):
    _, _, conduct = work
    rows = conduct(Answering(backwards=True), in_order=False)
    assert [Path(row.name).name for row in rows] == ["c.py", "b.py", "a.py"]


def test_a_failure_leaves_the_others(work):
    folder, journal, conduct = work
    (folder / "b.py").write_bytes(b"changed meanwhile <FILL_ME>")
    rows = conduct(write=True)
    assert [row.state for row in rows] == ["written", "failed", "written"]
    assert rows[1].failure.kind == "StaleError"
    assert (folder / "b.py").read_bytes() == b"changed meanwhile <FILL_ME>"
    assert journal.count("written") == 2


@pytest.mark.parametrize("what", ["changed", "gone", "read-only", "link"])
@pytest.mark.parametrize("together", [False, True])
def test_a_file_that_is_another_when_it_is_to_be_written(work, what, together):
    folder, _, conduct = work
    victim = folder / "b.py"

    def meanwhile(task):
        if not task.name.endswith("c.py"):
            return
        match what:
            case "changed":
                victim.write_bytes(b"mine")
            case "gone":
                victim.unlink()
            case "read-only":
                victim.chmod(0o444)
            case "link":
                victim.unlink()
                victim.symlink_to("a.py")

    before = contents(folder)
    engine = Answering(backwards=True, meanwhile=meanwhile)
    rows = conduct(engine, write=True, together=together)
    assert [row.state for row in rows].count("failed") == 1
    assert rows[1].state == "failed"
    after = contents(folder)
    expected = before if together else FILLED
    assert after["a.py"] == expected["a.py"]
    assert after["c.py"] == expected["c.py"]
    assert not [name for name in after if name.startswith(".infill")]
    if what == "changed":
        assert after["b.py"] == b"mine"
    elif what == "read-only":
        assert after["b.py"] == before["b.py"]


def test_all_or_nothing_writes_nothing_where_one_fails(work):
    folder, journal, conduct = work
    (folder / "b.py").write_bytes(data := b"hopeless <FILL_ME>\n")
    row = journal.row(1)
    with journal._db:
        journal._db.execute("UPDATE texts SET digest = ? WHERE n = 1", (digest_of(data),))
    assert row.n == 1
    before = contents(folder)
    rows = conduct(write=True, together=True)
    assert [row.state for row in rows] == ["done", "failed", "done"]
    assert before == contents(folder)


def test_all_or_nothing_puts_back_what_was_written_when_the_disk_is_full(work, monkeypatch):
    folder, _, conduct = work
    before, fsync, calls = contents(folder), os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 3:  # the first file, its folder, and then the second file
            raise OSError(28, "No space left on device")
        return fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    rows = conduct(write=True, together=True)
    assert before == contents(folder)
    assert {row.state for row in rows} <= {"undone", "failed", "done"}
    assert [row.failure.got for row in rows if row.failure] == ["No space left on device"]


def test_what_one_run_found_another_need_not_sample(work, tmp_path):
    _, _, conduct = work
    conduct(store=tmp_path / "store")
    with Journal.create(tmp_path / "runs", {"command": "fill"}) as again:
        planned(again, tmp_path / "files", {"a.py": b"a = <FILL_ME>\n", "d.py": b"<FILL_ME>"})
        with Store(tmp_path / "store") as store:
            engine = Answering()
            rows = list(Conductor(again, store, lambda _: engine, "answers").run())
    assert [row.cached for row in rows] == [True, False]
    assert [Path(name).name for name in engine.asked] == ["d.py"]
    assert rows[0].outcome.pieces == (Piece("14", -0.5),)


def test_other_weights_or_a_fresh_run_sample_again(work, tmp_path):
    _, _, conduct = work
    conduct(store=tmp_path / "store")
    for model, fresh in (("others", False), ("answers", True)):
        with Journal.create(tmp_path / "runs", {"command": "fill"}) as again:
            planned(again, tmp_path / "files", {"a.py": b"a = <FILL_ME>\n"})
            with Store(tmp_path / "store") as store:
                conductor = Conductor(
                    again,
                    store,
                    lambda _, digest=model: Answering(digest=digest),
                    model,
                    Orders(fresh=fresh),
                )
                assert [row.cached for row in conductor.run()] == [False]


@given(st.integers(0, 5), st.booleans())
def test_a_run_that_is_interrupted_and_taken_up_ends_as_one_that_was_not(
    tmp_path_factory, after, write
):
    base = tmp_path_factory.mktemp("run")
    texts = {f"{n}.py": f"{n} = <FILL_ME>, <FILL_ME>\n".encode() for n in range(5)}
    (base / "files").mkdir()
    with Journal.create(base / "runs", {"command": "fill"}) as journal, Store(None) as store:
        planned(journal, base / "files", texts)
        engine = Answering(die_after=after)
        conductor = Conductor(journal, store, lambda _: engine, "answers", Orders(write=write))
        try:
            list(conductor.run())
        except KeyboardInterrupt:
            assert len(engine.asked) == after
        name = journal.id
    with Journal.open(base / "runs", name) as journal, Store(None) as store:
        rest = Answering()
        rows = list(Conductor(journal, store, lambda _: rest, "answers", Orders(write=write)).run())
        assert len(rest.asked) == 5 - min(after, 5)
        assert [row.state for row in rows] == ["written" if write else "done"] * 5
        results = [row.outcome.result(data_of(journal, row)) for row in rows]
        assert results == [answer(_task(data)).result(data) for data in texts.values()]
        if write:
            assert [*contents(base / "files").values()] == results
            assert transaction.undo(journal) == 5
            assert contents(base / "files") == texts
            assert transaction.undo(journal) == 0


def _task(data):
    return Task(name="", data=data, language=None, recipe=Recipe())


@pytest.mark.parametrize("stage", ["noted", "written beside", "replaced"])
def test_a_crash_while_writing_is_settled_by_what_the_file_is(work, stage):
    folder, journal, conduct = work
    conduct()
    row = journal.row(1)
    before, after = (folder / "b.py").read_bytes(), FILLED["b.py"]
    journal.writing(1, before, digest_of(after))
    token = transaction._token(journal, 1)
    left = transaction.temporary_of(Path(row.path), token)
    if stage == "written beside":
        left.write_bytes(after[:3])
    elif stage == "replaced":
        (folder / "b.py").write_bytes(after)
    rows = conduct(write=True)
    assert [row.state for row in rows] == ["written"] * 3
    assert contents(folder) == FILLED
    assert transaction.undo(journal) == 3
    assert (folder / "b.py").read_bytes() == before


@pytest.mark.parametrize("change", ["edited", "gone"])
def test_undo_refuses_all_where_one_was_changed_since(work, change):
    folder, journal, conduct = work
    conduct(write=True)
    if change == "edited":
        (folder / "b.py").write_bytes(b"mine")
    else:
        (folder / "b.py").unlink()
    before = contents(folder)
    with pytest.raises(StaleError, match=r"b\.py: it "):
        transaction.undo(journal)
    assert before == contents(folder)


def test_failures_end_a_run_where_that_was_asked_for(tmp_path):
    texts = {f"{n}.py": (b"hopeless <FILL_ME>" if n % 2 else b"<FILL_ME>") for n in range(8)}
    with Journal.create(tmp_path / "runs", {"command": "fill"}) as journal, Store(None) as store:
        planned(journal, tmp_path, texts)
        conductor = Conductor(journal, store, lambda _: Answering(), "answers", Orders(failures=2))
        states = [row.state for row in conductor.run()]
    assert states == ["done", "failed", "done", "failed", *["planned"] * 4]


def test_a_limit_and_a_deadline_leave_the_rest(work):
    _, _, conduct = work
    assert [row.state for row in conduct(limit=2)] == ["done", "done", "planned"]
    assert [row.state for row in conduct(seconds=0.0)] == ["done", "done", "planned"]
    assert [row.state for row in conduct()] == ["done"] * 3


def test_a_command_judges_each_file_by_what_was_wrong_before(work):
    folder, _, conduct = work
    (folder / "words").write_bytes(b"")
    with Verifier("grep -Ln = {path}", folder, seconds=10) as verifier:  # fails where there is "="
        rows = conduct(write=True, verifier=verifier, jobs=2)
    assert [row.state for row in rows] == ["written"] * 3
    assert set(contents(folder)) == {*FILLED, "words"}


def test_a_command_judges_what_was_chosen(work):
    folder, journal, conduct = work
    other = b"a = 1 if 14 else 2"

    def choose(row, data, outcome):
        if row.n:
            return outcome
        edits = (TextEdit(Span(0, len(data) - 1), other),)
        return Outcome(edits=edits, pieces=(Piece(other.decode()),))

    script = 'import sys; t = open(sys.argv[1]).read(); "if" in t and sys.exit("x.py:1: bad")'
    with Verifier(f"{{python}} -c '{script}' {{path}}", folder, seconds=10) as verifier:
        rows = conduct(write=True, verifier=verifier, choose=choose)
    assert [row.state for row in rows] == ["failed", "written", "written"]
    assert (folder / "a.py").read_bytes() == b"a = <FILL_ME>\n"
    assert journal.count("failed") == 1


def test_a_command_that_finds_more_wrong_refuses_that_file(work):
    folder, _, conduct = work
    script = 'import sys; t = open(sys.argv[1]).read(); "b = 14" in t and sys.exit("x.py:1: bad")'
    with Verifier(f"{{python}} -c '{script}' {{path}}", folder, seconds=10) as verifier:
        rows = conduct(write=True, verifier=verifier)
    assert [row.state for row in rows] == ["written", "failed", "written"]
    assert rows[1].failure.kind == "CommandError"
    assert "x.py:#: bad" in rows[1].failure.got


def test_a_command_judges_all_changes_together(work):
    folder, _, conduct = work
    before = contents(folder)
    script = (
        "import pathlib, sys; files = pathlib.Path().glob('*.py'); "
        "sys.exit(any('14' in file.read_text() for file in files))"
    )
    with Verifier(f'{{python}} -c "{script}"', folder, seconds=10) as verifier:
        rows = conduct(write=True, verifier=verifier)
    assert [row.state for row in rows] == ["failed"] * 3
    assert before == contents(folder)


def over(pid):
    """Whether a process is gone, or only waits for its parent to be told."""
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]
    except OSError:
        return True


def test_a_command_that_hangs_is_ended_with_its_children(work):
    folder, _, _ = work
    with Verifier("sh -c 'sleep 60 & echo $! > pid; wait' {path}", folder, seconds=0.5) as verifier:
        place = verifier.place(folder / "a.py")
        with pytest.raises(CommandError, match="did not come back"):
            verifier.check(place, b"x", b"y")
        copy = verifier._copies.get_nowait()
        pid = int((copy / "pid").read_text())
    end = time.monotonic() + 10  # it may take its time to die
    while not over(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_a_person_chooses_is_checked_again(work):
    folder, _, conduct = work

    def choose(row, data, outcome):
        assert data == (folder / Path(row.name).name).read_bytes()
        if row.name.endswith("a.py"):
            return Outcome()
        (edit,) = outcome.edits
        other = TextEdit(edit.span, b"\xff" if row.name.endswith("b.py") else b"mine")
        return Outcome(edits=(other,), pieces=(Piece("mine"),))

    rows = conduct(write=True, choose=choose)
    assert [row.state for row in rows] == ["done", "failed", "written"]
    assert contents(folder) == {
        "a.py": b"a = <FILL_ME>\n", "b.py": b"b = <FILL_ME>\n", "c.py": b"c = mine\n"
    }  # fmt: skip


def test_a_person_is_asked_also_where_all_are_written_together(work):
    folder, _, conduct = work

    def choose(row, _data, outcome):
        return outcome if row.name.endswith("a.py") else Outcome()

    rows = conduct(write=True, together=True, choose=choose)
    assert [row.state for row in rows] == ["written", "done", "done"]
    assert contents(folder) == {
        "a.py": FILLED["a.py"], "b.py": b"b = <FILL_ME>\n", "c.py": b"c = <FILL_ME>\n"
    }  # fmt: skip


NEEDS_14 = """{python} -c "import sys; sys.exit('a = 14' in open('{path}').read())" {path}"""


@pytest.mark.parametrize("together", [False, True])
def test_what_was_done_but_not_yet_judged_is_judged_when_a_run_is_taken_up(work, together):
    folder, _, conduct = work
    conduct()  # as where a run was killed while its commands ran
    with Verifier(NEEDS_14, folder, seconds=10) as verifier:
        rows = conduct(write=True, verifier=verifier, together=together)
    others = "done" if together else "written"
    assert [row.state for row in rows] == ["failed", others, others]
    assert (folder / "a.py").read_bytes() == b"a = <FILL_ME>\n"


def test_a_part_of_the_changes_is_judged_by_itself(work):
    folder, _, conduct = work

    def choose(row, _data, outcome):
        (edit,) = outcome.edits
        mine = b"a = 14" if row.name.endswith("b.py") else b"15"
        return Outcome(edits=(TextEdit(edit.span, mine),), pieces=(Piece("mine"),))

    with Verifier(NEEDS_14, folder, seconds=10) as verifier:
        (folder / "a.py").write_bytes(b"another text")
        rows = conduct(write=True, verifier=verifier, choose=choose)
    assert [row.state for row in rows] == ["failed", "failed", "written"]
    assert [row.failure.kind for row in rows[:2]] == ["StaleError", "CommandError"]


def test_changes_that_are_judged_together_are_judged_where_another_text_failed(work):
    folder, _, conduct = work
    (folder / "b.py").write_bytes(b"changed meanwhile")
    script = "import pathlib, sys; sys.exit('14' in pathlib.Path('c.py').read_text())"
    with Verifier(f'{{python}} -c "{script}"', folder, seconds=10) as verifier:
        rows = conduct(verifier=verifier)
    assert [row.failure.kind for row in rows] == ["CommandError", "StaleError", "CommandError"]
    assert rows[0].outcome.edits == ()


def test_only_all_or_nothing_lets_one_failure_hinder_changes_that_are_judged_together(work):
    folder, _, conduct = work
    with Verifier("true", folder, seconds=10) as verifier:
        rows = conduct(limit=2, write=True, verifier=verifier, together=True)
        assert [row.state for row in rows] == ["done", "done", "planned"]
        rows = conduct(limit=0, write=True, verifier=verifier)
    assert [row.state for row in rows] == ["written", "written", "planned"]
