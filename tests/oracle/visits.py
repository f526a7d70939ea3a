"""Queue visits and legs: one pass over the ordered events of a call, or of a chat with queue events (decision 0002, 3-8, 13)."""

from collections.abc import Sequence

from .model import Event, Leg, Visit

SKEW = 5_000  # an answer or miss waits this long for a visit that opens after it


class Visits:
    def __init__(self, events: Sequence[Event]) -> None:
        self.visits: list[Visit] = []
        self.ended: Event | None = None
        self.ended_at = -1
        self._pending: list[tuple[int, Event]] = []
        self._starts: list[tuple[int, Event, Visit | None]] = []  # position and answer that begin a leg, and its visit
        self._cuts: list[int] = []  # positions of transfers
        for position, event in enumerate(events):
            self._step(position, event)
        self._settle()
        self._queues(events)
        self._events = events

    def _step(self, position: int, event: Event) -> None:
        verb = event.type.partition(".")[2]
        last = self.visits[-1] if self.visits else None
        if event.type == "callback.requested":
            if last and last.open:
                last.left = event.t
        elif verb == "queued":
            if last and last.open and _continues(last, event):
                last.name = last.name or event.visit
                last.queue = event.queue or last.queue
                if last.by_transfer:
                    last.start, last.by_transfer = event.t, False
                return
            if last and last.open:
                last.left = event.t
            self._open(Visit(event.key, position, event.t, event.visit, event.queue))
        elif verb == "transferred":
            self._cuts.append(position)
            for visit in {id(v): v for v in (self._named(event), last) if v}.values():
                if visit.open:
                    visit.left = event.t
            self._open(Visit(event.key, position, event.t, None, event.to_queue, by_transfer=True))
        elif verb == "answered":
            target = self._target(event)
            if target:
                self._answer(position, event, target)
            else:
                self._pending.append((position, event))
        elif verb == "missed":
            target = self._target(event)
            if target:
                _miss(target, event)
            else:
                self._pending.append((position, event))
        elif verb == "ended" and self.ended is None:
            self.ended, self.ended_at = event, position
        elif event.type == "chat.message" and event.human_reply and last and last.left is None and not last.answered:
            last.reply = event

        if verb == "ended" and self.ended is event:
            for visit in self.visits:
                if visit.open:
                    visit.miss = (event.t, "abandoned")

    def _named(self, event: Event) -> Visit | None:
        return next((v for v in reversed(self.visits) if event.visit is not None and v.name == event.visit), None)

    def _target(self, event: Event) -> Visit | None:
        """The visit an answer or a miss belongs to: the one it names, else the open one."""
        named = self._named(event)
        if named:
            return named
        last = self.visits[-1] if self.visits else None
        if last is None or last.answer or last.miss or last.left is not None:
            return None
        if event.visit is None:
            return last
        if last.name is None:
            last.name = event.visit
            return last
        return None

    def _answer(self, position: int, event: Event, visit: Visit) -> None:
        self._starts.append((position, event, visit))
        if visit.answer is None:
            visit.answer = event
            visit.left = None

    def _open(self, visit: Visit) -> None:
        self.visits.append(visit)
        waiting = []
        for position, event in self._pending:
            fits = visit.start - event.t <= SKEW and (event.visit is None or visit.name is None or visit.name == event.visit)
            taken = visit.answer if event.type.endswith("answered") else visit.miss
            if not fits or taken:
                waiting.append((position, event))
                continue
            visit.name = visit.name or event.visit
            if event.type.endswith("answered"):
                self._answer(position, event, visit)
            else:
                _miss(visit, event)
        self._pending = waiting
        if self.ended and visit.open:
            visit.miss = (visit.start, "abandoned")

    def _settle(self) -> None:
        """Answers no visit has claimed: they take back a miss (or end) they followed, else they are a leg only."""
        for position, event in self._pending:
            if not event.type.endswith("answered"):
                continue
            before = [v for v in self.visits if v.at < position]
            visit = before[-1] if before and event.visit is None else None
            if visit and visit.answer is None and visit.miss and visit.left is None:
                visit.answer = event
            self._starts.append((position, event, visit))

    def _queues(self, events: Sequence[Event]) -> None:
        """The latest queue value among the events of a visit."""
        claimed = {event.key: visit for _, event, visit in self._starts if visit}
        latest: dict[int, str] = {}
        for position, event in enumerate(events):
            before = [v for v in self.visits if v.at <= position]
            if event.type.endswith(".transferred"):
                opened, before = before[-1], before[:-1]
            if event.queue is not None and event.type != "event.retracted":
                named = [v for v in self.visits if event.visit is not None and v.name == event.visit]
                only = self.visits if len(self.visits) == 1 else []
                candidates = [v for v in named if v in before][-1:] or named[:1] or before[-1:] or only
                visit = claimed.get(event.key) or (candidates[0] if candidates else None)
                if visit:
                    latest[visit.at] = event.queue
            if event.type.endswith(".transferred") and event.to_queue is not None:
                latest[opened.at] = event.to_queue
        for visit in self.visits:
            visit.queue = latest.get(visit.at)

    def legs(self) -> list[Leg]:
        """Each answer to the next transfer, answer, entry into another queue, or end; holds taken out (rules 10, 20)."""
        if self.ended is None:
            return []
        events = self._events
        place = {event.key: position for position, event in enumerate(events)}
        starts = list(self._starts)
        starts += [(place[v.reply.key], v.reply, v) for v in self.visits if v.reply and not v.answer]
        legs = []
        for position, event, visit in sorted(starts, key=lambda start: start[0]):
            cuts = [p for p, _, _ in starts if p > position] + [p for p in self._cuts if p > position]
            cuts += [v.at for v in self.visits if v.at > position and v is not visit]
            if self.ended_at > position:
                cuts.append(self.ended_at)
            stop = min(cuts) if cuts and self.ended_at > position else position
            legs.append(Leg(event, visit, talk(events[position : stop + 1])))
        return legs


def talk(events: Sequence[Event]) -> int:
    """From the first to the last of the events, without the holds between."""
    hold, since = 0, None
    for event in events[1:-1]:
        if event.type == "call.held" and since is None:
            since = event.t
        elif event.type == "call.resumed" and since is not None:
            hold, since = hold + event.t - since, None
    if since is not None:
        hold += events[-1].t - since
    return max(0, events[-1].t - events[0].t - hold)


def _continues(visit: Visit, event: Event) -> bool:
    if event.visit is not None and visit.name is not None:
        return event.visit == visit.name
    return event.queue is None or event.queue == visit.queue


def _miss(visit: Visit, event: Event) -> None:
    if visit.miss is None and visit.left is None:
        visit.miss = (event.t, event.outcome or "abandoned")
