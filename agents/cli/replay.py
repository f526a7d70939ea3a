"""`firstline replay`: a recording to Kafka."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from agents.bad_lines import BadLines
from agents.cli.common import (
    DeadLetters,
    FailedError,
    OptionError,
    PolicyFile,
    Recordings,
    Strict,
    counted,
    note,
    policy_of,
    progress,
    warn,
)
from agents.cli.outputs import dead_letter_file
from agents.cli.settings import Brokers, need_kafka, settings_of
from agents.recording_files import STDIN, total_bytes
from agents.recordings import Reader, Record
from streams.calendar_time import rfc3339
from streams.events import TOPIC_OF
from streams.faults import EventFault

_TOO_LARGE = EventFault("too_large", "$", "larger than Kafka takes")

Speed = Annotated[str, typer.Option("--speed", metavar="SPEED", help="1 is real time, 60 a minute in a second, max as fast as it goes.")]
Resume = Annotated[
    Path | None, typer.Option("--resume", metavar="FILE", help="Keeps the position; a replay that was stopped goes on from there.")
]
NoEnd = Annotated[bool, typer.Option("--no-end", help="Do not tell the workers that the recording has ended.")]


def replay(
    files: Recordings,
    *,
    speed: Speed = "max",
    brokers: Brokers = None,
    resume: Resume = None,
    no_end: NoEnd = False,
    policy: PolicyFile = None,
    dead_letters: DeadLetters = None,
    strict: Strict = False,
) -> None:
    """A recording to Kafka: each event to the topic of its type, keyed by its subject. Missing topics are created.

    With a speed events go out in the order of their times, which takes the recording into memory; with max as they stand in the files.

    \b
    Examples:
      firstline replay january.jsonl.gz --brokers kafka:9092
      firstline replay calls.jsonl chats.jsonl --speed 60 --resume position.json
    """
    from agents import topics
    from agents.replay import Pace, ReplayState, end, in_time_order
    from agents.replay import replay as send_all
    from agents.replay_kafka import KafkaSender, ReplayFailedError

    factor = _factor(speed)
    clock = policy_of(policy).clock
    if resume is not None and STDIN in files:
        raise OptionError("--resume: stdin cannot be read again from a position; name a file")
    settings = settings_of(brokers=brokers)
    with ExitStack() as stack:
        bad = BadLines(warn, stack.enter_context(dead_letter_file(dead_letters, files)) if dead_letters else None, strict)
        reader = Reader(files, clock, bad)
        need_kafka(settings)
        reader.advance = stack.enter_context(progress("replaying" if factor is None else "reading", total_bytes(files)))

        def too_large(record: Record) -> None:
            reader.reject(files[record.file], record.line, record.raw, _TOO_LARGE)

        records = reader.records() if factor is None else in_time_order(reader.records())
        try:
            partitions = topics.ensure(settings)
            sender = KafkaSender(settings, TOPIC_OF.__getitem__)
            order = "file" if factor is None else "time"
            state = ReplayState(resume, files, cluster=sender.cluster(), prefix=settings.topic_prefix, order=order)
            done = send_all(records, sender, Pace(factor), state, too_large=too_large)
            if done.last is not None and not no_end:
                end(sender, partitions, done.last + 1)
        except (ReplayFailedError, topics.TopicsError) as exc:
            raise FailedError(str(exc)) from exc
        state.remove()
    if summary := bad.summary():
        warn(summary)
    before = f", {done.skipped:,} {'was' if done.skipped == 1 else 'were'} there before" if done.skipped else ""
    until = "" if done.last is None else f"; the recording ends at {rfc3339(done.last + 1)}"
    note(f"{counted(done.sent, 'event')} sent to {settings.brokers}{before}{until}")


def _factor(speed: str) -> float | None:
    if speed == "max":
        return None
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor < 1e9:
        raise OptionError(f'--speed: "{speed}" is no speed; write 1 for real time, a number such as 60, or max')
    return factor
