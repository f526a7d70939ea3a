"""Rows are made some at a time, and events come in meanwhile: what is not evaluated yet is in no row."""

from streams import policy as policies
from streams.events import make
from tests.event_sets import EventSets
from tests.unit.ledger_partition import NOON

POLICY = policies.load('segments = [["agent"]]\nalerts = []\nwindows = ["today"]\n')


def test_a_maximum_that_is_found_again_is_not_that_of_an_event_which_came_in_while_rows_were_sent() -> None:
    held = EventSets()
    view = held.view(POLICY)

    def answered(subject: str, wait: float) -> None:
        held.put(subject, make("call.queued", NOON, "q", "test"))
        held.put(subject, make("call.answered", NOON + round(wait * 1000), "a", "test", agent="ann"))

    for number in range(20):
        answered(f"c{number}", 10 + number)
    view.advance(NOON + 100_000)
    list(view.partials())
    for number in range(10, 20):  # the largest, as many as are known, are taken back
        held.put(f"c{number}", make("event.retracted", NOON + 50_000, "r", "test", id="a", source="test"))
    view.advance(NOON + 200_000)
    rows = view.partials()
    next(rows)  # of the first segment; meanwhile
    answered("late", 99)
    held.put("c0", make("call.queued", NOON - 60_000, "earlier", "test"))
    list(rows)
    for key in (((), ()), (("agent",), ("ann",))):
        waits = view.segments.by_key[key].sums[0].dists["first_response_time"]
        assert (waits.n, waits.max) == (10, 19_000), key
