"""The journal of a run: one at a time, whole or not there, and found by its name."""

from __future__ import annotations

import sqlite3

import pytest

from infill.batch import transaction
from infill.batch.journal import Journal, Row
from infill.batch.shelf import journals
from infill.edit.files import digest_of
from infill.errors import JournalError, WriteError


def test_a_journal_is_for_one_at_a_time_and_found_by_how_it_begins(tmp_path):
    with Journal.create(tmp_path, {"command": "fill"}) as journal:
        with pytest.raises(JournalError, match="still going on"):
            Journal.open(tmp_path, journal.id)
        with Journal.open(tmp_path, "last", write=False) as reader:
            assert reader.id == journal.id
    assert journals(tmp_path) == [journal.id]
    with Journal.open(tmp_path, journal.id[:12]) as again:
        assert again.facts["command"] == "fill"
    with pytest.raises(JournalError, match="no such run"):
        Journal.open(tmp_path, "2001")


def test_a_planning_that_raises_leaves_nothing(tmp_path):
    def rows():
        yield Row(0, "a", None, "", "{}", text=b"")
        raise WriteError("line 7")

    with Journal.create(tmp_path, {}) as journal:
        with pytest.raises(WriteError):
            journal.plan(rows())
        assert journal.count() == 0


def test_the_last_run_is_the_last_by_name_too(tmp_path):
    made = []
    for _ in range(50):
        with Journal.create(tmp_path, {}) as journal:
            made.append(journal.id)
    assert journals(tmp_path) == made


def test_a_journal_that_fails_midway_in_its_making_is_none(tmp_path, monkeypatch):
    def failing(_path):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("infill.batch.journal.connected", failing)
    with pytest.raises(JournalError, match="cannot be kept"):
        Journal.create(tmp_path, {})
    assert [*tmp_path.iterdir()] == []


def test_a_run_that_is_discarded_leaves_nothing(tmp_path):
    with Journal.create(tmp_path, {}) as journal:
        journal.plan([Row(0, "a", None, "", "{}", text=b"")])
        journal.discard()
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_has_its_old_bytes_is_not_written_whatever_was_noted(tmp_path):
    (path := tmp_path / "a.py").write_bytes(b"old")
    with Journal.create(tmp_path / "runs", {}) as journal:
        journal.plan([Row(0, str(path), str(path), digest_of(b"old"), "{}")])
        journal.writing(0, b"old", digest_of(b"new"))
        journal.mark(0, "written")
        (beside := transaction.temporary_of(path, f"{journal.id}-0")).write_bytes(b"ol")
        transaction.settle(journal)
        assert (journal.row(0).state, beside.exists()) == ("done", False)
