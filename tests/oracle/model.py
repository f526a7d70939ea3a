"""What the passes over one interaction exchange."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Event(NamedTuple):
    type: str
    t: int  # ms
    gone: int | None  # the instant from which it is taken back
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
    key: int  # unique in the recording

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
    answer: Event | None = None
    reply: Event | None = None  # of a chat: the answer where there is no `chat.answered`
    miss: tuple[int, str] | None = None
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


@dataclass(slots=True)
class Facts:
    """One interaction as its events tell it."""

    visits: list[Visit] = field(default_factory=list)
    clock: int | None = None  # start of the response clock
    response: Event | None = None
    response_visit: Visit | None = None
    next_responses: list[tuple[Event, int]] = field(default_factory=list)  # reply, wait
    ended: int | None = None
    legs: list[Leg] = field(default_factory=list)
    in_backlog: bool = False
    born: int | None = None  # age of what is open counts from here
    # tickets
    opened: int | None = None
    counted_opening: bool = False
    resolved: list[Event] = field(default_factory=list)
    reopened: list[Event] = field(default_factory=list)
    is_resolved: bool = False
    withdrawn: bool = False  # merged or deleted
    handled_by: Event | None = None
