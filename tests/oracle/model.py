"""What the passes over one interaction exchange."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Event(NamedTuple):
    type: str
    t: int  # ms
    gone: tuple[tuple[int, int | None], ...]  # from when until when it is taken back
    visit: str | None
    queue: str | None
    agent: str | None
    team: str | None
    author: str | None
    public: bool
    automatic: bool
    outcome: str | None
    to_queue: str | None
    initiator: str | None
    status: str | None
    key: int  # unique in the recording

    def stands(self, t: int | None) -> bool:
        """Whether it is not taken back by the events up to `t`, by all events if that is None."""
        return not any(until is None if t is None else since <= t and (until is None or until > t) for since, until in self.gone)

    @property
    def human_reply(self) -> bool:
        return self.author == "agent" and self.public and not self.automatic

    @property
    def customer_message(self) -> bool:
        return self.author == "customer" and self.public


@dataclass(slots=True)
class Visit:
    key: int  # of the event that opened it; -1: the only visit of a chat or ticket
    at: int  # position of that event among the interaction's
    start: int
    name: str | None = None
    queue: str | None = None
    by_transfer: bool = False
    transfer: bool = False  # the transfer that brought it is known
    requeued: bool = False  # left, as the entry into another queue shows
    answer: Event | None = None
    reply: Event | None = None  # of a chat: the answer where there is no `chat.answered`
    miss: tuple[int, str] | None = None
    by_end: bool = False  # the miss is the end of the contact, until an event tells of a miss
    left: int | None = None  # flow-out, or first resolution

    @property
    def answered(self) -> Event | None:
        return self.answer or self.reply

    @property
    def open(self) -> bool:
        return self.answered is None and self.miss is None and self.left is None

    @property
    def stop(self) -> int | None:
        """The end of the wait."""
        ends = [t for t in (self.answered.t if self.answered else None, self.left) if t is not None]
        if not ends and self.miss:
            ends = [self.miss[0]]
        return max(min(ends), self.start) if ends else None


@dataclass(slots=True)
class Leg:
    event: Event
    visit: Visit | None
    talk: int
    hold: int | None  # None: never held
    transferred: bool
    end: int
    wrap: int | None = None


@dataclass(slots=True)
class Callback:
    requested: int | None
    tries: list[Event] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        return any(event.type == "callback.completed" or event.outcome == "answered" for event in self.tries)


@dataclass(slots=True)
class Facts:
    """One interaction as its events tell it."""

    visits: list[Visit] = field(default_factory=list)
    clock: int | None = None  # start of the response clock
    asking: int | None = None  # of a chat: when the wait for the first response ended
    response: Event | None = None
    response_visit: Visit | None = None
    next_responses: list[tuple[Event, int]] = field(default_factory=list)  # reply, wait
    ended: int | None = None
    legs: list[Leg] = field(default_factory=list)
    in_backlog: bool = False
    flow: list[tuple[int, int]] = field(default_factory=list)  # backlog, with all that is known now: since, until (-1: still)
    born: int | None = None  # age of what is open counts from here
    # tickets
    opened: int | None = None
    counted_opening: bool = False
    resolved: list[Event] = field(default_factory=list)
    reopened: list[Event] = field(default_factory=list)
    is_resolved: bool = False
    withdrawn: bool = False  # merged or deleted
    final: int | None = None
    handled_by: Event | None = None
    callbacks: list[Callback] = field(default_factory=list)
    requester_waits: int = 0  # ms, to the last resolution
