"""Scores parts: in processes on this machine, or with Ray Data on a cluster. Both write the same files."""

import logging
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from overread.errors import OverreadError
from overread.score.image_rows import image_scorer
from overread.score.part_files import write_part
from overread.score.source import Part
from overread.stack.answering import Wanted
from overread.stack.processes import in_processes

OBJECT_STORE_BYTES = 100 * 2**20  # descriptions of parts and counts pass through it, never images


class LostPartError(OverreadError):
    """A part could not be answered: its process died each time."""


class ClusterError(OverreadError):
    """The Ray cluster does not answer."""


@dataclass(frozen=True)
class Task:
    """What is done with every part; it can be pickled.

    Attributes:
        model: a name of the catalogue, or a domain.
        wanted: what is asked about each row.
        kept: fields of the columns that are kept.
        slides: rows are slides.
        folder: where the part files go.
        parts: how many there are.
    """

    model: str
    wanted: Wanted
    kept: tuple[pa.Field, ...]
    slides: bool
    folder: Path
    parts: int

    def worker(self) -> Callable[[Part], int]:
        """Return what answers a part here, writes its file and returns its number of rows."""
        if self.slides:
            from overread.score.slide_rows import slide_scorer  # the scan's packages are needed for slides only

            answer = slide_scorer(self.model, self.wanted)
        else:
            answer = image_scorer(self.model, self.wanted, self.kept)
        return partial(self._write, answer)

    def _write(self, answer: Callable[[Part], pa.Table], part: Part) -> int:
        table = answer(part)
        write_part(self.folder, part.number, self.parts, table)
        return table.num_rows


def cpus() -> int:
    """Return how many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def score_here(task: Task, todo: Sequence[Part], processes: int | None) -> Iterator[int]:
    """Yield the number of rows of each part as soon as its file is written, by processes with one thread each.

    Raises:
        LostPartError: a part's process died twice; the parts that are written stay.
    """
    return in_processes(todo, min(processes or cpus(), len(todo)), task.worker, _lost)


def _lost(part: Part) -> int:
    raise LostPartError(
        f"The process that answered rows {part.first} to {part.first + part.count - 1} ended twice: it may need more "
        "memory than there is. What is written stays; the same command goes on from there."
    )


class _Actor:
    """A Ray actor: the model is loaded once, then parts come one by one."""

    def __init__(self, task: Task) -> None:
        self._work = task.worker()

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[int]]:
        return {"rows": [self._work(pickle.loads(part)) for part in batch["part"]]}


def score_with_ray(task: Task, todo: Sequence[Part], workers: int | None, address: str | None) -> Iterator[int]:
    """Yield likewise, by an actor pool of Ray Data with one CPU and one thread for each actor.

    Ray hands a part to an actor only when it is nearly free (back-pressure), starts an actor that died anew and repeats
    its part; a part's file is replaced whole, so nothing is lost and nothing doubled.

    Args:
        task: what to do; its folder is seen under the same path by all nodes.
        todo: the parts.
        workers: actors; None for one on each CPU of the cluster.
        address: of the cluster, or "auto"; None starts one on this machine for the run.

    Raises:
        ClusterError: there is no cluster.
        OverreadError: which an actor raised, such as for a model that its node cannot load.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of what the tests show to work
    import ray

    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    here = {"num_cpus": workers or cpus(), "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    options: dict[str, Any] = quiet if address else quiet | here
    try:
        ray.init(address=address, **options)
    except Exception as error:  # Ray raises bare Exception where a node does not start, ConnectionError and others
        reason = str(error).partition("\n")[0]
        where = f"reached at {address}" if address else "started"
        raise ClusterError(f"Ray cannot be {where}: {reason}") from error
    try:
        workers = workers or int(ray.cluster_resources()["CPU"])
        ray.data.DataContext.get_current().enable_progress_bars = False
        parts = ray.data.from_items([{"part": pickle.dumps(part)} for part in todo], override_num_blocks=len(todo))
        done = parts.map_batches(
            _Actor,
            fn_constructor_args=(task,),
            batch_size=1,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(todo)), max_tasks_in_flight_per_actor=2),
        )
        logging.getLogger("ray.data").setLevel(logging.ERROR)  # now: making a data set has configured its logging
        for row in done.iter_rows():
            yield row["rows"]
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, OverreadError):
            raise error.cause from None
        raise
    finally:
        ray.shutdown()
