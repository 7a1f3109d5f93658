"""A farm of Dask workers does the batches of a title; sources and results pass through the library.

This is the coordinator: it connects, hands out, collects. With encoder/worker.py the door to distributed,
which is imported only when a cluster is asked for.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future as Pull
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

from distributed import Client, Future
from distributed.scheduler import KilledWorker
from distributed.security import Security

from encoder.errors import EncodeError
from encoder.make import Make, make
from encoder.pool import OnShare
from encoder.shared_work import SharedTitle, bring_done
from encoder.steps import Batch
from encoder.work import WorkFolder
from encoder.worker import TOPIC, Errand, forget_source, work_on

_LOOK_S = 0.2  # from one look at the batches to the next
_PULLS = 4  # batches brought here at a time


class ClusterError(EncodeError):
    """The cluster cannot do the work; the message says what is missing. What is done is kept."""


@dataclass(frozen=True, slots=True)
class Patience:
    """With a cluster, in seconds."""

    answer_s: float = 5.0  # until a scheduler answers, and has a worker
    alone_s: float = 60.0  # without workers: one may be starting again
    count_s: float = 5.0  # from one count of them to the next
    settle_s: float = 30.0  # until all machines see the same in a folder that they share


@dataclass(frozen=True, slots=True)
class _Farm:
    address: str
    client: Client
    patience: Patience


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of one scheduler. Raises EncodeError."""

    address: str
    patience: Patience = Patience()

    def check(self) -> None:
        """It is there, and would make the same bytes as this machine."""
        with _connected(self.address, self.patience) as farm:
            _check(farm, make())

    def run(self, title: SharedTitle, work: WorkFolder, batches: Sequence[Batch], on_share: OnShare) -> None:
        """Do `batches`, first come first, and bring here what they make.

        Raises what the first that fails has raised. An exception here (also one out of `on_share`) ends all.
        """
        if not batches:
            return
        with _connected(self.address, self.patience) as farm:
            errand = Errand(title=title, make=make(), run=uuid4().hex)
            _check(farm, errand.make)
            title.work.push_source(title.input)
            shares = _Shares(farm.client, errand.run, batches)
            with _handed_out(farm, errand, batches) as handed_out:
                _collect(farm, handed_out, title, work, shares, on_share)
        title.work.sweep()


@contextmanager
def _connected(address: str, patience: Patience) -> Iterator[_Farm]:
    if not re.fullmatch(r"(tcp|tls)://[^/\s]+", address):
        raise ClusterError(f"--cluster {address}: name a scheduler, such as tcp://192.0.2.1:8786")
    if address.startswith("tls:") and not Security().get_connection_args("client").get("ssl_context"):
        raise ClusterError(
            f"{address}: no certificates; name them in Dask's configuration, distributed.comm.tls"
        )
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters of it is told in our words
    try:
        client = Client(address, timeout=patience.answer_s, set_as_default=False)
    except (OSError, ValueError):
        raise ClusterError(f"{address}: no scheduler answers; start one with: dask scheduler") from None
    try:
        yield _Farm(address, client, patience)
    finally:
        with suppress(OSError, TimeoutError):
            client.close(timeout=patience.answer_s)


def _check(farm: _Farm, wanted: Make) -> None:
    """There are workers, and each would make the same bytes."""
    try:
        farm.client.wait_for_workers(1, timeout=farm.patience.answer_s)
    except TimeoutError:
        address = farm.address
        raise ClusterError(f"{address}: has no workers; start some with: dask worker {address}") from None
    for worker, answer in farm.client.run(make, on_error="return").items():
        match answer:
            case Make():
                difference = answer.other_than(wanted)
            case OSError():
                difference = ""  # it has just gone
            case EncodeError():
                difference = str(answer)
            case _:
                difference = "has no penstock: install the same version there, and where the scheduler runs"
        if difference:
            raise ClusterError(f"{worker} {difference}")


@dataclass(frozen=True, slots=True)
class _HandedOut:
    number: int
    batch: Batch

    @property
    def name(self) -> str:
        return " and ".join(step.name for step in self.batch.steps)


@contextmanager
def _handed_out(
    farm: _Farm, errand: Errand, batches: Sequence[Batch]
) -> Iterator[Mapping[Future[None], _HandedOut]]:
    given: dict[Future[None], _HandedOut] = {}
    try:
        for one in (_HandedOut(number, batch) for number, batch in enumerate(batches)):
            key = f"{errand.title.place}: {one.name}-{errand.run}"  # as the dashboard shows it
            future = farm.client.submit(
                work_on, errand, one.number, one.batch, key=key, pure=False, priority=-one.number
            )
            given[future] = one
        yield given
    finally:
        if farm.client.status == "running":
            with suppress(OSError):
                farm.client.cancel([*given], force=True)
                farm.client.run(forget_source, errand.title.input_sha256, on_error="ignore")


class _Shares:
    """How much of each batch is done, as the workers tell it."""

    def __init__(self, client: Client, run: str, batches: Sequence[Batch]) -> None:
        self._run = run
        self._costs = [batch.cost for batch in batches]
        self._shares = [0.0] * len(batches)
        client.subscribe_topic(TOPIC, self._hear)

    @property
    def of_all(self) -> float:
        return sum(share * cost for share, cost in zip(self._shares, self._costs, strict=True)) / sum(
            self._costs
        )

    def finish(self, number: int) -> None:
        self._shares[number] = 1.0

    def _hear(self, event: tuple[float, tuple[str, int, float]]) -> None:
        _, (run, number, share) = event
        if run == self._run and share > self._shares[number]:
            self._shares[number] = share


def _collect(
    farm: _Farm, handed_out: Mapping[Future[None], _HandedOut], title: SharedTitle, work: WorkFolder,
    shares: _Shares, on_share: OnShare,
) -> None:  # fmt: skip
    """Until all is here. Raises what went wrong first."""
    watch, pending, pulls = _Watch(farm), dict(handed_out), set[Pull[None]]()
    with ThreadPoolExecutor(_PULLS) as pool:
        try:
            while pending or pulls:
                for future in [future for future in pending if future.status != "pending"]:
                    one = pending.pop(future)
                    _check_finished(farm, future, one)
                    shares.finish(one.number)
                    pulls.add(pool.submit(_bring, title, work, one.batch, farm.patience))
                for pull in [pull for pull in pulls if pull.done()]:
                    pulls.remove(pull)
                    pull.result()
                on_share(shares.of_all)
                watch.look()
                time.sleep(_LOOK_S)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _check_finished(farm: _Farm, future: Future[None], one: _HandedOut) -> None:
    if future.status == "finished":
        return
    if future.status != "error":
        raise ClusterError(f"{farm.address}: the scheduler is gone; run it again, it goes on from here")
    error = future.exception()
    if isinstance(error, EncodeError):
        raise error
    if isinstance(error, KilledWorker):
        raise ClusterError(f"{one.name}: one worker after another died of it; give them more memory")
    line = str(error).partition("\n")[0]
    raise ClusterError(f"{one.name}: failed on a worker: {type(error).__name__}: {line}")


def _bring(title: SharedTitle, work: WorkFolder, batch: Batch, patience: Patience) -> None:
    limit_s = time.monotonic() + patience.settle_s
    while True:
        bring_done(title, work, batch.steps)
        missing = [step.name for step in batch.steps if not work.done(step)]
        if not missing:
            return
        if time.monotonic() > limit_s:
            raise ClusterError(f"{title.url}: {missing[0]} is not here; do all machines see this library?")
        time.sleep(_LOOK_S)


class _Watch:
    """Looks now and then whether there is anybody left to work."""

    def __init__(self, farm: _Farm) -> None:
        self._farm = farm
        self._seen_s = self._looked_s = time.monotonic()

    def look(self) -> None:
        now_s = time.monotonic()
        if now_s < self._looked_s + self._farm.patience.count_s:
            return
        self._looked_s = now_s
        if self._farm.client.scheduler_info()["workers"]:
            self._seen_s = now_s
        elif now_s > self._seen_s + self._farm.patience.alone_s:
            raise ClusterError(
                f"{self._farm.address}: all workers are gone; run it again, it goes on from here"
            )
