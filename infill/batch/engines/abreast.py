"""Texts side by side: each is worked on as if it were alone, and all share the model's forwards.

Every task runs in a thread of its own, but never two at once: a thread goes on when it is its
turn, and hands on only where it asks the model. When all have asked, their canvases are sorted
into forwards, and each gets its rows. So the order of everything is fixed, nothing is locked, and
where rows of a batch do not see each other an outcome is that of the task alone.

A task's time limit counts wall time, the others' turns included.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from infill.batch.engines.protocol import Done, Numbered, broken, failed
from infill.batch.perform import performed
from infill.batch.task import Outcome, Task
from infill.canvas import Canvas, Positions, Slot
from infill.decode.candidates import (
    Bitmask,
    Bitmasks,
    Candidates,
    Row,
    Sampling,
    Scores,
    TopK,
    Uniforms,
    Wishes,
)
from infill.edit.workspace import Workspace
from infill.models.denoiser import Capabilities, Denoiser, shadowing
from infill.vocab import Vocab

Ask = Callable[[], Scores]
"""What only one lane has asked for; called where it is its turn."""


def abreast(  # noqa: PLR0913 - what to do, with what, how
    tasks: Iterator[Numbered | None],
    denoiser: Denoiser,
    workspace: Workspace | None = None,
    *,
    width: int,
    rows: int,
    traces: bool = False,
) -> Iterator[Done]:
    """Perform up to `width` tasks side by side, and yield their outcomes as they come.

    workspace   what lies around the texts, which fills may take after
    tasks    are taken when there is room; None says that there is none at the moment
    rows     canvases in one forward at most
    traces   whether outcomes say how they were sampled

    An exception, also from outside, ends all that were begun, and so does closing the iterator.
    """
    lanes, more = list[_Lane](), True
    try:
        while True:
            while more and len(lanes) < width:
                try:
                    task = next(tasks)
                except StopIteration:
                    more = False
                    break
                if task is None:
                    break
                lane = _Lane(task, denoiser, workspace, traces=traces)
                lanes.append(lane)
                yield from _ended([lane], lanes)
            if lanes:
                _answer(lanes, denoiser, rows)
                yield from _ended(list(lanes), lanes)
            elif not more:
                return
    finally:
        for lane in lanes:
            lane.leave()


def _ended(going: Sequence[_Lane], lanes: list[_Lane]) -> Iterator[Done]:
    """Let each go on to where it asks, and tell of those that ended, which leave `lanes`."""
    for lane in going:
        lane.go_on()
        if lane.outcome is not None:
            lanes.remove(lane)
            lane.leave()
            yield lane.number, lane.outcome


class _Left(BaseException):
    """Nobody waits for this task any more."""


class _Lane:
    """One task on its way, in a thread that runs only between `go_on` and its next question.

    canvases   what it wants scored, or None
    ask        what it alone wants, or None
    answer     what it gets
    """

    def __init__(
        self,
        task: Numbered,
        denoiser: Denoiser,
        workspace: Workspace | None,
        *,
        traces: bool,
    ) -> None:
        self.number, self._task = task
        self._workspace = workspace
        self.canvases: Sequence[Canvas] | None = None
        self.ask: Ask | None = None
        self.answer: Scores | Exception | None = None
        self.outcome: Outcome | None = None
        self._traces, self._leaving = traces, False
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._proxy = _Proxy(self, denoiser)
        self._thread = threading.Thread(
            target=self._run, args=(self._task,), name=f"infill {self._task.name}", daemon=True
        )
        self._thread.start()

    def go_on(self) -> None:
        """Give it the turn, and wait until it asks or has ended."""
        self._turn.release()
        self._back.acquire()

    def leave(self) -> None:
        """End the thread, wherever it is; it gets no answer any more."""
        self._leaving = True
        self._turn.release()
        self._thread.join()

    def wait(self) -> Scores:
        """In the lane's thread: hand on, and take the answer when it is its turn again."""
        if self._leaving:
            raise _Left
        self._back.release()
        self._turn.acquire()
        if self._leaving:
            raise _Left
        answer, self.canvases, self.ask, self.answer = self.answer, None, None, None
        if isinstance(answer, Exception):
            raise answer
        return cast("Scores", answer)

    def _run(self, task: Task) -> None:
        self._turn.acquire()
        if self._leaving:
            return
        try:
            self.outcome = performed(
                task, self._proxy, workspace=self._workspace, traces=self._traces
            )
        except _Left:
            pass
        except Exception as error:  # noqa: BLE001 - a mistake in one text must not end the others
            self.outcome = failed(broken(error, task.name))
        finally:
            self._back.release()


class _Proxy:
    """The model as one task sees it."""

    def __init__(self, lane: _Lane, inner: Denoiser) -> None:
        self._lane, self._inner = lane, inner

    @property
    def vocab(self) -> Vocab:
        """The tokens it writes."""
        return self._inner.vocab

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self._inner.capabilities

    def __call__(self, canvases: Sequence[Canvas]) -> Scores:
        """Scores, when all others have asked too."""
        self._lane.canvases = list(canvases)
        return self._lane.wait()

    def shadowed(self, canvases: Sequence[Canvas], at: Sequence[Positions]) -> Scores:
        """As `Shadowing.shadowed`; its canvases share a forward with no other task's."""
        model = shadowing(self._inner)
        self._lane.ask = lambda: model.shadowed(canvases, at)
        return self._lane.wait()


def _answer(lanes: Sequence[_Lane], denoiser: Denoiser, rows: int) -> None:
    """Score what all lanes ask for, rows of like lengths together."""
    asked = [
        (lane, canvas) for lane in lanes if lane.canvases is not None for canvas in lane.canvases
    ]
    shown = [_shown(canvas, denoiser.vocab.blank) for _, canvas in asked]
    order = sorted(range(len(asked)), key=lambda index: -shown[index])  # stable
    found = list[Row | None]([None] * len(asked))
    for first in range(0, len(order), rows):
        batch = order[first : first + rows]
        try:
            scores = denoiser([asked[index][1] for index in batch])
        except Exception as error:  # noqa: BLE001 - whose fault it is shows when each asks alone
            _alone([asked[index][0] for index in batch], error)
        else:
            for row, index in enumerate(batch):
                found[index] = scores[row]
    rest = iter(found)
    for lane in lanes:
        if lane.ask is not None:
            lane.answer = _asked(lane.ask)
        elif lane.canvases is not None:
            own = [next(rest) for _ in lane.canvases]
            if lane.answer is not None:  # its forward failed
                canvases = lane.canvases
                lane.answer = _asked(lambda canvases=canvases: denoiser(canvases))
            else:
                lane.answer = Gathered(cast("list[Row]", own))


def _alone(lanes: Sequence[_Lane], error: Exception) -> None:
    """Note that these have to ask again, each by itself."""
    for lane in lanes:
        lane.answer = error


def _asked(ask: Ask) -> Scores | Exception:
    """The scores, or why there are none."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - the task that asked is told
        return error


def _shown(canvas: Canvas, blank: int) -> int:
    """How many slots a model is shown: those that were left blank render to nothing."""
    return len(canvas) - int(((canvas.slots == Slot.FILLED) & (canvas.ids == blank)).sum())


@dataclass(frozen=True, slots=True)
class Gathered:
    """Scores whose rows come out of several forwards."""

    rows: Sequence[Row]

    def __getitem__(self, row: int) -> Row:
        return self.rows[row]

    def top(self, row: int, at: int, k: int, allowed: Bitmask | None = None) -> TopK:
        """See `Scores.top`."""
        return self.rows[row].top(at, k, allowed)

    def of(self, row: int, at: int) -> float:
        """See `Scores.of`."""
        return self.rows[row].of(at)

    def logp(self, row: int, at: int, token: int) -> float:
        """See `Scores.logp`."""
        return self.rows[row].logp(at, token)

    def candidates(
        self,
        row: int,
        holes: Positions,
        *,
        sampling: Sampling,
        uniforms: Uniforms,
        allowed: Bitmasks | None = None,
    ) -> Candidates:
        """See `Scores.candidates`."""
        return self.rows[row].candidates(
            holes, sampling=sampling, uniforms=uniforms, allowed=allowed
        )

    def logits(self, row: int, at: Positions) -> NDArray[np.float32]:
        """See `Scores.logits`."""
        return self.rows[row].logits(at)

    def wishes(self, row: int, holes: Positions) -> Wishes:
        """See `Scores.wishes`."""
        return self.rows[row].wishes(holes)
