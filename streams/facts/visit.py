"""Queue visits, legs, and the answers and misses that come before their visit."""

from typing import NamedTuple

SKEW_MS = 5_000
"""An answer or miss this long before its queue entry still belongs to it: two systems' clocks, usually 1–2 s apart."""


class Visit:
    """One stay in one queue. Times in ms; None: did not happen."""

    # Defaults of the class: most visits set few of them, and millions are made.
    key: tuple[int, str] | None = None
    answered: int | None = None
    agent: str | None = None
    team: str | None = None
    missed: int | None = None
    outcome = "abandoned"
    by_end = False
    by_reply = False
    moved = False
    """Whether the contact was with somebody, or in another queue, before."""
    left: int | None = None
    exit = ""
    ended_legs: "tuple[Leg, ...]" = ()
    """Those that its beginning ended, or an answer to it that another clock placed before it."""

    def __init__(self, start: int, queue: str | None, ident: str | None = None, *, from_transfer: bool = False) -> None:
        self.start = start
        self.queue = queue
        self.id = ident
        self.from_transfer = from_transfer
        """Opened by a transfer whose queue entry has not come yet."""
        self.transferred = from_transfer
        """Whether its transfer is known."""

    @property
    def open(self) -> bool:
        return self.answered is None and self.missed is None and self.left is None

    def left_at(self, time: int, exit: str) -> "Visit":
        """The same visit, which was open, left without answer or miss."""
        visit = Visit(self.start, self.queue, self.id, from_transfer=self.from_transfer)
        visit.key, visit.left, visit.exit = self.key, time, exit
        return visit

    def missed_by_end_at(self, time: int) -> bool:
        """Whether the contact's end made it a miss so lately that an event that tells of the miss speaks of the same."""
        return self.by_end and self.missed is not None and time - self.missed <= SKEW_MS

    def may_be(self, ident: str | None) -> bool:
        """Whether it can be the visit that an event names."""
        return not ident or not self.id or self.id == ident

    def transferred_and_answered_by(self, time: int) -> bool:
        """Whether a transfer opened it and another clock placed its answer shortly before its queue entry."""
        return self.from_transfer and self.answered is not None and time - self.answered <= SKEW_MS

    def entered_by_transfer(self, time: int, to_queue: str, ident: str | None) -> bool:
        """Whether a transfer tells of this queue entry, which another clock placed shortly before it."""
        if self.transferred or time - self.start > SKEW_MS or not (self.open or self.moved):
            return False
        return self.queue == to_queue and (not ident or ident != self.id)

    def answer(self, time: int, agent: str | None, team: str | None) -> None:
        """An answer wins over a miss and every other way out, whenever it comes."""
        self.answered, self.agent, self.team = time, agent, team
        self.left, self.exit, self.by_reply = None, "", False

    def forget_answer(self) -> None:
        self.answered = self.agent = self.team = None

    @property
    def waited_until(self) -> int | None:
        """When waiting ended: at the answer or another way out, whichever came first, else at the miss; None: it goes on."""
        end = self.missed if self.answered is None else self.answered
        if self.left is not None and (end is None or self.left < end):
            end = self.left
        return end


class Leg:
    """One agent with one contact, from the answer to the next transfer, answer or end."""

    end: int | None = None
    hold = 0
    held = False
    transferred = False
    wrap: int | None = None
    """After-contact work (ms); None: none was told of."""
    held_since: int | None = None
    by_reply = False
    late = False
    ended_leg: "Leg | None" = None
    """The one that its answer ended."""

    def __init__(self, start: int, visit: Visit | None, agent: str | None, team: str | None, queue: str | None) -> None:
        self.start = start
        self.queue = queue
        self.visit = visit
        self.agent = agent
        self.team = team

    def close(self, time: int) -> None:
        if self.end is None:
            self.resume(time)
            self.end = time

    def resume(self, time: int) -> None:
        if self.held_since is not None:
            self.hold += max(0, time - self.held_since)
            self.held_since = None

    @property
    def talk(self) -> int:
        """Milliseconds of talk: ended − answered − hold, never negative."""
        return max(0, (self.end or self.start) - self.start - self.hold)


class Early(NamedTuple):
    """An answer (with its leg) or a miss that has no visit yet.

    `took_back`: the visit whose miss it takes back if no other claims it.
    """

    time: int
    ident: str | None
    leg: Leg | None
    outcome: str
    queue: str | None
    took_back: Visit | None
