"""Service level, missed and abandon rate. Source: KPI contract; fine print 7 to 9; decision 2, rules 10, 18, 25."""

import pytest

from tests.unit.kpis.centre import at, by_segment, call, kpis, rows

WITHIN = [call(n, n + 10, ended=n + 60) for n in range(70)]
MISSED = [call(n, missed=n + 10) for n in range(10)]
LATE = [call(n, n + 30, ended=n + 60) for n in range(15)]
GAVE_UP_LATE = [call(n, missed=n + 40) for n in range(5)]
HUNDRED = [*WITHIN, *MISSED, *LATE, *GAVE_UP_LATE]


def policy(**sets: str) -> str:
    level = ", ".join(f'{key} = "{value}"' for key, value in sets.items())
    return f'[[targets]]\nmatch = {{ channel = "call" }}\nservice_level = {{ {level} }}\n'


@pytest.mark.parametrize(
    ("formula", "numerator", "n", "value"),
    [("included", 70, 100, 0.70), ("ignored", 70, 90, 70 / 90), ("positive", 80, 100, 0.80), ("handled_only", 70, 85, 70 / 85)],
)
def test_seventy_within_and_ten_missed_of_a_hundred(formula: str, numerator: int, n: int, value: float) -> None:
    figure = kpis(*HUNDRED, end=1000, policy=policy(missed=formula))["service_level"]
    assert (figure["numerator"], figure["n"], figure["value"]) == (numerator, n, value)
    assert figure["variants"] == {"included": 0.70, "ignored": 70 / 90, "positive": 0.80, "handled_only": 70 / 85}


def test_missed_included_is_the_default() -> None:
    assert kpis(*HUNDRED, end=1000)["service_level"]["value"] == 0.70


def test_queues_with_different_formulas_add_up_visit_by_visit() -> None:
    text = '[[targets]]\nmatch = { queue = "b" }\nservice_level = { missed = "positive" }\n'
    calls = call(0, 10, queue="a"), call(0, missed=10, queue="a"), call(0, 10, queue="b"), call(0, missed=10, queue="b")
    figure = kpis(*calls, end=100, policy=text)["service_level"]
    assert (figure["value"], figure["numerator"], figure["n"]) == (0.75, 3, 4)
    assert figure["variants"]["included"] == 0.5


@pytest.mark.parametrize(("answered", "value"), [(19.999, 1.0), (20, 1.0), (20.001, 0.0)])
def test_a_wait_of_exactly_the_threshold_is_within(answered: float, value: float) -> None:
    assert kpis(call(0, answered), end=100)["service_level"]["value"] == value


@pytest.mark.parametrize(("end", "value", "n"), [(20, None, 0), (20.001, 0.0, 1), (90, 0.0, 1)])
def test_the_threshold_expires_while_waiting_without_any_event(end: float, value: float | None, n: int) -> None:
    figure = kpis(call(0), end=end)["service_level"]
    assert (figure["value"], figure["n"]) == (value, n)


def test_a_visit_counts_once_at_whichever_comes_first() -> None:
    found = rows(call(0, 30), windows=[(0, 20), (20, 25), (25, 60)])
    assert [row["kpis"]["service_level"]["n"] for row in found] == [0, 1, 0]
    assert [row["kpis"]["answered"]["value"] for row in found] == [0, 0, 1]


def test_handled_only_rests_on_the_answered_visits_of_the_row() -> None:
    found = rows(call(0, 30), call(20, 26), windows=[(0, 25), (25, 60)], policy=policy(missed="handled_only"))
    assert [(row["kpis"]["service_level"]["value"], row["kpis"]["service_level"]["n"]) for row in found] == [(None, 0), (0.5, 2)]


@pytest.mark.parametrize(("second", "n"), [(19, 0), (20, 0), (20.001, 1)])
@pytest.mark.parametrize(
    "left", [at(0, "callback.requested"), at(0, "call.transferred", to_queue="other"), at(0, "call.queued", queue="other")]
)
def test_who_leaves_a_queue_otherwise_by_the_threshold_is_no_event_of_it(
    left: tuple[float, str, dict[str, str]], second: float, n: int
) -> None:
    found = by_segment([at(0, "call.queued", queue="sales"), (second, *left[1:])], end=30, by="queue")
    assert (found["sales"]["service_level"]["n"], found["sales"]["missed"]["value"]) == (n, 0)
    assert found["sales"]["left_queue"]["value"] == 1


def test_short_misses_leave_service_level_and_abandon_rate_but_not_the_missed_rate() -> None:
    row = kpis(call(0, missed=4.999), call(0, 10), end=100)
    assert (row["service_level"]["value"], row["service_level"]["n"]) == (1.0, 1)
    assert (row["abandon_rate"]["value"], row["abandon_rate"]["n"]) == (0.0, 1)
    assert (row["missed_rate"]["value"], row["missed_rate"]["n"], row["missed"]["value"]) == (0.5, 2, 1)


def test_a_miss_after_exactly_five_seconds_is_not_short() -> None:
    row = kpis(call(0, missed=5), call(0, 10), end=100)
    assert (row["service_level"]["value"], row["abandon_rate"]["value"]) == (0.5, 0.5)


def test_nothing_but_short_misses_is_no_value() -> None:
    row = kpis(call(0, missed=1), end=100)
    assert [(row[name]["value"], row[name]["n"]) for name in ("service_level", "abandon_rate", "missed_rate")] == [
        (None, 0),
        (None, 0),
        (1.0, 1),
    ]


def test_what_is_short_is_the_policys() -> None:
    assert kpis(call(0, missed=1), end=100, policy=policy(short_missed="0s"))["service_level"]["n"] == 1
    assert kpis(call(0, missed=14), end=100, policy=policy(short_missed="15s"))["service_level"]["n"] == 0


def test_the_threshold_is_the_policys_and_that_of_the_queue() -> None:
    text = '[[targets]]\nmatch = { queue = "vip" }\nservice_level = { within = "5s" }\n'
    calls = call(0, 6, queue="vip"), call(0, 6, queue="sales")
    assert kpis(*calls, end=100, policy=text)["service_level"]["value"] == 0.5


@pytest.mark.parametrize("outcome", ["timeout", "overflow", "refused", "voicemail", "closed", "error"])
def test_other_outcomes_are_missed_but_not_abandoned(outcome: str) -> None:
    row = kpis(call(0, missed=10, outcome=outcome), call(0, missed=10), call(0, 10), call(0, 10), end=100)
    assert (row["missed_rate"]["value"], row["abandon_rate"]["value"]) == (0.5, 0.25)


def test_a_call_that_ends_while_queued_is_abandoned() -> None:
    row = kpis(call(0, ended=15), call(0, 10), end=100)
    assert (row["abandon_rate"]["value"], row["missed"]["value"], row["service_level"]["value"]) == (0.5, 1, 0.5)


def test_abandoned_after_the_threshold_counts_once() -> None:
    row = kpis(call(0, missed=50), end=100)
    assert (row["service_level"]["value"], row["service_level"]["n"], row["missed_rate"]["value"]) == (0.0, 1, 1.0)
    assert row["service_level"]["variants"] == {"included": 0.0, "ignored": 0.0, "positive": 0.0, "handled_only": None}


def test_an_answer_known_later_takes_the_miss_back() -> None:
    steps = [*call(0, missed=10), at(12, "call.answered")]
    assert kpis(steps, end=12)["missed"]["value"] == 1
    row = kpis(steps, end=100)
    assert (row["missed"]["value"], row["answered"]["value"], row["service_level"]["value"]) == (0, 1, 1.0)


def test_ring_no_answer_is_no_miss_and_keeps_the_enqueue_time() -> None:
    steps = [at(0, "call.queued", queue="a"), at(2, "call.ringing"), at(15, "call.queued", queue="a"), at(25, "call.answered")]
    row = kpis(steps, end=100)
    assert (row["offered"]["value"], row["missed"]["value"], row["service_level"]["value"], row["service_level"]["n"]) == (1, 0, 0.0, 1)


def test_numerator_and_denominator_count_by_their_own_instant() -> None:
    first, second = rows(call(0, missed=30), call(40, 45), windows=[(0, 20), (20, 60)])
    assert (first["kpis"]["missed_rate"]["value"], second["kpis"]["missed_rate"]["value"]) == (0.0, 1.0)
    alone = kpis(call(0, missed=30), start=20, end=60)
    assert (alone["missed_rate"]["value"], alone["missed_rate"]["n"], alone["missed"]["value"]) == (None, 0, 1)


def test_chats_have_sixty_seconds_and_tickets_four_hours() -> None:
    chats = [[at(0, "chat.started"), at(second, "chat.message", author="agent")] for second in (60, 60.001)]
    tickets = [[at(0, "ticket.opened"), at(second, "ticket.message", author="agent")] for second in (14_400, 14_400.001)]
    found = by_segment(*chats, *tickets, end=20_000, by="channel")
    assert (found["chat"]["service_level"]["value"], found["ticket"]["service_level"]["value"]) == (0.5, 0.5)


def test_a_ticket_resolved_unanswered_within_the_threshold_is_no_event_of_it() -> None:
    row = kpis([at(0, "ticket.opened"), at(100, "ticket.resolved")], end=20_000)
    assert (row["service_level"]["value"], row["service_level"]["n"], row["missed"]["value"]) == (None, 0, 0)


def test_an_agent_has_answers_and_expiries_but_no_offered_and_no_missed() -> None:
    calls = call(0, 10, agent="ann"), call(0, missed=10, agent="ann"), call(0, agent="ann")
    row = by_segment(*calls, end=100, by="agent")["ann"]
    assert (row["offered"]["value"], row["missed"]["value"], row["answered"]["value"]) == (0, 0, 1)
    assert (row["service_level"]["value"], row["service_level"]["n"]) == (0.5, 2)
    assert (row["missed_rate"]["value"], row["abandon_rate"]["value"]) == (None, None)
