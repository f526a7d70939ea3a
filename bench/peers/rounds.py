"""All peers, one after another, in several rounds; medians of each, and ratios of one round, so that a slow moment slows both sides."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from bench.document import TARGETS, table, target, write
from bench.kafka import Kafka
from bench.peers import harness, worker
from bench.peers.harness import Result
from bench.peers.install import NotInstalled
from bench.peers.registry import BY_NAME, PEERS, Peer

JOB, LIMIT, WORKER = "firstline-job", "limit", worker.NAME
WORKER_EVENTS = 1_000_000
_WORKER_TITLE = "`firstline worker`, everything on"
Figure = Callable[[Result], float]


class Rounds:
    """The results of each peer, a list entry a round; a run that failed stays in it with its error."""

    def __init__(self) -> None:
        self.results: dict[str, list[Result]] = {}
        self.skipped: dict[str, str] = {}

    def good(self, name: str) -> list[Result]:
        return [each for each in self.results.get(name, ()) if not each.error]

    def middle(self, name: str, figure: Figure) -> float | None:
        values = [figure(each) for each in self.good(name)]
        return median(values) if values else None

    def ratio(self, name: str, to: str, figure: Figure) -> float | None:
        """The median over rounds of one peer's figure over another's."""
        pairs = zip(self.results.get(name, ()), self.results.get(to, ()), strict=False)
        ratios = [figure(a) / figure(b) for a, b in pairs if not a.error and not b.error]
        return median(ratios) if ratios else None


def run(kafka: Kafka, folder: Path, *, rounds: int, events: int, only: Sequence[str] = ()) -> Rounds:
    """`events` bounds those of each peer. Prints each result as it comes."""
    done = Rounds()
    chosen = [peer for peer in PEERS if not only or peer.name in only]
    for peer in chosen:
        if why := _unable(peer):
            done.skipped[peer.name] = why
            print(f"{peer.title}: skipped: {why}", flush=True)
    for number in range(rounds):
        for peer in chosen:
            if peer.name not in done.skipped:
                result = harness.run(kafka, peer, kafka.dataset(min(events, peer.events)), folder)
                _note(done, number, peer.title, result)
        if not only or WORKER in only:
            _note(done, number, _WORKER_TITLE, worker.run(kafka, kafka.dataset(min(events, WORKER_EVENTS)), folder))
    return done


def _unable(peer: Peer) -> str:
    try:
        return peer.missing() or ("" if peer.command() else "no command")
    except NotInstalled as exc:
        return str(exc)


def _note(done: Rounds, number: int, title: str, result: Result) -> None:
    done.results.setdefault(result.peer, []).append(result)
    said = result.error or f"{result.rate:,.0f} events/s, {result.cpu_per_million:.1f} CPU s a million, {result.peak:.0f} MiB"
    print(f"round {number + 1}: {title}: {said}", flush=True)


def report(done: Rounds, rounds: int) -> None:
    rows = []
    for name, title in [(peer.name, peer.title) for peer in PEERS] + [(WORKER, _WORKER_TITLE)]:
        if name in done.results:
            rows.append(_row(done, name, title))
    head = (
        "", "events", "events/s", "min–max", "CPU s a million", "broker's", "peak MiB", "right answer", "its job is", "the worker is",
    )  # fmt: skip
    covers = [f"- {peer.title}: state: {peer.state}; clock: {peer.clock}." for peer in PEERS if peer.name in done.results]
    covers.append(
        f"- {_WORKER_TITLE}: state: memory; compacted changelog, acknowledged before the commit; clock: partitions announced as open → "
        "all events committed. It reads the same topic, decodes, checks and deduplicates whole events and does all its KPIs in "
        "the seven default segmentations, roll-up, kpis topic and Redis."
    )
    skipped = [f"- {BY_NAME[name].title} was skipped: {why}" for name, why in done.skipped.items()]
    failed = [f"- {each.peer} failed in a round: {each.error}" for runs in done.results.values() for each in runs if each.error]
    final = done.middle(WORKER, lambda each: each.more["rows"])
    tail = f"\nUntil its last rows are on the kpis topic and right, the worker's rate is {final:,.0f} events/s.\n" if final else ""
    write(
        "Peers",
        f"The same calls on the same broker (4 partitions, 20 queues, one hot), peers in turn, {rounds} rounds, medians. The "
        "job: totals and 10-second panes by queue, what is open; each answer is checked against a truth computed from the calls. “Its job "
        "is” and “the worker is”: the median over the rounds of the rate of Firstline's extensions on that job, and of the whole worker, "
        "over the peer's.\n\n"
        + table(head, rows)
        + "\n"
        + tail
        + "\n"
        + "\n".join(covers + skipped + failed)
        + "\n\n"
        + table(TARGETS, _targets(done)),
    )


def _row(done: Rounds, name: str, title: str) -> list[str]:
    good = done.good(name)
    if not good:
        return [title, "", "failed", *[""] * 7]
    rates = [each.rate for each in good]
    right = "–" if name == LIMIT else f"{len(good)} of {len(done.results[name])}"
    return [
        title,
        f"{good[0].events:,}",
        f"{median(rates):,.0f}",
        f"{min(rates):,.0f}–{max(rates):,.0f}",
        f"{median(each.cpu_per_million for each in good):.1f}",
        f"{median(each.broker_cpu_per_million for each in good):.1f}",
        f"{median(each.peak for each in good):,.0f}",
        right,
        _times(done.ratio(JOB, name, lambda each: each.rate)),
        _times(done.ratio(WORKER, name, lambda each: each.rate)),
    ]


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"×{ratio:,.2f}" if ratio < 10 else f"×{ratio:,.0f}"


def _targets(done: Rounds) -> list[tuple[str, str, str, str]]:
    def rate(each: Result) -> float:
        return each.rate

    def per_cpu(each: Result) -> float:
        return each.events / each.cpu

    out = []
    for what, name, to, figure, wanted in (
        ("the job: share of getmany + decode", JOB, LIMIT, rate, 0.75),
        ("the job: times Kafka Streams", JOB, "kafka-streams", rate, 2.5),
        ("the job: events a CPU second, times Kafka Streams", JOB, "kafka-streams", per_cpu, 5),
        ("the job: times Quix", JOB, "quix", rate, 15),
        ("the job: times Faust's tables", JOB, "faust", rate, 100),
        ("everything on: share of getmany + decode", WORKER, LIMIT, rate, 0.33),
        ("everything on: times Kafka Streams with its simple job", WORKER, "kafka-streams", rate, 1),
        ("everything on: times Quix with its simple job", WORKER, "quix", rate, 1),
        ("everything on: times Faust's tables with their simple job", WORKER, "faust", rate, 1),
    ):
        measured = done.ratio(name, to, figure)
        if measured is not None:
            share = to == LIMIT
            out.append(
                target(
                    what,
                    f"≥ {wanted:.0%}" if share else f"≥ ×{wanted:g}",
                    f"{measured:.0%}" if share else _times(measured),
                    measured >= wanted,
                )
            )
    return out
