"""Callbacks. Source: KPI contract, rule 33."""

from tests.unit.kpis.centre import Kpis, Steps, at, by_segment, kpis

REQUESTED = [at(0, "call.queued", queue="sales"), at(60, "callback.requested"), at(61, "call.ended")]
BUSY, ANSWERED = {"outcome": "busy"}, {"outcome": "answered"}


def figures(*calls: Steps, end: float) -> tuple[Kpis, Kpis]:
    row = kpis(*calls, end=end)
    wait, reached = row["callback_wait"], row["callback_reach_rate"]
    return (wait["n"], wait["sum"]), (reached["numerator"] if reached["n"] else 0, reached["n"])  # type: ignore[return-value]


def test_a_callback_counts_once_at_its_first_attempt() -> None:
    call = [*REQUESTED, at(360, "callback.attempted", agent="ann", **BUSY), at(900, "callback.attempted", agent="bob", **ANSWERED)]
    assert figures(call, end=360) == ((0, None), (0, 0))
    assert figures(call, end=900) == ((1, 300.0), (0, 1))
    assert figures(call, end=1000) == ((1, 300.0), (1, 1))
    assert figures([*call, at(950, "callback.completed"), at(960, "callback.attempted", **BUSY)], end=1000) == ((1, 300.0), (1, 1))
    # What the second attempt reached stands where the first was dialled, and with whoever did that.
    row = by_segment(call, end=1000, by="agent")
    assert (row["ann"]["callback_reach_rate"]["value"], row["bob"]["callback_reach_rate"]["value"]) == (1.0, None)
    assert by_segment(call, end=1000, by="queue")["sales"]["callback_wait"]["max"] == 300.0


def test_who_asks_again_after_an_attempt_asks_for_another_callback() -> None:
    call = [
        *REQUESTED, at(100, "callback.requested"), at(360, "callback.attempted", **BUSY),
        at(400, "callback.requested"), at(500, "callback.completed"),
    ]  # fmt: skip
    assert figures(call, end=1000) == ((2, 400.0), (1, 2))


def test_a_callback_that_nobody_asked_for_has_no_wait() -> None:
    assert figures([at(0, "callback.attempted", queue="sales", **ANSWERED)], end=1000) == ((0, None), (1, 1))
    assert figures(REQUESTED, end=1000) == ((0, None), (0, 0))
