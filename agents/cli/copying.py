"""`firstline replay --from-kafka`: the events of other topics, such as ones with fewer partitions, into those of the settings."""

from pathlib import Path
from typing import TYPE_CHECKING

from agents.cli.common import FailedError, OptionError, counted, note, progress, warn
from agents.cli.settings import need_kafka

if TYPE_CHECKING:
    from agents.copying import Copied
    from agents.settings import Settings


def copy_topics(settings: "Settings", prefix: str, brokers: str | None, resume: Path | None) -> None:
    """Copies what is there now. Raises `OptionError` and `FailedError`."""
    from agents import topics
    from agents.copying import Copy, CopyState, alike
    from agents.replay_kafka import KafkaSender, ReplayFailedError
    from agents.topic_reader import ReadingFailedError
    from streams.events import TOPIC_OF, TOPICS

    old = settings.model_copy(update={"topic_prefix": prefix, "brokers": brokers or settings.brokers})
    if (old.brokers, old.topic_prefix) == (settings.brokers, settings.topic_prefix):
        raise OptionError(
            f"--from-prefix: {prefix!r} is the prefix of the topics to copy into as well; set FIRSTLINE_TOPIC_PREFIX to that of new ones"
        )
    need_kafka(old)
    need_kafka(settings)
    try:
        partitions = topics.ensure(settings)
        there, here = topics.configs(old, TOPICS), topics.configs(settings, TOPICS)
        for name in TOPICS:
            if changes := dict(alike(there[name], here[name])):
                topics.alter(settings, name, changes)
                note(f"topic {settings.topic(name)}: {', '.join(f'{key} {value}' for key, value in changes.items())}, as the old one has")
        sender = KafkaSender(settings, TOPIC_OF.__getitem__)
        state = CopyState(resume, cluster=sender.cluster(), into=settings.topic_prefix, brokers=old.brokers, prefix=old.topic_prefix)
        copy = Copy(old, settings, partitions, state)
        with progress("copying", copy.left, unit="records") as advance:
            copied = copy.run(sender, advance)
    except (ReplayFailedError, ReadingFailedError, topics.TopicsError) as exc:
        raise FailedError(str(exc)) from exc
    _tell(copied, settings, partitions)


def _tell(copied: "Copied", settings: "Settings", partitions: int) -> None:
    for (topic, partition), lost in copied.expired.items():
        warn(f"{topic}, partition {partition}: {counted(lost, 'record')} had expired before they were copied")
    for topic, partition, offset in copied.too_large:
        warn(f"{topic}, partition {partition}, offset {offset}: is larger than {settings.brokers} takes, and was left out")
    note(
        f"{counted(copied.sent, 'record')} copied into {counted(partitions, 'partition')} of {settings.topic('…')}; "
        "start the workers on these topics, in a group of their own (FIRSTLINE_GROUP)"
    )
