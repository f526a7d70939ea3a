"""Breaks workers and compares: `python -m tests.chaos.run SCENARIO… --seeds 1-3`. One JSON line a run; exit 1 if any differs.

kill: one worker of two, or both, with SIGKILL at random moments. storm: two to four workers join and leave. stop: SIGSTOP for longer
than the session, so that another takes over, then SIGCONT. zombie: the same in the middle of a flush. fail: sends that report an error.
broker: SIGKILL of the broker itself.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from agents import topics
from agents.settings import Settings
from tests.integration.centre import Centre, make_input
from tests.integration.kafka_server import KafkaServer

PARTITIONS = 4
RATE = 900


class Run:
    """One centre under attack."""

    def __init__(self, centre: Centre, kafka: KafkaServer, rnd: random.Random) -> None:
        self.centre, self.kafka, self.rnd = centre, kafka, rnd
        self.faults: Counter[str] = Counter()

    def alive(self) -> list:  # type: ignore[type-arg]
        return [worker for worker in self.centre.workers if worker.poll() is None]

    def keep(self, number: int) -> None:
        while len(self.alive()) < number:
            self.centre.start()

    def send(self, number: signal.Signals) -> None:
        self.rnd.choice(self.alive()).send_signal(number)
        self.faults[number.name] += 1


def kill(run: Run) -> None:
    time.sleep(run.rnd.uniform(0.5, 5))
    for _ in range(2 if run.rnd.random() < 0.25 else 1):
        run.send(signal.SIGKILL)
        time.sleep(0.1)
    run.keep(2)


def storm(run: Run) -> None:
    time.sleep(run.rnd.uniform(0.3, 3.5))
    number = len(run.alive())
    if number < 2 or (number < 4 and run.rnd.random() < 0.5):
        run.centre.start()
        run.faults["join"] += 1
    else:
        run.send(run.rnd.choice((signal.SIGTERM, signal.SIGTERM, signal.SIGKILL)))


def stop(run: Run) -> None:
    time.sleep(run.rnd.uniform(1, 3))
    sleeper = run.rnd.choice(run.alive())
    sleeper.send_signal(signal.SIGSTOP)
    time.sleep(run.rnd.uniform(3, 7))
    sleeper.send_signal(signal.SIGCONT)
    run.faults["SIGSTOP"] += 1
    if run.rnd.random() < 0.3:
        time.sleep(run.rnd.uniform(0, 1))
        run.send(signal.SIGKILL)
    run.keep(2)


def zombie(run: Run) -> None:
    """A worker that put itself to sleep in the middle of a flush is woken after the take-over."""
    time.sleep(0.2)
    while len(run.alive()) < 2:
        run.centre.start(PAUSE="0.01")
    for worker in run.alive():
        if Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T":
            run.faults["asleep in a flush"] += 1
            time.sleep(run.rnd.uniform(3, 7))
            worker.send_signal(signal.SIGCONT)


def fail(run: Run) -> None:
    """Sends report errors although the records are there: the worker must stop without a commit."""
    time.sleep(0.2)
    while len(run.alive()) < 2:
        run.centre.start(FAIL="0.02")
        run.faults["start"] += 1


def broker(run: Run) -> None:
    time.sleep(run.rnd.uniform(3, 8))
    run.kafka.kill()
    time.sleep(run.rnd.uniform(0.5, 3))
    run.kafka.start()
    run.faults["broker"] += 1
    time.sleep(3)
    run.keep(2)


SCENARIOS: dict[str, Callable[[Run], None]] = {"kill": kill, "storm": storm, "stop": stop, "broker": broker, "zombie": zombie, "fail": fail}
_COMPACTED_ALL_THE_TIME = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "500"}


def run_one(name: str, seed: int, kafka: KafkaServer, interactions: int) -> bool:
    prefix = f"{name}-{seed}-{uuid4().hex[:6]}-"
    settings = Settings(
        brokers=kafka.address, group=prefix + "group", topic_prefix=prefix, partitions=PARTITIONS, session_timeout=2, commit_interval=0.5,
        clock="recording",
    )  # fmt: skip
    topics.ensure(settings)
    topics.alter(settings, topics.LEDGER, _COMPACTED_ALL_THE_TIME)
    given = make_input(seed, interactions, PARTITIONS)
    with tempfile.TemporaryDirectory() as folder:
        centre = Centre(settings, Path(folder), PARTITIONS)
        run = Run(centre, kafka, random.Random(seed))
        if name not in ("zombie", "fail"):
            run.keep(2)
        problem = ""
        try:
            with centre.feeding(given.records, RATE) as feeding:
                while feeding.is_alive():
                    SCENARIOS[name](run)
            for worker in run.alive():
                worker.send_signal(signal.SIGCONT)
                if name in ("zombie", "fail"):  # the last word is a healthy worker's
                    worker.kill()
                    worker.wait()
            run.keep(2)
            centre.wait_until_read()
        except AssertionError as exc:
            problem = str(exc)[:2000]
        held, logs = centre.ledger(), centre.logs()
        centre.end()
    lost = sum(len(events - held.get(subject, set())) for subject, events in given.truth.items())
    invented = sum(len(events - given.truth.get(subject, set())) for subject, events in held.items())
    row = {
        "run": name, "seed": seed, "records": len(given.records), "faults": dict(run.faults), "opened": logs.count("partition opened"),
        "stopped": logs.count("worker stops"), "lost": lost, "invented": invented, "problem": problem,
    }  # fmt: skip
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()
    return not (lost or invented or problem)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="+", choices=sorted(SCENARIOS))
    parser.add_argument("--seeds", default="1-1", help="first-last")
    parser.add_argument("--interactions", type=int, default=10_000)
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        kafka = KafkaServer(Path(folder))
        kafka.start()
        try:
            for seed in range(int(first), int(last or first) + 1):
                for name in options.scenario:
                    good &= run_one(name, seed, kafka, options.interactions)
        finally:
            kafka.kill()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
