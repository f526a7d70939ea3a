"""What is broken: a function each, which breaks one thing or two each time it is called."""

import resource
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.chaos.site import SESSION_SECONDS, Site

_KILLS = {"before_send": 6, "after_send": 6, "before_commit": 3, "after_commit": 3, "recovering": 3, "rebalance": 3, "opening": 2}
"""Point → up to which passage of it a worker lives."""


def kill(site: Site) -> None:
    """`kill -9` of one worker of two, or of both, at any moment."""
    opened = site.centre.opened()
    site.keep(2)
    if site.rnd.random() < 0.8:  # else while it starts
        site.within(10, lambda: site.centre.opened() > opened)
    site.pause(0, 1.5)
    for _ in range(2 if site.rnd.random() < 0.25 else 1):
        site.send(signal.SIGKILL)


def points(site: Site) -> None:
    """`kill -9` at a named point: between changelog sends, around a commit, while recovering, in a rebalance."""

    def fault() -> str:
        point = site.rnd.choice(list(_KILLS))
        return f"kill {point} {site.rnd.randint(1, _KILLS[point])}"

    site.keep(2, fault)
    if not site.within(15, lambda: len(site.alive()) < 2):
        site.send(signal.SIGKILL)


def sleeper(site: Site) -> None:
    """A worker is stopped (SIGSTOP) for longer than its session, at any moment or in the middle of a flush, and wakes after another has
    taken over. The changelog is compacted all the time."""
    if site.rnd.random() < 0.5:
        site.keep(2)
        site.pause(0, 1)
        site.send(signal.SIGSTOP)
    else:
        site.keep(2, lambda: f"sleep {site.rnd.choice(('before_send', 'after_send'))} {site.rnd.randint(2, 8)}")
        site.within(6, lambda: bool(site.asleep()))
    opened = site.centre.opened()
    site.within(3 * SESSION_SECONDS, lambda: site.centre.opened() > opened)
    site.pause(0, 1.5)
    for worker in site.asleep():
        worker.send_signal(signal.SIGCONT)
    site.pause(0, 0.5)
    if site.rnd.random() < 0.3:
        site.send(signal.SIGKILL)


def storm(site: Site) -> None:
    """Two to four workers join, leave and are killed faster than the group settles."""
    site.pause(0.2, 2)
    number = len(site.alive())
    if number < 2 or (number < 4 and site.rnd.random() < 0.5):
        site.keep(number + 1)
        site.faults["join"] += 1
    else:
        site.send(site.rnd.choice((signal.SIGTERM, signal.SIGTERM, signal.SIGKILL)))


def sends(site: Site) -> None:
    """Sends to the changelog that report an error though the records are there, that are lost, and that stall."""
    site.keep(2, lambda: f"{site.rnd.choice(('fail', 'lose', 'stall'))} before_send {site.rnd.randint(2, 8)}")
    before = sum(site.count().values())
    site.within(6, lambda: sum(site.count().values()) > before)
    if site.rnd.random() < 0.2:
        site.send(signal.SIGKILL)


def clock(site: Site) -> None:
    """The clock of the machine jumps by up to three hours, ahead and back."""
    assert site.clock is not None
    site.keep(2)
    site.clock.write_text(str(site.rnd.choice((0, 1)) * site.rnd.randint(-3 * 3600, 3 * 3600)))
    site.faults["clock jump"] += 1
    site.pause(0.5, 3)


def broker(site: Site) -> None:
    """`kill -9` of the broker, which comes back with its data."""
    site.keep(2)
    site.pause(1, 4)
    site.kafka.kill()
    site.faults["broker killed"] += 1
    site.pause(0.2, 3)
    site.kafka.start()
    site.pause(1, 3)


def disk(site: Site) -> None:
    """The broker's disk is full: no file may grow any further, in the middle of a record, so the broker stops. Then there is room again.

    Now and then the disk with a worker's log is full too (/dev/full).
    """
    site.keep(2)
    site.pause(1, 3)
    process = site.kafka.process
    assert process is not None
    room = site.rnd.randint(1, 200_000)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    site.faults["broker's disk full"] += 1
    site.within(15, lambda: process.poll() is not None)
    site.kafka.kill()
    site.kafka.start()
    if site.rnd.random() < 0.5:
        site.send(signal.SIGKILL)
        site.start(log="/dev/full")
        site.faults["log's disk full"] += 1


def network(site: Site) -> None:
    """Toxiproxy between each worker and the broker: cut, half open (nothing passes, nothing ends), slow, narrow, reset, cut in a record."""
    proxy, rnd = site.proxy, site.rnd
    assert proxy is not None
    site.keep(2)
    site.pause(0.5, 2)
    for name in rnd.choice((["first"], ["second"], ["first", "second"])):
        kind = rnd.choice(("cut", "half open", "delay", "narrow", "reset", "cut in a record"))
        for stream in ("up", "down"):
            if kind == "half open":
                proxy.spoil(name, "timeout", stream, timeout=0)
            elif kind == "delay":
                proxy.spoil(name, "latency", stream, latency=rnd.randint(50, 600), jitter=50)
            elif kind == "narrow":
                proxy.spoil(name, "bandwidth", stream, rate=rnd.randint(5, 50))
            elif kind == "reset":
                proxy.spoil(name, "reset_peer", stream, timeout=rnd.randint(0, 500))
            elif kind == "cut in a record":
                proxy.spoil(name, "limit_data", stream, bytes=rnd.randint(100, 20_000))
        if kind == "cut":
            proxy.cut(name)
        site.faults[f"network {kind}"] += 1
    site.pause(0.5, 2 * SESSION_SECONDS)
    proxy.mend()
    site.pause(0.5, 1.5)


def redis(site: Site) -> None:
    """Redis is killed, flushed, or answers nothing; the stream goes on meanwhile."""
    server, rnd = site.redis, site.rnd
    assert server is not None
    assert server.process is not None
    site.keep(2)
    site.pause(1, 2)
    what = rnd.choice(("killed", "flushed", "hangs"))
    before = site.centre.committed()
    if what == "killed":
        server.kill()
    elif what == "hangs":
        server.process.send_signal(signal.SIGSTOP)
    else:
        server.flush()
    assert site.within(30, lambda: site.centre.committed() > before), f"the stream stands still while Redis is {what}"
    if what == "killed":
        server.start()
    elif what == "hangs":
        server.process.send_signal(signal.SIGCONT)
    site.faults[f"Redis {what}"] += 1
    if rnd.random() < 0.3:
        site.send(signal.SIGKILL)


@dataclass(frozen=True)
class Scenario:
    """A way to break things, the servers it needs, and how it is dosed."""

    attack: Callable[[Site], None]
    seconds: float
    """How long a fault takes, about: what the input is spread over."""
    faults: int
    """How many make a run."""
    own_broker: bool = False


SCENARIOS: Mapping[str, Scenario] = {
    "kill": Scenario(kill, 1.5, 20),
    "points": Scenario(points, 2.0, 30),
    "sleeper": Scenario(sleeper, 4.0, 12),
    "storm": Scenario(storm, 1.2, 20),
    "sends": Scenario(sends, 2.0, 20),
    "clock": Scenario(clock, 2.0, 10),
    "redis": Scenario(redis, 3.0, 8),
    "network": Scenario(network, 3.0, 15, own_broker=True),
    "broker": Scenario(broker, 8.0, 5, own_broker=True),
    "disk": Scenario(disk, 10.0, 4, own_broker=True),
}
