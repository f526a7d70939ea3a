"""Facts of a call: queue visits with transfers, legs with holds, the end."""

from collections.abc import Sequence
from typing import Any

from streams.event_types import Attributes
from streams.facts.interaction import Facts
from streams.facts.visit import Visit


class Callback:
    """A callback from its request, or from its first attempt if nobody asked for it. Times in ms; None: did not happen."""

    attempted: int | None = None
    agent: str | None = None
    team: str | None = None
    reached = False

    def __init__(self, requested: int | None) -> None:
        self.requested = requested


class CallFacts(Facts):
    """See the rules on calls in docs/decisions/0002."""

    channel = "call"
    callbacks: Sequence[Callback] = ()

    def on_held(self, time: int, data: Attributes) -> None:
        if self.legs and self.legs[-1].end is None and self.legs[-1].held_since is None:
            self.legs[-1].held, self.legs[-1].held_since = True, time

    def on_resumed(self, time: int, data: Attributes) -> None:
        if self.legs:
            self.legs[-1].resume(time)

    def on_transferred(self, time: int, data: Any) -> None:
        if self.visits:
            leaving = self.visits[-1]
            if leaving.entered_by_transfer(time, data.to_queue, data.visit):
                leaving.transferred = True
                _transfer_those_before(leaving)
                if data.queue and len(self.visits) > 1:
                    self.visits[-2].queue = data.queue
                return
            if data.queue:
                leaving.queue = data.queue
            if leaving.open:
                leaving.left, leaving.exit = time, "transferred"
        entered = Visit(time, data.to_queue or None, from_transfer=True)
        self.open_visit(entered)
        _transfer_those_before(entered)

    def on_ended(self, time: int, data: Attributes) -> None:
        if self.ended is None:
            self.ended = self.first_end = time
            if self.legs:
                self.legs[-1].close(time)
            self.close_open_visit(time)

    def on_callback_requested(self, time: int, data: Attributes) -> None:
        if self.visits and self.visits[-1].open:
            self.visits[-1].left, self.visits[-1].exit = time, "callback"
        if not self.callbacks or self.callbacks[-1].attempted is not None:
            self.callbacks = [*self.callbacks, Callback(time)]

    def on_callback_attempted(self, time: int, data: Any) -> None:
        self._dialled(time, data, reached=data.outcome == "answered")

    def on_callback_completed(self, time: int, data: Attributes) -> None:
        self._dialled(time, data, reached=True)

    def _dialled(self, time: int, data: Attributes, *, reached: bool) -> None:
        if not self.callbacks:
            self.callbacks = [Callback(None)]
        callback = self.callbacks[-1]
        if callback.attempted is None:
            callback.attempted, callback.agent, callback.team = time, data.agent, data.team
        callback.reached = callback.reached or reached

    def all_visits(self) -> list[Visit]:
        """Its queue visits."""
        return self.visits

    def response_spans(self) -> list[tuple[int, int | None]]:
        """Half-open spans of waiting for the first response: the visits up to the first that is answered."""
        spans = []
        for visit in self.visits:
            spans.append((visit.start, visit.waited_until))
            if visit.answered is not None:
                break
        return spans

    def backlog(self) -> list[tuple[int, int | None]]:
        """Half-open spans in which the call is queued and neither missed nor ended."""
        spans: list[tuple[int, int | None]] = []
        since: int | None = None
        for visit in self.visits:
            if since is None:
                since = visit.start
            if visit.answered is None and visit.missed is not None:
                spans.append((since, visit.missed))
                since = None
        if since is not None:
            spans.append((since, self.ended))
        return spans


def _transfer_those_before(visit: Visit) -> None:
    for leg in visit.ended_legs:
        leg.transferred = True


CallFacts.handlers = {
    "call.started": None,
    "call.queued": Facts.on_queued,
    "call.ringing": None,
    "call.answered": Facts.on_answered,
    "call.missed": Facts.on_missed,
    "call.held": CallFacts.on_held,
    "call.resumed": CallFacts.on_resumed,
    "call.transferred": CallFacts.on_transferred,
    "call.ended": CallFacts.on_ended,
    "call.wrapped_up": Facts.on_wrapped_up,
    "callback.requested": CallFacts.on_callback_requested,
    "callback.attempted": CallFacts.on_callback_attempted,
    "callback.completed": CallFacts.on_callback_completed,
}
