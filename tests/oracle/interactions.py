"""The facts of one call, chat or ticket, from its ordered standing events (fine print 3, 4, 8; rules 20-22; decision 0002)."""

from collections.abc import Sequence

from .model import Callback, Event, Facts, Visit
from .visits import SKEW, Visits

ONLY = -1  # key of the only visit of a chat or ticket


def derive(events: Sequence[Event]) -> Facts:
    channel = next((kind for kind in (channel_of(event.type) for event in events) if kind), None)
    events = [event for event in events if channel_of(event.type) == channel]
    if channel == "call":
        return _call(events)
    if channel == "chat":
        return _chat(events)
    if channel == "ticket":
        return _ticket(events)
    return Facts()


def channel_of(event_type: str) -> str | None:
    family = event_type.partition(".")[0]
    return "call" if family == "callback" else family if family in {"call", "chat", "ticket"} else None


def _call(events: Sequence[Event]) -> Facts:
    queue = Visits(events)
    facts = Facts(visits=queue.visits, legs=queue.legs())
    facts.ended = queue.ended.t if queue.ended else None
    for event in events:
        if event.type == "callback.requested":
            if not facts.callbacks or facts.callbacks[-1].tries:
                facts.callbacks.append(Callback(event.t))
        elif event.type in {"callback.attempted", "callback.completed"}:
            if not facts.callbacks:
                facts.callbacks.append(Callback(None))
            facts.callbacks[-1].tries.append(event)
    if queue.visits:
        facts.clock = min(visit.start for visit in queue.visits)
        facts.born = facts.clock
        answered = [visit for visit in queue.visits if visit.answer]
        if answered:
            facts.response_visit = min(answered, key=lambda visit: (visit.answer.t, visit.at) if visit.answer else (0, 0))
            facts.response = facts.response_visit.answer
        last = queue.visits[-1]
        facts.in_backlog = queue.ended is None and (last.answered is not None or last.miss is None)
        since: int | None = None
        for visit in queue.visits:
            since = visit.start if since is None else since
            if visit.answer is None and visit.miss:
                facts.flow.append((since, visit.miss[0]))
                since = None
        if since is not None:
            facts.flow.append((since, facts.ended if facts.ended is not None else -1))
    return facts


def _chat(events: Sequence[Event]) -> Facts:
    facts = Facts()
    created = next((e for e in events if e.type == "chat.started"), None)
    handed = next((e for e in events if e.type == "chat.handed_off"), None)
    ends = _ends(events)
    replies = [e for e in events if e.type == "chat.message" and e.human_reply]
    clock = handed or created
    gone = next((e for e in events if e.type == "chat.ended"), None)
    turned_away = next((e for e in events if e.type == "chat.missed"), None)
    if turned_away and (gone is None or turned_away.t - gone.t <= SKEW):
        gone = turned_away
    facts.clock = clock.t if clock else None
    facts.ended = ends[0].t if ends else None
    if facts.clock is not None and replies:
        after = [e for e in replies if not handed or (e.t, e.key) >= (handed.t, handed.key)]
        facts.response = (after or replies)[0]
    if facts.response or gone:
        facts.asking = facts.response.t if facts.response else gone.t if gone else None
    queue = Visits(events)
    if any(e.type == "chat.queued" for e in events):
        facts.visits, facts.legs = queue.visits, queue.legs()
        place = {e.key: position for position, e in enumerate(events)}
        if facts.response:
            begun = [v for v in facts.visits if v.at <= place[facts.response.key]]
            facts.response_visit = (begun[-1:] or facts.visits[:1])[0]
    else:
        if facts.clock is not None:
            accepted = next((e for e in events if e.type == "chat.answered"), None) if gone else None
            visit = Visit(ONLY, 0, facts.clock, answer=facts.response or accepted)
            if gone:
                visit.miss = (gone.t, (gone.outcome if gone.type == "chat.missed" else None) or "abandoned")
            facts.visits = [visit]
            facts.response_visit = visit if facts.response else None
        facts.legs = queue.legs()  # those of `chat.answered`
        for leg in facts.legs:
            leg.visit = facts.visits[0] if facts.visits else Visit(ONLY, 0, 0)
    facts.next_responses = _next_responses(events, facts.response or (replies[0] if replies else None))
    facts.born = created.t if created else None
    closed = False
    for event in events:
        was = facts.in_backlog
        if event.type == "chat.started":
            facts.in_backlog = not closed
        elif event.type == "chat.ended":
            facts.in_backlog, closed = False, True
        elif event.type == "chat.reopened" and closed:
            facts.in_backlog, closed = True, False
            facts.born = event.t if facts.born is None else min(facts.born, event.t)
        _flow(facts, event.t, was)
    return facts


def _flow(facts: Facts, t: int, was: bool) -> None:
    if facts.in_backlog and not was:
        facts.flow.append((t, -1))
    elif was and not facts.in_backlog:
        facts.flow[-1] = (facts.flow[-1][0], t)


def _ends(events: Sequence[Event]) -> list[Event]:
    """The end at which a chat is handled: the first, unless it was reopened before anybody had answered."""
    end: Event | None = None
    served = False
    for event in events:
        served = served or event.type == "chat.answered" or (event.type == "chat.message" and event.human_reply)
        if event.type == "chat.ended" and end is None:
            end = event
        elif event.type == "chat.reopened" and not served:
            end = None
    return [end] if end else []


def _ticket(events: Sequence[Event]) -> Facts:
    facts = Facts()
    openings = [e for e in events if e.type == "ticket.opened"]
    replies = [e for e in events if e.type == "ticket.message" and e.human_reply]
    _steps(facts, events)
    facts.requester_waits = _requester_waits(events)
    by_agent = next((e.initiator for e in openings if e.initiator), None) == "agent"
    if openings:
        back = next((e.t for e in facts.reopened), openings[0].t)
        facts.opened, facts.born = openings[0].t, min(openings[0].t, back)
        facts.clock = facts.opened
    if by_agent:
        first = next((e for e in events if e.type == "ticket.message" and e.customer_message), None)
        facts.clock = first.t if first else None
    if facts.clock is not None:
        if by_agent:
            replies = [e for e in replies if first and e.key > first.key]
        facts.response = replies[0] if replies else None
        visit = Visit(ONLY, 0, facts.clock, answer=facts.response)
        visit.left = facts.resolved[0].t if facts.resolved else None
        final = next((e.t for e in events if e.type in {"ticket.merged", "ticket.deleted"}), None)
        if final is not None:
            visit.left = final if visit.left is None else min(visit.left, final)
        facts.visits = [visit]
        facts.response_visit = visit if facts.response else None
    facts.next_responses = _next_responses(events, facts.response or (replies[0] if replies and not by_agent else None))
    return facts


def _requester_waits(events: Sequence[Event]) -> int:
    """Rule 36: what passes between two events counts where the ticket is open before and not pending; to the last resolution."""
    total, since, state = 0, 0, "unknown"
    for event in events:
        total, since = total + (event.t - since if state == "waits" else 0), event.t
        verb = event.type.partition(".")[2]
        if verb in {"resolved", "closed"}:
            state = "solved"
        elif (verb == "opened" and state == "unknown") or (verb == "reopened" and state == "solved"):
            state = "waits"
        elif verb == "status_changed" and state in {"waits", "pending"}:
            state = "pending" if event.status == "pending" else "waits"
    return total


def _steps(facts: Facts, events: Sequence[Event]) -> None:
    """opened, resolved and reopened as steps of the ticket."""
    replied = False
    seen_opening = False
    for event in events:
        verb = event.type.partition(".")[2]
        if event.type == "ticket.message":
            replied = replied or event.human_reply
        if facts.withdrawn:
            facts.counted_opening = facts.counted_opening or verb == "opened"
            continue
        was = facts.in_backlog
        if verb == "opened" and not seen_opening:
            seen_opening = facts.counted_opening = True
            facts.in_backlog = not facts.resolved or facts.in_backlog
        elif verb in {"resolved", "closed"} and not facts.is_resolved:
            facts.resolved.append(event)
            facts.is_resolved, facts.in_backlog = True, False
        elif verb == "reopened" and facts.is_resolved:
            facts.reopened.append(event)
            facts.is_resolved, facts.in_backlog = False, True
            facts.born = event.t if facts.born is None else facts.born
        elif verb in {"merged", "deleted"}:
            facts.withdrawn, facts.in_backlog, facts.final = True, False, event.t
        _flow(facts, event.t, was)
        if len(facts.resolved) == 1 and facts.resolved[0] is event and not facts.handled_by:
            first = facts.resolved[0]
            by_then = replied or any(e.type == "ticket.message" and e.human_reply and e.t <= first.t for e in events)
            facts.handled_by = first if by_then else None


def _next_responses(events: Sequence[Event], first: Event | None) -> list[tuple[Event, int]]:
    """After the first response: the oldest unanswered customer message to the next human reply."""
    found = []
    asked: int | None = None
    begun = False
    for event in events:
        if not event.type.endswith(".message"):
            continue
        if not begun:
            begun = first is not None and event.key == first.key
        elif event.customer_message:
            asked = event.t if asked is None else asked
        elif event.human_reply and asked is not None:
            found.append((event, event.t - asked))
            asked = None
    return found
