"""A group of workers on a log in memory: the real `LedgerTable` and `Ledger` under a scheduler that a seed drives.

Everything between them is made up here and happens one step at a time, in any order: what a producer has taken is appended, acknowledged or
refused, messages are delivered, offsets committed, partitions moved, workers killed, put to sleep and woken, the log compacted.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from streams.events import Event, make, pack, unpack
from streams.ledger import Ledger
from streams.ledger_records import GRAVE, parse_key
from tests.unit.ledger_simulation import CompactedLog, some_events
from tests.unit.simulated_worker import Stopped, Worker


class Cluster:
    """Logs, sources, committed offsets and workers of one seed; `run` breaks them and checks, `counts` says what was broken."""

    def __init__(self, seed: int) -> None:
        rnd = self.rnd = random.Random(seed)
        self.partitions = rnd.choice((1, 1, 2, 3))
        self.logs = [CompactedLog() for _ in range(self.partitions)]
        self.sources = [self._source(number) for number in range(self.partitions)]
        self.committed = [0] * self.partitions
        self.generation = 0
        self.members: list[Worker] = []
        """Who is in the group; the sleepers among them are found missing at the next rebalance."""
        self.strangers: list[Worker] = []
        """Who is no more in the group and does not know it."""
        self.retired: set[str] = set()
        """Subjects that some worker has retired, whether that was written or not."""
        self.counts: Counter[str] = Counter()

    def _source(self, number: int) -> list[tuple[str, Event]]:
        rnd = self.rnd
        events = some_events(rnd, subjects=rnd.choice((1, 4, 15)), n=rnd.choice((30, 120)))
        events += [("long", make("call.queued", n, f"long{n}", "pbx")) for n in range(rnd.choice((0, 70, 200)))]
        rnd.shuffle(events)
        return [(f"{number}-{subject}", event) for subject, event in events]

    # -- steps

    async def run(self, steps: int) -> None:
        calm = self.rnd.choice((1, 1, 3, 10))
        moves: list[tuple[float, Callable[[], Any]]] = [
            (10 * calm, self._append),
            (10 * calm, self._answer),
            (3 * calm, self._deliver),
            (8 * calm, self._read),
            (4 * calm, self._commit),
            (0.6, self._rebalance),
            (0.3, self._kill),
            (0.3, self._sleep),
            (0.3, self._wake),
            (0.3, self._refuse),
            (0.3, self._replay),
            (0.4, self._compact),
            (self.rnd.choice((0, 0.5)), self._retire),
            (0.5, self._check),
        ]
        weights, choices = zip(*moves, strict=True)
        self.members.append(Worker(self.rnd))
        await self._rebalance()
        for move in self.rnd.choices(choices, weights, k=steps):
            result = move()
            if asyncio.iscoroutine(result):
                await result
            await self._let_run()
        await self._end()

    async def _let_run(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0)
        for worker in [*self.members, *self.strangers]:
            for task in worker.tasks():
                if task.done() and (error := task.exception()) is not None:
                    if not isinstance(error, Stopped):
                        raise error
                    self.counts["stopped by itself"] += 1
                    await self._gone(worker)
                    break
            else:
                if worker.opening is not None and worker.opening.done() and not worker.running:
                    worker.running = True
                    worker.position = {partition: self.committed[partition] for partition in worker.assigned}

    def _some(self, condition: Callable[[Worker], Any]) -> Worker | None:
        found = [worker for worker in (*self.members, *self.strangers) if condition(worker)]
        return self.rnd.choice(found) if found else None

    def _append(self) -> None:
        if worker := self._some(lambda worker: worker.producer.partitions()):
            partition = self.rnd.choice(worker.producer.partitions())
            worker.producer.append(partition, self.logs[partition])

    def _answer(self) -> None:
        if worker := self._some(lambda worker: worker.producer.unanswered and not worker.asleep):
            worker.producer.answer()

    def _deliver(self) -> None:
        worker = self._some(lambda w: w.running and not w.asleep and (w.taking is None or w.taking.done()))
        if worker:
            open_ = [p for p in worker.assigned if worker.position[p] < len(self.sources[p])]
            if open_:
                partition = self.rnd.choice(open_)
                worker.deliver(partition, self.sources[partition])

    def _read(self) -> None:
        if worker := self._some(lambda worker: not worker.running and not worker.asleep and worker.generation >= 0):
            worker.read(self.logs)

    def _commit(self) -> None:
        if worker := self._some(lambda worker: worker.running and not worker.asleep):
            self._commit_of(worker)

    def _commit_of(self, worker: Worker) -> None:
        """A prefix of what was delivered and acknowledged; a generation that is over is refused."""
        for partition, queue in worker.delivered.items():
            while queue and (partition, queue[0]) in worker.acked:
                last = queue.popleft()
                if worker.generation == self.generation and worker in self.members:
                    self.committed[partition] = last + 1
                else:
                    self.counts["commits refused"] += 1

    # -- faults

    async def _rebalance(self) -> None:
        """Sleepers fall out of the group, those that found that out come back, sometimes one joins or leaves. All partitions may move."""
        asleep = [worker for worker in self.members if worker.asleep]
        self.strangers += asleep
        awake = [worker for worker in self.strangers if not worker.asleep]
        self.strangers = [worker for worker in self.strangers if worker.asleep]
        self.members = [worker for worker in self.members if not worker.asleep] + awake
        if not self.members or (len(self.members) < 3 and self.rnd.random() < 0.3):
            self.members.append(Worker(self.rnd))
        for worker in self.members:
            if worker not in awake:
                self._commit_of(worker)
        self.generation += 1
        self.counts["rebalances"] += 1
        order = [self.rnd.choice(self.members) for _ in range(self.partitions)]
        for worker in self.members:
            if worker.taking is not None and not worker.taking.done():
                worker.taking.cancel()
                await asyncio.gather(worker.taking, return_exceptions=True)
            worker.taking = None
            await worker.rebalanced([p for p, owner in enumerate(order) if owner is worker], self.generation)
            worker.begin_recovery(self.logs)

    async def _kill(self) -> None:
        if worker := self._some(lambda _: True):
            self.counts["killed"] += 1
            await self._gone(worker)

    async def _gone(self, worker: Worker) -> None:
        """What was on its way to the log may still arrive."""
        for partition in worker.producer.partitions():
            for _ in range(self.rnd.randint(0, len(worker.producer.unsent[partition]))):
                worker.producer.append(partition, self.logs[partition])
        tasks = worker.tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for group in (self.members, self.strangers):
            if worker in group:
                group.remove(worker)
        if not self.members:
            await self._rebalance()

    async def _sleep(self) -> None:
        if worker := self._some(lambda worker: not worker.asleep):
            worker.asleep = True
            self.counts["put to sleep"] += 1
            if self.rnd.random() < 0.7:
                await self._rebalance()

    def _wake(self) -> None:
        if worker := self._some(lambda worker: worker.asleep):
            worker.asleep = False

    def _refuse(self) -> None:
        """A send reports an error; what was sent is in the log all the same, or is not, or arrives later."""
        if worker := self._some(lambda worker: worker.producer.partitions() and not worker.asleep):
            partition = self.rnd.choice(worker.producer.partitions())
            fate = self.rnd.choice(("there", "lost", "still to come"))
            _, future = worker.producer.unsent[partition][0]
            if fate == "there":
                worker.producer.append(partition, self.logs[partition])
                worker.producer.unanswered.pop()
            elif fate == "lost":  # and what was sent after it arrives
                worker.producer.unsent[partition].popleft()
            if not future.done():
                future.set_exception(OSError("refused"))
                self.counts["sends refused"] += 1

    def _compact(self) -> None:
        log = self.rnd.choice(self.logs)
        log.compact(self.rnd.randint(0, len(log.records)), drop_tombstones=self.rnd.random() < 0.5)
        self.counts["compactions"] += 1

    def _retire(self) -> None:
        if worker := self._some(lambda worker: worker.running and not worker.asleep and worker.table.open_states()):
            partition, ledger = self.rnd.choice(list(worker.table.open_states().items()))
            if known := sorted(ledger.subjects()):
                subject = self.rnd.choice(known)
                ledger.retire([subject], 1)
                worker.table.flush_soon(partition)
                self.retired.add(subject)
                self.counts["retired"] += 1

    def _replay(self) -> None:
        """Committed offsets are set back: messages come once more."""
        partition = self.rnd.randrange(self.partitions)
        self.committed[partition] = self.rnd.randint(0, self.committed[partition])
        self.counts["replays"] += 1

    # -- what must be true

    def _check(self) -> None:
        for partition, source in enumerate(self.sources):
            held, graves = live(self.logs[partition])
            for subject, event in source[: self.committed[partition]]:
                assert subject in graves or pack((event,)) in held.get(subject, ()), f"{subject}: committed, but not in the changelog"
            for worker in self.members:
                if worker.running and partition in worker.assigned and (slot := worker.table.slots.get(partition)) and slot.epoch:
                    self._check_memory(slot.state, source[: self.committed[partition]])

    def _check_memory(self, ledger: Ledger, committed: Sequence[tuple[str, Event]]) -> None:
        """Rows are made of what the owner holds."""
        missing = {subject for subject, event in committed if event not in ledger.stored_events(subject)}
        assert missing <= self.retired, f"{sorted(missing)}: committed, but the owner does not know it"

    async def _end(self) -> None:
        """A healthy worker has the last word: everything is read and written, twice, and compacted."""
        for worker in [*self.members, *self.strangers]:
            tasks = worker.tasks()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(2):
            self.members, self.strangers = [last := Worker(self.rnd)], []
            self.generation += 1
            await last.rebalanced(list(range(self.partitions)), self.generation)
            last.begin_recovery(self.logs)
            for _ in range(100_000):
                if last.running and self.committed == [len(source) for source in self.sources] and last.quiet():
                    break
                last.flush_soon()
                for move in (self._read, self._append, self._answer, self._deliver, self._commit):
                    move()
                await self._let_run()
            else:
                raise AssertionError("the last worker does not come to an end")
        self._check()
        for partition, source in enumerate(self.sources):
            log = self.logs[partition]
            log.compact(len(log.records), drop_tombstones=True)
            held, graves = live(log)
            expected: dict[str, set[bytes]] = {}
            for subject, event in source:
                expected.setdefault(subject, set()).add(pack((event,)))
            assert graves <= self.retired
            assert not graves & held.keys(), "a retired interaction has events again"
            assert held == {subject: events for subject, events in expected.items() if subject not in graves}
            memory = last.table.slots[partition].state
            assert {s: {pack((e,)) for e in memory.stored_events(s)} for s in memory.subjects()} == held
            places = {(k.subject, k.epoch) for k in (parse_key(key) for key, value in log.read() if value is not None) if k.subject in held}
            assert len(places) == len(held), "what sleepers have left behind is still there"


def live(log: CompactedLog) -> tuple[dict[str, set[bytes]], set[str]]:
    """What the log says, without any code of the ledger: events of the live records, and the subjects with a gravestone."""
    last = dict(log.read())
    held: dict[str, set[bytes]] = {}
    graves = set()
    for raw, value in last.items():
        key = parse_key(raw)
        if value is None or key.subject is None:
            continue
        if key.chunk == GRAVE:
            graves.add(key.subject)
        else:
            held.setdefault(key.subject, set()).update(pack((event,)) for event in unpack(value))
    return held, graves
