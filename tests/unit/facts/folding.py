"""Facts of a few hand-made steps, told in seconds."""

from typing import Any

from streams.events import make
from streams.facts import AnyFacts, derive
from streams.facts.visit import Leg, Visit

Step = tuple[float, str, dict[str, Any]]
Told = tuple[str | None, float, str, float | None]


def at(second: float, kind: str, /, **data: Any) -> Step:
    """Something that happened so many seconds after the beginning."""
    return second, kind, data


def facts_of(*steps: Step) -> Any:
    """The facts of steps given in any order; of one instant the step given first has the smaller id."""
    events = [make(kind, round(second * 1000), f"{n:02}", "test", **data) for n, (second, kind, data) in enumerate(steps)]
    found: AnyFacts | None = derive(sorted(events, key=lambda event: (event.time, event.id)))
    return found


def visits(facts: Any) -> list[Told]:
    """Queue, start, what became of it and when."""
    return [_told(visit) for visit in facts.all_visits()]


def _told(visit: Visit) -> Told:
    if visit.answered is not None:
        end = "answered", visit.answered / 1000
    elif visit.left is not None and (visit.missed is None or visit.left <= visit.missed):
        end = visit.exit, visit.left / 1000
    elif visit.missed is not None:
        end = visit.outcome, visit.missed / 1000
    else:
        return visit.queue, visit.start / 1000, "waiting", None
    return visit.queue, visit.start / 1000, *end


def legs(facts: Any) -> list[tuple[str | None, float, float | None, float]]:
    """Agent, start, end and talk of each leg."""
    return [_of_leg(leg) for leg in facts.legs]


def _of_leg(leg: Leg) -> tuple[str | None, float, float | None, float]:
    return leg.agent, leg.start / 1000, None if leg.end is None else leg.end / 1000, leg.talk / 1000


def spans(facts: Any) -> list[tuple[float, float | None]]:
    """When it is open, in seconds."""
    return [(start / 1000, None if end is None else end / 1000) for start, end in facts.backlog()]
