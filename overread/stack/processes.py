"""Work on many items in several processes, each started once with what it needs; one that dies costs no item.

``concurrent.futures`` gives up all work when one process dies; here the item is tried once more in a new process.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Generic, TypeVar

from overread.errors import OverreadError

Item = TypeVar("Item")
Result = TypeVar("Result")
ATTEMPTS = 2
STOP_SECONDS = 5


def in_processes(
    items: Iterable[Item],
    processes: int,
    prepare: Callable[[], Callable[[Item], Result]],
    lost: Callable[[Item], Result],
) -> Iterator[Result]:
    """Yield the result of each item as soon as it is known, so in no fixed order.

    Items are taken as processes become free, never ahead. If the caller stops, the processes are ended.

    Args:
        items: each can be pickled.
        processes: how many.
        prepare: called once in each process; returns what works on an item there. It can be pickled.
        lost: the result of an item whose process died twice, such as for want of memory.

    Raises:
        OverreadError: which ``prepare`` raised in a process.
    """
    todo = iter(items)
    context = get_context("spawn")  # a forked process would share locks of onnxruntime's threads
    busy: dict[Connection, _Process[Item, Result]] = {}
    try:
        for _ in range(processes):
            _next_item(_Process(context, prepare), todo, busy)
        while busy:
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                process = busy.pop(connection)
                try:
                    answer = connection.recv()
                except (EOFError, ConnectionResetError):
                    process.end()
                    item, attempts = process.item, process.attempts
                    process = _Process(context, prepare)
                    if attempts < ATTEMPTS:
                        process.send(item, attempts + 1)
                        busy[process.connection] = process
                        continue
                    answer = lost(item)
                if isinstance(answer, OverreadError):
                    raise answer
                _next_item(process, todo, busy)
                yield answer
    finally:
        for process in busy.values():
            process.end()


def _next_item(process: "_Process[Item, Result]", todo: Iterator[Item], busy: dict[Connection, Any]) -> None:
    """Give the process the next item, or end it where there is none."""
    for item in todo:
        process.send(item, 1)
        busy[process.connection] = process
        return
    process.end()


class _Process(Generic[Item, Result]):
    """A process with the item that it works on."""

    item: Item
    attempts: int

    def __init__(self, context: SpawnContext, prepare: Callable[[], Callable[[Item], Result]]) -> None:
        self.connection, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(target=_serve, args=(theirs, prepare), daemon=True)
        self._process.start()
        theirs.close()  # else its end would not be noticed

    def send(self, item: Item, attempt: int) -> None:
        self.item, self.attempts = item, attempt
        with suppress(OSError):  # it has just died: receiving from it will tell
            self.connection.send(item)

    def end(self) -> None:
        self.connection.close()
        self._process.terminate()
        self._process.join(STOP_SECONDS)


def _serve(connection: Connection, prepare: Callable[[], Callable[[Any], Any]]) -> None:
    """Answer items until the other end of the connection is closed, also by the death of its process."""
    try:
        work = prepare()
        while True:
            connection.send(work(connection.recv()))
    except OverreadError as error:
        connection.send(error)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
