"""Targets with a calendar: after hours, deadlines and resolution in business time. Source: KPI contract, rules 34 and 35."""

from tests.unit.kpis.centre import HOUR, at, by_segment, call, kpis, said, values

OFFICE = '[calendars.office]\nhours = { mon-fri = ["08:00-18:00"] }\n[[targets]]\ncalendar = "office"\n'
INCLUDED = 'after_hours = "include"\n' + OFFICE
CLOSING = 10 * HOUR
"""18:00 of that Monday; the office opens again at 24 h."""
TOMORROW = 24 * HOUR


def test_who_calls_after_hours_is_in_a_bucket_of_their_own() -> None:
    calls = [call(CLOSING - 60, CLOSING - 50), call(CLOSING, CLOSING + 5), call(CLOSING + 1, missed=CLOSING + 100, outcome="abandoned")]
    row = kpis(*calls, end=40 * HOUR, policy=OFFICE)
    assert values(row, "offered", "answered", "missed", "offered_closed") == [3, 2, 1, 2]
    assert (row["service_level"]["value"], row["service_level"]["n"]) == (1.0, 1)
    assert row["service_level"]["variants"] == {"included": 1.0, "ignored": 1.0, "positive": 1.0, "handled_only": 1.0}


def test_a_policy_may_include_them_and_counts_their_open_seconds() -> None:
    calls = [
        call(CLOSING, CLOSING + 5),
        call(CLOSING + 10, TOMORROW + 20),  # exactly 20 s of opening hours
        call(CLOSING + 20, TOMORROW + 20.001),
        call(CLOSING + 30, missed=TOMORROW + 6, outcome="abandoned"),
    ]
    row = kpis(*calls, end=40 * HOUR, policy=INCLUDED)
    assert (row["service_level"]["numerator"], row["service_level"]["n"], row["offered_closed"]["value"]) == (2, 4, 4)
    assert row["service_level"]["variants"]["ignored"] == 2 / 3


def test_without_a_calendar_nobody_is_after_hours() -> None:
    row = kpis(call(CLOSING + 10, CLOSING + 15), end=40 * HOUR)
    assert (row["service_level"]["n"], row["offered_closed"]["value"]) == (1, 0)


def test_a_wait_over_closing_time_stands_still() -> None:
    row = kpis(call(CLOSING - 10, CLOSING + 300), end=40 * HOUR, policy=OFFICE)
    assert (row["service_level"]["value"], row["service_level"]["n"], row["offered_closed"]["value"]) == (1.0, 1, 0)
    assert row["speed_of_answer"]["max"] == 310.0
    assert row["frt_breaches"]["value"] == 0


def test_who_still_waits_expires_at_the_earliest_instant_of_that_much_time() -> None:
    for end, expired in ((TOMORROW + 10, 0), (TOMORROW + 10.001, 1)):
        row = kpis(call(CLOSING - 10), end=end, policy=OFFICE)
        assert (row["service_level"]["n"], row["frt_breaches"]["value"]) == (expired, expired)
    # What reaches its target just as the office closes expires then, not when it opens again.
    for end, expired in ((CLOSING, 0), (CLOSING + 0.001, 1)):
        assert kpis(call(CLOSING - 20), end=end, policy=OFFICE)["service_level"]["n"] == expired


def test_a_day_of_a_calendar_is_24_of_its_hours() -> None:
    policy = OFFICE + 'resolution = "1d"\nfirst_response = "90m"\n'
    opened, reply = at(9 * HOUR, "ticket.opened"), said(TOMORROW + 0.5 * HOUR, "ticket", "agent")
    for solved, met in ((TOMORROW * 2 + 13 * HOUR, None), (TOMORROW * 3 + 3 * HOUR, 1.0), (TOMORROW * 3 + 3 * HOUR + 0.001, 0.0)):
        # Opened at 17:00: an hour on Monday, ten on Tuesday and Wednesday, three on Thursday.
        row = kpis([opened, reply, at(solved, "ticket.resolved")], end=90 * HOUR, policy=policy)
        if met is not None:
            assert (row["sla_compliance"]["value"], row["sla_compliance"]["n"], row["frt_breaches"]["value"]) == (met, 1, 0)


def test_business_time_of_a_resolution_beside_that_of_the_clock() -> None:
    steps = [at(9 * HOUR, "ticket.opened"), at(TOMORROW + HOUR, "ticket.resolved")]
    again = [at(TOMORROW + 2 * HOUR, "ticket.reopened"), at(TOMORROW + 15 * HOUR, "ticket.resolved")]
    variants = kpis([*steps, *again], end=90 * HOUR, policy=OFFICE)["resolution_time"]["variants"]
    sums = {name: figure["sum"] / HOUR for name, figure in variants.items()}
    assert sums == {"first": 16.0, "first_business": 2.0, "full": 30.0, "full_business": 11.0}
    variants = kpis(steps, end=90 * HOUR)["resolution_time"]["variants"]
    assert {name: figure["sum"] / HOUR for name, figure in variants.items()} == dict.fromkeys(variants, 16.0)


def test_no_office_time_is_no_time_and_counts() -> None:
    night = [at(CLOSING + HOUR, "ticket.opened"), at(CLOSING + 3 * HOUR, "ticket.resolved")]
    figure = kpis(night, end=90 * HOUR, policy=OFFICE)["resolution_time"]["variants"]["full_business"]
    assert (figure["n"], figure["sum"], figure["max"]) == (1, 0.0, 0.0)


def test_what_never_opens_has_no_deadline() -> None:
    policy = '[calendars.office]\nhours = {}\n[[targets]]\ncalendar = "office"\n'
    row = kpis(call(0), end=9000 * HOUR, policy=policy)
    assert (row["offered_closed"]["value"], row["frt_breaches"]["value"], row["waiting"]["past_target"]) == (1, 0, 0)
    assert kpis(call(0), end=9000 * HOUR, policy='after_hours = "include"\n' + policy)["service_level"]["n"] == 0


def test_an_agent_has_no_calls_after_hours() -> None:
    found = by_segment(call(CLOSING + 5, CLOSING + 9, agent="ann"), end=40 * HOUR, by="agent", policy=OFFICE)
    assert found["ann"]["offered_closed"]["value"] == 0
