"""A report on all cores: every process reads the whole recording, but decodes and derives only the interactions of its own shard.

An interaction lies in one shard, so the shards' sums add up to the report. This is for clean recordings: at the first line that is no event
the shards give up, and the caller reads in one process, which tells of every bad line in order.
"""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import NamedTuple

from agents.recording_files import STDIN, Advance, Lines, read, total_bytes
from streams.aggregator import Aggregator
from streams.events import decode
from streams.faults import EventFault
from streams.policy import Clock
from streams.recording import Input, Recording
from streams.report import report

WORTH_BYTES = 8 << 20
"""Smaller recordings are read sooner by one process."""
MOST_SHARDS = 8

Span = tuple[int, int] | None
Plan = Callable[[Span], Aggregator | None]
"""From the first and last event of the whole recording to the empty rows of its report; None: no rows."""


class UncleanError(Exception):
    """A line that is no event, or whose subject does not meet the eye: reading is for one process, which tells of every line in order."""


_MARK = b'"subject":"'
_MARK_LENGTH = len(_MARK)


class Reported(NamedTuple):
    """A filled aggregator, or None without rows, and what was read."""

    aggregator: Aggregator | None
    counts: Input
    span: Span


def shards_for(files: Sequence[Path]) -> int:
    """Into how many shards to read files; 1 if they are small, or can be read only once."""
    if any(file == STDIN or not file.is_file() for file in files) or (total_bytes(files) or 0) < WORTH_BYTES:
        return 1
    return min(MOST_SHARDS, len(os.sched_getaffinity(0)))


def load_shard(files: Sequence[Path], clock: Clock, shard: int, shards: int, advance: Advance) -> Recording:
    """The interactions of one shard. Raises `UncleanError`."""
    recording = Recording()
    subjects = recording.subjects
    known, good = subjects.get, decode
    earliest, latest = clock.earliest_ms, clock.latest_ms
    try:
        for path in files:
            for item in read(path, advance):
                if not isinstance(item, Lines):
                    raise UncleanError
                for line in item.lines:
                    # A glance instead of a parse. Whoever decodes the line sees whether it was its subject that was glanced at.
                    at = line.find(_MARK) + _MARK_LENGTH
                    glanced = line[at : line.find(b'"', at)]
                    if hash(glanced) % shards != shard:  # the same in all processes, since they are forked
                        continue
                    subject, event = good(line)
                    if glanced != subject.encode() or not earliest <= event.time < latest:
                        raise UncleanError
                    events = known(subject)
                    if events is None:
                        subjects[subject] = [event]
                    else:
                        events.append(event)
    except EventFault as exc:
        raise UncleanError from exc
    return recording


def report_in_shards(files: Sequence[Path], clock: Clock, shards: int, plan: Plan, advance: Advance) -> Reported:
    """The report of a clean recording. Raises `UncleanError`."""
    context = get_context("fork")
    others: list[tuple[ForkProcess, Connection]] = []
    for shard in range(1, shards):
        mine, theirs = context.Pipe()
        ours = [*(pipe for _, pipe in others), mine]
        process = context.Process(target=_other, args=(theirs, ours, files, clock, shard, shards, plan), daemon=True)
        process.start()
        theirs.close()
        others.append((process, mine))
    try:
        recording = load_shard(files, clock, 0, shards, advance)
        spans = [recording.span(), *(_received(pipe) for _, pipe in others)]
        known = [span for span in spans if span is not None]
        whole = (min(span[0] for span in known), max(span[1] for span in known)) if known else None
        for _, pipe in others:
            pipe.send(whole)
        aggregator, counts = plan(whole), Input()
        if aggregator is not None:
            report(recording, aggregator, counts)
            aggregator.finish()
            for _, pipe in others:
                cells, segments, spans_open, read_there = _received(pipe)
                aggregator.merge(cells, segments, spans_open)
                counts.add(read_there)
        return Reported(aggregator, counts, whole)
    finally:
        for process, pipe in others:
            pipe.close()
            process.terminate()
            process.join()


def _received(pipe: Connection):  # type: ignore[no-untyped-def]
    try:
        answer = pipe.recv()
    except EOFError as exc:
        raise UncleanError from exc
    if isinstance(answer, UncleanError):
        raise answer
    return answer


def _other(pipe: Connection, ours: Sequence[Connection], files: Sequence[Path], clock: Clock, shard: int, shards: int, plan: Plan) -> None:
    """A further process: loads its shard, tells its span, learns that of the whole, tells its sums. `ours` are the first process' ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C comes to both, and the first one says what is to be said
    for end in ours:
        end.close()  # held here as well, they would hide from this process that the first one has ended
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the first process has ended: nobody waits for the sums
        _serve(pipe, files, clock, shard, shards, plan)
    os._exit(0)


def _serve(pipe: Connection, files: Sequence[Path], clock: Clock, shard: int, shards: int, plan: Plan) -> None:
    try:
        recording = load_shard(files, clock, shard, shards, lambda _: None)
    except UncleanError as exc:
        pipe.send(exc)
        return
    pipe.send(recording.span())
    aggregator, counts = plan(pipe.recv()), Input()
    if aggregator is not None:
        report(recording, aggregator, counts)
        aggregator.finish()
        pipe.send((aggregator.cells, aggregator.segments, aggregator.open, counts))
    pipe.close()
