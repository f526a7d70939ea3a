"""A centre of any size: the busiest hour of the synthetic centre, copied until it has as many interactions a day, each copy at a moment of
that hour of its own. Calls, chats and tickets keep their proportions and what happens in them; what the start cuts off stays incomplete."""

import random
import re
import time
from collections import Counter
from collections.abc import Iterator

from agents.synthetic import generate
from streams.events import decode

HOUR_S = 3600
AGENTS = 50_000
"""Of all copies together: ten times 5,000."""
_AGENT = re.compile(rb'"agent":"([^"]*)"')
_TIME = re.compile(rb'"time":"[^"]*"')


class Centre:
    """`interactions` a day."""

    def __init__(self, interactions: int, seed: int = 1) -> None:
        day = [(*decode(line), line.rstrip()) for line in generate(seed, 1.0, "calm")]
        hours = Counter(event.time // (HOUR_S * 1000) for _, event, _ in day)
        hour, events = hours.most_common(1)[0]
        agents = {event.data.agent for _, event, _ in day if getattr(event.data, "agent", None)}
        self.copies = round(interactions / len({subject for subject, _, _ in day}))
        self.events_a_second = self.copies * events / HOUR_S
        self._agents_of = max(1, AGENTS // len(agents))
        self._by_second: list[list[tuple[int, str, bytes, bytes]]] = [[] for _ in range(HOUR_S)]
        for subject, event, line in day:
            if event.time // (HOUR_S * 1000) == hour:
                second, ms = divmod(event.time - hour * HOUR_S * 1000, 1000)
                self._by_second[second].append((ms, event.topic, subject.encode(), _AGENT.sub(rb'"agent":"\1-#"', line)))
        self._random = random.Random(seed)

    def events(self, began: float, seconds: float) -> Iterator[tuple[float, str, bytes, bytes]]:
        """(seconds from `began`, topic, key, value) in order, with the times of when they are due."""
        phases = [self._random.randrange(HOUR_S) for _ in range(self.copies)]
        for second in range(int(seconds)):
            when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began + second))
            due = [(*each, copy) for copy, phase in enumerate(phases) for each in self._by_second[(second + phase) % HOUR_S]]
            due.sort(key=lambda each: each[0])
            for ms, topic, subject, line, copy in due:
                key = b"%b-%d-%d" % (subject, began, copy)
                value = line.replace(b"-#", b"-%d" % (copy % self._agents_of)).replace(subject, key)
                yield second + ms / 1000, topic, key, _TIME.sub(f'"time":"{when}.{ms:03d}Z"'.encode(), value, count=1)
