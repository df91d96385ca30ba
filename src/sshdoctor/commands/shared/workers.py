"""Processes that are forked once and do one thing after another; none of them outlives the run."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from types import FrameType, TracebackType
from typing import Generic, TypeVar

from msgspec import Struct

from sshdoctor.errors import SshdoctorError

T = TypeVar("T")
R = TypeVar("R")


class _Worker(Struct):
    process: ForkProcess
    line: Connection
    busy_with: int | None = None


class Workers(Generic[T, R]):
    """``count`` processes that do ``work``.

    Forked, not spawned: each has all modules, all checks and its work at once, and shares their memory. What
    it works on and what comes of it must be sendable, the work need not.

    Left by an exception, or before all is done, each is interrupted and waited for: for ``patience`` seconds,
    after which it is killed, or without limit if that is None.
    """

    def __init__(self, work: Callable[[T], R], count: int, patience: float | None) -> None:
        self._work, self._patience = work, patience
        self._workers = [self._started() for _ in range(count)]

    def __enter__(self) -> Workers[T, R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        idle = all(worker.busy_with is None for worker in self._workers)
        for worker in self._workers:
            worker.line.close()
            if not idle:
                with contextlib.suppress(OSError):
                    os.kill(worker.process.pid or 0, signal.SIGINT)
        deadline = None if self._patience is None else time.monotonic() + self._patience
        for worker in self._workers:
            worker.process.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def each(self, things: Sequence[T]) -> Iterator[tuple[T, R | SshdoctorError | None]]:
        """Each thing with what came of it, as they end; None where the process was ended."""
        todo = iter(range(len(things)))
        for worker in self._workers:
            self._give(worker, todo, things)
        while busy := {worker.line: worker for worker in self._workers if worker.busy_with is not None}:
            for line in wait([*busy]):
                worker = busy[line]  # type: ignore[index]  # only lines were waited for
                done = worker.busy_with
                assert done is not None  # noqa: S101 -- it is busy
                answer = self._answer(worker)
                yield things[done], answer
                self._give(worker, todo, things)

    def _give(self, worker: _Worker, todo: Iterator[int], things: Sequence[T]) -> None:
        worker.busy_with = next(todo, None)
        if worker.busy_with is not None:
            worker.line.send(things[worker.busy_with])

    def _answer(self, worker: _Worker) -> R | SshdoctorError | None:
        worker.busy_with = None
        try:
            answer: R | SshdoctorError = worker.line.recv()
        except (EOFError, OSError):
            worker.process.join()
            fresh = self._started()
            worker.process, worker.line = fresh.process, fresh.line
            return None
        return answer

    def _started(self) -> _Worker:
        context = get_context("fork")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(self._work, theirs, ours), daemon=False)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:  # an interrupt among what is done at a fork is lost, there or here: it waits
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        return _Worker(process, ours)


def _serve(work: Callable[[T], R], line: Connection, other: Connection) -> None:
    """The life of one process: until nobody is at the other end of the line, or it is interrupted."""
    other.close()
    signal.signal(signal.SIGINT, _interrupt_once)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        while True:
            thing = line.recv()
            answer: R | SshdoctorError
            try:
                answer = work(thing)
            except SshdoctorError as error:
                answer = error
            line.send(answer)
    except (KeyboardInterrupt, EOFError, OSError):
        os._exit(0)  # what was under way has cleaned up; there is nothing else to take apart


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """What cleans up is not interrupted again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
