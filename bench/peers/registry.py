"""The peers: how each is started, on how many events, what keeps its state safe, and what its clock covers."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from bench.peers import install
from bench.processes import module

_LAST = "first event processed → last total readable on the result topic"


@dataclass(frozen=True)
class Peer:
    name: str
    title: str
    events: int
    """So many that a run takes a few seconds."""
    state: str
    """Where its state is, and how it survives a crash."""
    clock: str
    command: Callable[[], list[str]]
    missing: Callable[[], str] = lambda: ""
    """Why it cannot run here; empty if it can."""
    answers: bool = True
    """Whether it does the job; the limit only reads."""
    changelog: bool = False
    """Whether the harness makes its changelog topic."""


def _java() -> str:
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    return f"{' and '.join(missing)} missing: apt-get install openjdk-17-jre-headless maven" if missing else ""


PEERS = (
    Peer(
        "limit", "aiokafka getmany + decode", 1_000_000, "none: reads and decodes, keeps nothing", "first batch read → last event decoded",
        lambda: module("bench.peers.limit"), answers=False,
    ),
    Peer(
        "firstline-job", "Firstline's extensions, the peers' job", 1_000_000, "memory; compacted changelog, acknowledged before the commit",
        _LAST, lambda: module("bench.peers.firstline_job"), changelog=True,
    ),
    Peer(
        "kafka-streams", "Kafka Streams 4.1.1, 2 threads", 1_000_000, "RocksDB; changelog", _LAST,
        install.kafka_streams, missing=_java,
    ),
    Peer("quix", "Quix Streams 3.28.1", 200_000, "RocksDB; changelog", _LAST, lambda: install.python("bench.peers.quix")),
    Peer(
        "faust", "plain Faust 0.15.3, tables", 20_000, "memory; table changelogs", _LAST, lambda: install.python("bench.peers.plain_faust")
    ),
)  # fmt: skip
BY_NAME = {peer.name: peer for peer in PEERS}
