"""`firstline replay`: a recording to Kafka."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from agents.bad_lines import BadLines
from agents.cli.common import (
    DeadLetters,
    FailedError,
    OptionalRecordings,
    OptionError,
    PolicyFile,
    Strict,
    counted,
    note,
    policy_of,
    progress,
    warn,
)
from agents.cli.copying import copy_topics
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


FromKafka = Annotated[bool, typer.Option("--from-kafka", help="Copy the events of other topics, instead of a recording.")]
FromPrefix = Annotated[str | None, typer.Option("--from-prefix", metavar="PREFIX", help="Prefix of the topics to copy.  [default: none]")]
FromBrokers = Annotated[
    str | None, typer.Option("--from-brokers", metavar="HOST:PORT[,…]", help="Kafka to copy from.  [default: the same]")
]


def replay(
    files: OptionalRecordings = None,
    *,
    speed: Speed = "max",
    brokers: Brokers = None,
    resume: Resume = None,
    no_end: NoEnd = False,
    policy: PolicyFile = None,
    dead_letters: DeadLetters = None,
    strict: Strict = False,
    from_kafka: FromKafka = False,
    from_prefix: FromPrefix = None,
    from_brokers: FromBrokers = None,
) -> None:
    """A recording to Kafka: each event to the topic of its type, keyed by its subject. Missing topics are created.

    With a speed events go out in the order of their times, which takes the recording into memory; with max as they stand in the files.
    With --from-kafka the events are those of other topics, such as ones with fewer partitions: every record untouched, up to where the
    topics end now; with the same --resume FILE a later run copies what has come since.

    \b
    Examples:
      firstline replay january.jsonl.gz --brokers kafka:9092
      firstline replay calls.jsonl chats.jsonl --speed 60 --resume position.json
      FIRSTLINE_TOPIC_PREFIX=v2. FIRSTLINE_PARTITIONS=8 firstline replay --from-kafka --resume copied.json
    """
    if from_kafka:
        given = {"FILE": files, "--speed": speed != "max", "--no-end": no_end, "--dead-letters": dead_letters, "--strict": strict}
        if unused := [name for name, value in given.items() if value]:
            raise OptionError(f"--from-kafka: copies records as they are, so {', '.join(unused)} is not for it; leave it out")
        copy_topics(settings_of(brokers=brokers), from_prefix or "", from_brokers, resume)
        return
    if not files:
        raise OptionError("argument FILE: is missing; name a recording, or give --from-kafka to copy the events of other topics")
    if from_prefix is not None or from_brokers is not None:
        raise OptionError("--from-prefix, --from-brokers: are for --from-kafka; give that too, or leave them out")
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
