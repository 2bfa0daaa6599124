"""What is to be done, as rows of a journal: texts are read, looked through, and let go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from infill.batch.codec import task_to
from infill.batch.journal import Row
from infill.batch.select.docstrings import Prepared
from infill.batch.task import Doubts, Failure, Operation, Task
from infill.edit.files import digest_of, open_file, require_writable
from infill.edit.holes import Hole
from infill.edit.languages import language_of
from infill.edit.recipe import Recipe
from infill.errors import InfillError, NoHoleError
from infill.limits import DEFAULT
from infill.text import Source, TextEdit

Finder = Callable[[Source, str | None], tuple[Hole, ...] | Prepared]
"""The holes of a text of a language, or for a revision what may change; or a text with places that
this one has not. Raises InfillError."""

Edited = Callable[[Source], tuple[TextEdit, ...]]
"""What was edited in a text, and what stood there: a revision lets the rest follow."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done with every text.

    language   the one of all texts; None goes by each name
    write      whether files are to be written, so that a read-only one is told now
    refuse     why a file may not be worked on, by its path as the user named it
    """

    operation: Operation
    recipe: Recipe
    find: Finder
    language: str | None = None
    doubts: Doubts = field(default_factory=Doubts)
    edited: Edited = lambda _: ()
    write: bool = False
    refuse: Callable[[str], InfillError | None] = lambda _: None
    folder: str | None = None

    def files(
        self,
        paths: Iterable[str],
        *,
        named: Callable[[str], bool],
        skip: Callable[[], None],
        shut: Iterable[InfillError] = (),
    ) -> Iterator[Row]:
        """A row for each file; one that was not named itself, and has nothing to do, is skipped.

        shut   why folders cannot be read: nobody knows what is in them, so each is a failure
        """
        n = 0
        for path in paths:
            row = self._file(n, path)
            if row.failure is not None and row.failure.kind == NOTHING and not named(path):
                skip()
                continue
            yield row
            n += 1
        for at, error in enumerate(shut, n):
            yield Row(at, error.where, None, "", "{}", failure=Failure.of(error))

    def text(self, n: int, name: str, data: bytes, *, language_name: str | None = None) -> Row:
        """The row of a text that is in no file. Raises InfillError."""
        language = language_of(language_name, self.language, grammar=self.recipe.grammar)
        task = self._task(Source.of(data, name), language)
        return Row(n, name, None, digest_of(data), task_to(task), text=data)

    def _file(self, n: int, path: str) -> Row:
        row = Row(n, path, None, "", "{}")
        try:
            opened = open_file(Path(path), limits=DEFAULT)
            row = replace(row, path=str(opened.target), digest=opened.digest)
            if self.write:
                require_writable(opened)
            language = language_of(path, self.language, grammar=self.recipe.grammar)
            task = self._task(opened.source, language)
            if (refusal := self.refuse(path)) is not None:
                raise refusal
        except InfillError as error:
            return replace(row, failure=Failure.of(error))
        return replace(row, task=task_to(task))

    def _task(self, source: Source, language: str | None) -> Task:
        found, prepared = self.find(source, language), tuple[TextEdit, ...]()
        if isinstance(found, Prepared):
            prepared = found.edits([b""] * len(found.holes))
            found = tuple(Hole(span.start, span.stop, min_tokens=1) for span in found.holes)
        return Task(
            name=source.name,
            data=b"",
            language=language,
            recipe=self.recipe,
            operation=self.operation,
            holes=found,
            prepared=prepared,
            doubts=self.doubts,
            edited=self.edited(source),
            folder=self.folder,
        )


NOTHING = NoHoleError.__name__
