"""Ten times a large centre for ten minutes, then more than the worker can take: `make load`, ARGS="--minutes 1" for a try.

A large centre has 5,000 agents and a million interactions a day. Its profile is the busiest hour of the synthetic centre.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.common import machine
from bench.document import TARGETS, table, target, write
from bench.kafka import Kafka
from bench.processes import Child, end_in_good_order
from bench.stack import ServerUnavailable, Stack, percentile, running

INTERACTIONS = 10 * 1_000_000
SCRAPED_EVERY_S = 5.0
"""A scrape is work for the worker; Prometheus' own interval is 15 s and more."""
PROBES = 10
BURST = 1_000_000
_CATCH_UP_S = 300.0


class Sample(NamedTuple):
    at: float
    lag: float
    worker_mib: float
    wallboard_mib: float
    cpu: float
    """Of the worker, % of a core since the sample before."""
    ready: str
    told_lag: float
    """By `/readyz`."""


def sampled(stack: Stack, while_runs: Child | None, seconds: float, *, every: float, until_lag: float | None = None) -> list[Sample]:
    """A sample every so many seconds while the child runs, or until the lag has fallen that far, but at most so long."""
    out: list[Sample] = []
    began, used, last = time.time(), stack.workers[0].cpu(), time.time()
    while time.time() - began < seconds and stack.alive():
        time.sleep(every)
        now, cpu = time.time(), stack.workers[0].cpu()
        out.append(
            Sample(
                now - began,
                stack.lag(),
                stack.workers[0].held(),
                stack.wallboard.held(),
                (cpu - used) / (now - last) * 100,
                stack.ready(),
                stack.told_lag(),
            )
        )
        used, last = cpu, now
        if while_runs is not None and while_runs.ended is not None and (until_lag is None or out[-1].lag <= until_lag):
            break
    return out


def _shown(samples: list[Sample]) -> str:
    """A line for each tenth of the time."""
    step = max(1, len(samples) // 10)
    rows = [
        [f"{each.at:.0f}", f"{each.lag:,.0f}", f"{each.worker_mib:,.0f}", f"{each.wallboard_mib:,.0f}", f"{each.cpu:.0f}", each.ready]
        for each in samples[step - 1 :: step]
    ]
    return table(("second", "lag, events", "worker MiB", "wallboard MiB", "worker CPU %", "`/readyz` "), rows)


def report(kafka: Kafka, folder: Path, minutes: float, burst: int) -> None:
    with running(kafka, folder) as stack:
        feed = stack.feed(kafka, "centre", INTERACTIONS, minutes * 60, PROBES)
        steady = sampled(stack, feed, minutes * 60 + 60, every=SCRAPED_EVERY_S)
        latencies = stack.latencies(feed)
        told = dict(line.split()[:2] for line in feed.log.read_text().splitlines() if line.startswith(("rate", "sent")))
        flood = stack.feed(kafka, "burst", burst)
        burst_samples = sampled(stack, flood, _CATCH_UP_S, every=1, until_lag=1000)
        alive = stack.alive()
        dead = (
            "" if alive else "\n\n```text\n" + "\n".join(each.tail() for each in stack.workers if each.ended is not None)[-1500:] + "\n```"
        )
    half = len(steady) // 2
    early, late = (median(each.worker_mib for each in part) if part else 0.0 for part in (steady[half // 2 : half], steady[-half // 2 :]))
    most, slowest = max((each.lag for each in steady), default=0.0), percentile(latencies, 0.99)
    flooded = max((each.lag for each in burst_samples), default=0.0)
    said = max((each.told_lag for each in burst_samples), default=0.0)
    caught = bool(burst_samples) and burst_samples[-1].lag <= 1000
    rate = float(told.get("rate", 0))
    targets = [
        target("lag at that load", "bounded: ≤ 2 s of events", f"at most {most:,.0f} events", most <= 2 * rate),
        target(
            "memory grows by what is kept",
            "bounded",
            f"{early:,.0f} → {late:,.0f} MiB, {_each(early, late, told, steady)}",
            late < 2 * early + 200,
        ),
        target("event → API, p99", "≤ 1,500 ms", f"{slowest:,.0f} ms (p50 {percentile(latencies, 0.5):,.0f})", slowest <= 1500),
        target("burst: lag in `firstline_consumer_lag_events`", "visible", f"at most {flooded:,.0f} events", flooded > 10_000),
        target("burst: lag in `/readyz`", "visible", f"at most {said:,.0f} events", said > 10_000),
        target("burst: caught up", "yes", f"after {burst_samples[-1].at:.0f} s" if caught else "no", caught),
        target("nothing dies", "yes", "yes" if alive else "no", alive),
    ]
    write(
        "Load",
        f"{INTERACTIONS:,} interactions a day from 50,000 agents, ten times a large centre: its busiest hour is {rate:,.0f} "
        f"events a second, sent for {minutes:g} minutes ({int(told.get('sent', 0)):,} events of calls, chats and tickets). One worker, "
        f"the wallboard with one viewer, Redis; {PROBES} calls a second more into a queue that is watched. "
        f"Then {burst:,} events as fast as they can be sent.\n\n"
        + table(TARGETS, targets)
        + "\n\nThe load:\n\n"
        + _shown(steady)
        + "\n\nThe burst, until it is caught up:\n\n"
        + _shown(burst_samples)
        + dead,
    )


def _each(early: float, late: float, told: dict[str, str], samples: list[Sample]) -> str:
    """Growth an event: the set of events is kept for `retention`, so it is not 0."""
    events = float(told.get("sent", 0)) * 0.6  # between the middles of the two spans
    return f"{(late - early) * (1 << 20) / events:,.0f} bytes an event" if events and samples else "–"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--burst", type=int, default=BURST, help="events of the flood at the end")
    chosen = parser.parse_args()
    end_in_good_order()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="firstline-load-") as name:
        folder = Path(name)
        try:
            with Kafka(folder).running() as kafka:
                report(kafka, folder, chosen.minutes, chosen.burst)
        except ServerUnavailable as exc:
            print(f"load: skipped: {exc}")
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
