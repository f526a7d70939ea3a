"""The types of the event contract: what each carries in `data`, its topic, and its code in the stored form.

Required fields have no default. The codes stand in stored state: they are never changed or reused.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Instant = Annotated[datetime, Meta(tz=True)]
MAX_TEXT = 1000
"""Characters of a text: what names a segment is shown, exported and stored again and again."""
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
Author = Literal["customer", "agent", "bot", "system"]


class Attributes(Struct, frozen=True, gc=False, omit_defaults=True):
    """What any interaction event may say of its interaction; the latest non-null value by time counts."""

    queue: Text | None = None
    team: Text | None = None
    priority: Text | None = None
    agent: Text | None = None
    customer: Text | None = None
    reason: Text | None = None
    tenant: Text | None = None
    language: Text | None = None
    medium: Text | None = None
    product: Text | None = None
    region: Text | None = None
    customer_segment: Text | None = None
    due_first_response: Instant | None = None
    due_resolution: Instant | None = None
    visit: Text | None = None


class Started(Attributes, frozen=True, gc=False):
    direction: Text | None = None
    initiator: Text | None = None


class Missed(Attributes, frozen=True, gc=False):
    outcome: Literal["abandoned", "timeout", "overflow", "refused", "voicemail", "closed", "error"] | None = None


class Transferred(Attributes, frozen=True, gc=False, kw_only=True):
    to_queue: Text
    kind: Text | None = None


class Ended(Attributes, frozen=True, gc=False):
    by: Text | None = None


class Attempted(Attributes, frozen=True, gc=False):
    outcome: Text | None = None


class Message(Attributes, frozen=True, gc=False, kw_only=True):
    author: Author
    public: bool | None = None
    automatic: bool | None = None


class StatusChanged(Attributes, frozen=True, gc=False, kw_only=True):
    status: Literal["new", "open", "pending", "on_hold"]


class Merged(Attributes, frozen=True, gc=False, kw_only=True):
    into: Text


class SurveySent(Attributes, frozen=True, gc=False):
    kind: Text | None = None


class SurveyResponded(Attributes, frozen=True, gc=False, kw_only=True):
    kind: Literal["csat", "nps", "ces", "enps", "fcr"]
    score: float
    scale: float | None = None


class Criterion(Struct, frozen=True, gc=False, omit_defaults=True):
    score: float | None = None
    max: float | None = None
    weight: float | None = None
    applicable: bool | None = None
    critical: bool | None = None


class Review(Attributes, frozen=True, gc=False):
    criteria: tuple[Criterion, ...] = ()


class AgentState(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    state: Literal["available", "busy", "wrap_up", "away", "offline"]
    reason: Text | None = None
    team: Text | None = None
    queues: tuple[Text, ...] | None = None
    capacity: dict[Text, int] | None = None


class Heartbeat(Struct, frozen=True, gc=False, omit_defaults=True):
    team: Text | None = None
    queues: tuple[Text, ...] | None = None


class Customer(Struct, frozen=True, gc=False, omit_defaults=True):
    product: Text | None = None
    region: Text | None = None
    customer_segment: Text | None = None
    tenant: Text | None = None


class Money(Customer, frozen=True, gc=False, kw_only=True):
    amount: float
    currency: Text


class Subscription(Customer, frozen=True, gc=False):
    mrr: float | None = None
    currency: Text | None = None


class Cost(Money, frozen=True, gc=False, kw_only=True, rename={"from_": "from"}):
    kind: Literal["operating", "acquisition"]
    from_: Instant | None = None
    to: Instant | None = None


class Retraction(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    id: Name
    source: Name


class RecordingEnded(Struct, frozen=True, gc=False, omit_defaults=True):
    """`at`: the final instant of the whole recording (the millisecond after its last event)."""

    at: Instant | None = None


TYPES: tuple[tuple[int, str, str, type[Struct]], ...] = (
    # code, type, topic, data
    (1, "call.started", "calls", Started),
    (2, "call.queued", "calls", Attributes),
    (3, "call.ringing", "calls", Attributes),
    (4, "call.answered", "calls", Attributes),
    (5, "call.missed", "calls", Missed),
    (6, "call.held", "calls", Attributes),
    (7, "call.resumed", "calls", Attributes),
    (8, "call.transferred", "calls", Transferred),
    (9, "call.ended", "calls", Ended),
    (10, "call.wrapped_up", "calls", Attributes),
    (11, "callback.requested", "calls", Attributes),
    (12, "callback.attempted", "calls", Attempted),
    (13, "callback.completed", "calls", Attributes),
    (20, "chat.started", "chats", Started),
    (21, "chat.handed_off", "chats", Attributes),
    (22, "chat.queued", "chats", Attributes),
    (23, "chat.answered", "chats", Attributes),
    (24, "chat.message", "chats", Message),
    (25, "chat.missed", "chats", Missed),
    (26, "chat.ended", "chats", Ended),
    (27, "chat.wrapped_up", "chats", Attributes),
    (28, "chat.reopened", "chats", Attributes),
    (40, "ticket.opened", "tickets", Started),
    (41, "ticket.message", "tickets", Message),
    (42, "ticket.assigned", "tickets", Attributes),
    (43, "ticket.status_changed", "tickets", StatusChanged),
    (44, "ticket.priority_changed", "tickets", Attributes),
    (45, "ticket.escalated", "tickets", Attributes),
    (46, "ticket.resolved", "tickets", Attributes),
    (47, "ticket.reopened", "tickets", Attributes),
    (48, "ticket.closed", "tickets", Attributes),
    (49, "ticket.merged", "tickets", Merged),
    (50, "ticket.deleted", "tickets", Attributes),
    (60, "survey.sent", "feedback", SurveySent),
    (61, "survey.responded", "feedback", SurveyResponded),
    (62, "review.submitted", "feedback", Review),
    (70, "agent.state_changed", "agents", AgentState),
    (71, "agent.heartbeat", "agents", Heartbeat),
    (80, "lead.created", "customers", Customer),
    (81, "lead.converted", "customers", Customer),
    (82, "customer.acquired", "customers", Customer),
    (83, "customer.reactivated", "customers", Customer),
    (84, "customer.churned", "customers", Customer),
    (85, "order.placed", "customers", Money),
    (86, "subscription.changed", "customers", Subscription),
    (87, "onboarding.started", "customers", Customer),
    (88, "onboarding.completed", "customers", Customer),
    (89, "customer.active", "customers", Customer),
    (90, "cost.posted", "customers", Cost),
    (100, "event.retracted", "control", Retraction),
    (101, "recording.ended", "control", RecordingEnded),
)
