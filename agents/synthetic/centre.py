"""The synthetic centre as data: its queues, teams, rates and durations, once as a real day and once as a demo that is always busy."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue of a channel. `share` of the channel's arrivals; `teams` serve it, the preferred ones first."""

    name: str
    share: float
    teams: tuple[str, ...]
    reasons: dict[str, float]
    overflow: str | None = None
    transfer: dict[str, float] = field(default_factory=dict)
    """Chance that an answered contact is passed on, by queue it goes to."""
    outage: float = 1.0
    """How much harder than the rest of the centre an outage hits this queue."""


@dataclass(frozen=True, slots=True)
class Team:
    """Agents of one channel. `shifts`: how many begin early, at mid-morning, late and at night; `always`: how many the demo has."""

    name: str
    channel: str
    shifts: tuple[int, int, int, int]
    always: int
    capacity: int = 1


@dataclass(frozen=True, slots=True)
class Tempo:
    """Rates per hour at the daily peak, and mean durations in seconds."""

    calls: float
    chats: float
    tickets: float
    menu: float
    talk: float
    hold: float
    wrap: float
    patience: float
    overflow: float
    chat_turn: float
    chat_patience: float
    ticket_work: float
    ticket_pause: float
    """A customer's reply to a ticket."""
    ticket_closing: float
    """From resolved to closed."""


_SERVICE = {"contract": 4.0, "address_change": 2.0, "delivery": 3.0, "complaint": 1.0}
_BILLING = {"invoice": 5.0, "payment": 3.0, "refund": 2.0}
_TECHNICAL = {"no_connection": 4.0, "slow": 3.0, "setup": 2.0, "login": 2.0}
_SALES = {"offer": 4.0, "upgrade": 2.0, "cancellation": 1.0}

CALL_QUEUES = (
    Queue("service", 0.42, ("service", "billing"), _SERVICE, transfer={"billing": 0.05, "technical": 0.04, "second_level": 0.01}),
    Queue("billing", 0.22, ("billing", "service"), _BILLING, overflow="service", transfer={"service": 0.04, "second_level": 0.02}),
    Queue("technical", 0.24, ("technical", "second_level"), _TECHNICAL, overflow="service", transfer={"second_level": 0.16}, outage=2.0),
    Queue("sales", 0.12, ("sales", "service"), _SALES, overflow="service", transfer={"billing": 0.04}, outage=0.5),
    Queue("second_level", 0.0, ("second_level", "technical"), _TECHNICAL),
)
CHAT_QUEUES = (
    Queue("chat_service", 0.6, ("chat",), _SERVICE | _BILLING, transfer={"chat_technical": 0.05}),
    Queue("chat_technical", 0.4, ("chat_technical", "chat"), _TECHNICAL, outage=1.6),
)
TICKET_QUEUES = (
    Queue("mail_service", 0.45, ("back_office", "night"), _SERVICE),
    Queue("mail_billing", 0.25, ("back_office", "night"), _BILLING),
    Queue(
        "mail_technical",
        0.3,
        ("back_office_technical", "back_office", "night"),
        _TECHNICAL,
        transfer={"mail_second_level": 0.18},
        outage=2.0,
    ),
    Queue("mail_second_level", 0.0, ("back_office_technical",), _TECHNICAL),
)

TEAMS = (
    Team("service", "call", (4, 2, 3, 0), 30),
    Team("billing", "call", (2, 2, 2, 0), 14),
    Team("technical", "call", (3, 1, 2, 0), 18),
    Team("sales", "call", (1, 1, 1, 0), 7),
    Team("second_level", "call", (2, 1, 1, 0), 6),
    Team("chat", "chat", (1, 1, 2, 0), 10, capacity=3),
    Team("chat_technical", "chat", (1, 1, 1, 0), 7, capacity=3),
    Team("back_office", "ticket", (4, 3, 1, 0), 8),
    Team("back_office_technical", "ticket", (2, 2, 1, 0), 5),
    Team("night", "ticket", (0, 0, 0, 2), 0),
)

OFFICE = Tempo(
    calls=150, chats=48, tickets=44, menu=10, talk=210, hold=45, wrap=25, patience=240, overflow=120, chat_turn=35,
    chat_patience=150, ticket_work=420, ticket_pause=5 * 3600, ticket_closing=48 * 3600,
)  # fmt: skip
DEMO = Tempo(
    calls=3600, chats=1100, tickets=500, menu=2, talk=48, hold=10, wrap=7, patience=100, overflow=60, chat_turn=10, chat_patience=120,
    ticket_work=40, ticket_pause=180, ticket_closing=900,
)  # fmt: skip
