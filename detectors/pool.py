"""Threads for detectors, which may hang: a thread that does is given up and replaced, up to a bound."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

_LOST_PER_THREAD: Final = 4  # threads given up and still hanging, for each that works, before no more are made


class Task:
    """One piece of work; `done` is set when it has run, `on_done` is called then, from the thread that ran it."""

    def __init__(self, work: Callable[[], None], on_done: Callable[[], None] | None = None) -> None:
        self.work = work
        self.on_done = on_done
        self.done = threading.Event()
        self.running = False
        self.given_up = False


class Pool:
    """A number of daemon threads, made with the first task, so that a process may fork before."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._most_lost = _LOST_PER_THREAD * threads
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._working = 0
        self._lost = 0
        self._closed = False

    @property
    def lost(self) -> int:
        """Return how many threads were given up and have not come back."""
        return self._lost

    @property
    def healthy(self) -> bool:
        """Tell whether lost threads are still replaced."""
        return self._lost < self._most_lost and not self._closed

    def submit(self, task: Task) -> bool:
        """Queue a task; return False where no thread is left to run it."""
        with self._lock:
            if self._closed:
                return False
            while self._working < self._threads and self._lost < self._most_lost:
                self._start()
            if not self._working:
                return False
            self._tasks.put(task)
            return True

    def give_up(self, task: Task) -> bool:
        """Stop waiting for a task; return False where it is done after all. A thread that runs it is replaced."""
        with self._lock:
            if task.done.is_set() or task.given_up:
                return not task.done.is_set()
            task.given_up = True
            if task.running:
                self._working -= 1
                self._lost += 1
                if self._lost <= self._most_lost and not self._closed:
                    self._start()
            return True

    def close(self) -> None:
        """Let the threads end when they are done."""
        with self._lock:
            self._closed = True
            for _ in range(self._working):
                self._tasks.put(None)

    def _start(self) -> None:
        self._working += 1
        threading.Thread(target=self._work, name="lockgate-scan", daemon=True).start()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            with self._lock:
                if task.given_up:
                    continue
                task.running = True
            failed = True
            try:
                task.work()
                failed = False
            except SystemExit:
                failed = False  # a detector that wants to end the process ends its task
            finally:
                stays = self._finish(task, failed=failed)
            if not stays:
                return

    def _finish(self, task: Task, *, failed: bool) -> bool:
        """Note that a task has run; return whether its thread goes on. One that ends of an exception is replaced.

        Who waits hears of it last: whatever they submit then finds a thread.
        """
        with self._lock:
            task.running = False
            if task.given_up:
                self._lost -= 1
                stays = not failed and self._working < self._threads and not self._closed
                self._working += stays
            else:
                stays = not failed
                if failed:
                    self._working -= 1
                    if not self._closed:
                        self._start()
            task.done.set()
            heard = not task.given_up
        if heard and task.on_done is not None:
            task.on_done()
        return stays
