"""Queue visits and legs: one pass over the ordered events of a call, or of a chat with queue events (decision 0002, 3-8, 13)."""

from collections.abc import Sequence

from .model import Event, Leg, Visit

SKEW = 5_000  # an answer or miss waits this long for a visit that opens after it


class Visits:
    def __init__(self, events: Sequence[Event]) -> None:
        self.visits: list[Visit] = []
        self.ended: Event | None = None
        self.ended_at = -1
        self.closed = False
        self.served = False
        self.reopened_at = 1 << 60  # no leg begins after that
        self._replies: list[tuple[int, Event, Visit | None]] = []  # human replies of a chat that begin a leg
        self._pending: list[tuple[int, Event]] = []
        self._outside: set[int] = set()  # of these, the answers after the contact had left its latest queue
        self._starts: list[tuple[int, Event, Visit | None]] = []  # position and answer that begin a leg, and its visit
        self._cuts: list[int] = []  # positions of transfers
        self._all = events
        for position, event in enumerate(events):
            self._step(position, event)
        self._settle()

    def _step(self, position: int, event: Event) -> None:
        verb = event.type.partition(".")[2]
        last = self.visits[-1] if self.visits else None
        told = verb == "transferred" and last is not None and self._tells_of(last, event)
        if event.queue is not None and verb not in {"queued", "answered", "missed"} and event.type != "event.retracted" and last:
            named = last if verb == "transferred" else self._named(event)
            if told:
                named = self.visits[-2] if len(self.visits) > 1 else Visit(0, 0, 0)
            if named or event.visit is None or last.name is None:
                (named or last).queue = event.queue
        if event.type == "callback.requested":
            if last and last.open:
                last.left = event.t
        elif verb == "queued":
            early = last and last.by_transfer and last.answer and event.t - last.answer.t <= SKEW
            same = self._named(event) or (last if last and (last.open or early) and _continues(last, event) else None)
            if same:
                same.name = same.name or event.visit
                same.queue = event.queue or same.queue
                if same.by_transfer:
                    same.start, same.by_transfer = event.t, False
                return
            if last and last.open:
                last.left, last.requeued = event.t, True
            before = [e.queue for e in self._all[: position + 1] if e.queue is not None]
            self._open(Visit(event.key, position, event.t, event.visit, event.queue if self.visits else (before or [None])[-1]))
        elif told and last:
            last.transfer = True
        elif verb == "transferred":
            self._cuts.append(position)
            if last and last.open:
                last.left = event.t
            self._open(Visit(event.key, position, event.t, None, event.to_queue, by_transfer=True, transfer=True))
        elif verb == "answered":
            self.served = True
            target = self._target(event)
            self._say(event, target)
            if target:
                self._take_back(target)
            if target:
                self._answer(position, event, target)
            else:
                self._pending.append((position, event))
                if last and last.left is not None:
                    self._outside.add(position)
        elif verb == "missed":
            target = self._target(event)
            if not target and event.visit is None and last and _lately_ended(last, event):
                target = last
            self._say(event, target)
            if target:
                _miss(target, event)
            else:
                self._pending.append((position, event))
        elif verb == "ended":
            if self.ended is None:
                self.ended, self.ended_at = event, position
            self.closed = True
        elif verb == "reopened":
            self.closed = False
            if not self.served:
                self.ended, self.ended_at = None, -1
            elif self.ended:
                self.reopened_at = min(self.reopened_at, position)
        if event.type == "chat.message" and event.human_reply:
            self._reply(position, event, last)

        if verb == "ended":
            for visit in self.visits:
                if visit.open:
                    visit.miss, visit.by_end = (event.t, "abandoned"), True

    def _reply(self, position: int, event: Event, last: Visit | None) -> None:
        """It answers the visit it comes in. The first of all begins a leg even if it answers none."""
        first = not self._replies and not self._starts and not any(e.type.endswith("answered") for _, e in self._pending)
        self.served = True
        if last:
            self._take_back(last)
        if last and last.left is None and not last.answered:
            last.reply = event
            self._replies.append((position, event, last))
        elif first:
            self._replies.append((position, event, None))
            if not last:
                self._pending.append((position, event))

    def _take_back(self, last: Visit) -> None:
        """A later answer shows which visit an answer between two visits was for."""
        until = min((v.at for v in self.visits if v.at > last.at), default=1 << 60)
        between = ((p, e) for p, e in self._pending if e.type.endswith("answered") and e.visit is None and last.at < p < until)
        early = next(between, None)
        if early and last.miss and not last.answered and last.left is None:
            self._pending.remove(early)
            self._answer(*early, last)

    def _say(self, event: Event, target: Visit | None) -> None:
        if target and event.queue is not None:
            target.queue = event.queue

    def _named(self, event: Event) -> Visit | None:
        return next((v for v in reversed(self.visits) if event.visit is not None and v.name == event.visit), None)

    def _target(self, event: Event) -> Visit | None:
        """The visit an answer or a miss belongs to: the one it names, else the open one."""
        named = self._named(event)
        if named:
            return named
        last = self.visits[-1] if self.visits else None
        if last is None or last.answer or (last.miss and not last.reply) or last.left is not None:
            return None
        if last.reply and event.type.endswith("missed"):
            return None
        if event.visit is None:
            return last
        if last.name is None:
            last.name = event.visit
            return last
        return None

    def _tells_of(self, last: Visit, event: Event) -> bool:
        """Whether a transfer is the one by which the call is in the queue that it is in, though its entry came a little before it."""
        before = [p for p, _, visit in self._starts if visit is not last] + [p for p, e in self._pending if e.type.endswith("answered")]
        origin = last.open or len(self.visits) > 1 or any(position < last.at for position in before)
        named = event.visit is not None and event.visit == last.name
        return origin and not last.transfer and last.queue == event.to_queue and event.t - last.start <= SKEW and not named

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
            taken: object = visit.miss
            if event.type == "chat.message":
                taken = visit.answered
            elif event.type.endswith("answered"):
                had = [p for p, *_ in self._starts] + [p for p, e in self._pending if not e.type.endswith("missed")]
                taken = visit.answer or (visit.transfer and position == min(had))
            if not fits or taken:
                waiting.append((position, event))
                continue
            visit.name = visit.name or event.visit
            visit.queue = visit.queue or event.queue
            if event.type.endswith("answered"):
                self._answer(position, event, visit)
            elif event.type == "chat.message":
                visit.reply = event
                self._replies = [(p, e, visit if p == position else v) for p, e, v in self._replies]
            else:
                _miss(visit, event)
        self._pending = waiting
        if self.closed and visit.open:
            visit.miss, visit.by_end = (visit.start, "abandoned"), True

    def _settle(self) -> None:
        """Answers no visit has claimed: they take back a miss (or end) they followed, else they are a leg only."""
        for position, event in self._pending:
            if not event.type.endswith("answered"):
                continue
            before = [v for v in self.visits if v.at < position]
            visit = before[-1] if before and event.visit is None and position not in self._outside else None
            if visit and visit.answer is None and visit.miss and visit.left is None:
                visit.answer = event
            self._starts.append((position, event, visit))

    def legs(self) -> list[Leg]:
        """Each answer to the next transfer, answer, entry into another queue, or end; holds taken out (rules 10, 20)."""
        if self.ended is None:
            return []
        events = self._all
        starts = [start for start in self._starts if start[0] < self.reopened_at]
        openings = [visit.at for visit in self.visits]
        ends = [self.ended_at] if self.ended_at >= 0 else []
        for position, event, visit in sorted(self._replies, key=lambda reply: reply[0]):
            if position >= self.reopened_at or (visit is None and any(start[0] < position for start in starts)):
                continue
            later = [p for p, _, _ in starts if p > position]
            own = visit.at if visit else -1
            cut = [p for p in (*openings, *ends, *(p for p, _, _ in self._replies if p > position)) if p > position and p != own]
            if not later or (cut and min(cut) < min(later)):  # else `chat.answered` begins it
                starts.append((position, event, visit))
        legs = []
        for position, event, visit in sorted(starts, key=lambda start: start[0]):
            own = visit.at if visit else -1
            cuts = [p for p, _, _ in starts if p > position] + [p for p in self._cuts if p > position and p != own]
            cuts += [v.at for v in self.visits if v.at > position and v is not visit]
            if self.ended_at > position:
                cuts.append(self.ended_at)
            stop = min(cuts) if cuts and self.ended_at > position else position
            into = [v for v in self.visits if v.transfer and v is not visit]  # the answer to one may stand before it
            answers = {p: v for p, _, v in starts}
            transferred = stop > position and (
                stop in self._cuts or any(v.at == stop or (answers.get(stop) is v and v.at > stop) for v in into)
            )
            legs.append(Leg(event, visit, *talk(events[position : stop + 1]), transferred, events[stop].t))
        for event in events[: self.reopened_at]:
            begun = [leg for leg in legs if leg.event.key <= event.key]
            if event.type.endswith(".wrapped_up") and begun:
                own = [leg for leg in begun if event.agent and leg.event.agent == event.agent and leg.end <= event.t]
                leg = (own or begun)[-1]
                leg.wrap = (leg.wrap or 0) + max(0, event.t - leg.end)
        return legs


def talk(events: Sequence[Event]) -> tuple[int, int | None]:
    """From the first to the last of the events, without the holds between; and these, None if there were none."""
    hold, since = 0, None
    held = any(event.type == "call.held" for event in events[1:-1])
    for event in events[1:-1]:
        if event.type == "call.held" and since is None:
            since = event.t
        elif event.type == "call.resumed" and since is not None:
            hold, since = hold + event.t - since, None
    if since is not None:
        hold += events[-1].t - since
    return max(0, events[-1].t - events[0].t - hold), hold if held else None


def _continues(visit: Visit, event: Event) -> bool:
    if event.visit is not None and visit.name is not None:
        return event.visit == visit.name
    return event.queue is None or event.queue == visit.queue


def _lately_ended(visit: Visit, event: Event) -> bool:
    return visit.by_end and visit.miss is not None and event.t - visit.miss[0] <= SKEW


def _miss(visit: Visit, event: Event) -> None:
    if visit.requeued and visit.left is not None and not visit.answered:
        visit.miss, visit.left = (min(event.t, visit.left), event.outcome or "abandoned"), None
        return
    if (visit.miss is None or _lately_ended(visit, event)) and visit.left is None:
        visit.by_end = False
        visit.miss = (event.t, event.outcome or "abandoned")
