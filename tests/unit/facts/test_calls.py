"""Facts of calls: queue visits, legs and the end. Source: decision 2, rules 3 to 9."""

import pytest

from tests.unit.facts.folding import at, facts_of, legs, spans, visits


def test_an_answered_call_is_one_visit_and_one_leg() -> None:
    call = facts_of(at(0, "call.queued", queue="sales"), at(7, "call.answered", agent="ann", team="red"), at(60, "call.ended"))
    assert visits(call) == [("sales", 0, "answered", 7)]
    assert legs(call) == [("ann", 7, 60, 53)]
    assert (call.visits[0].agent, call.visits[0].team) == ("ann", "red")
    assert spans(call) == [(0, 60)]


@pytest.mark.parametrize("names", [{"visit": "v1"}, {"queue": "sales"}, {"visit": "v1", "queue": "sales"}, {}])
def test_ring_no_answer_keeps_the_original_enqueue_time(names: dict[str, str]) -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales", visit="v1"),
        at(5, "call.ringing", agent="ann"),
        at(15, "call.queued", **names),
        at(18, "call.answered", agent="bob"),
    )
    assert visits(call) == [("sales", 0, "answered", 18)]


def test_a_named_visit_goes_on_under_another_queue() -> None:
    call = facts_of(at(0, "call.queued", queue="sales", visit="v1"), at(9, "call.queued", queue="vip", visit="v1"))
    assert visits(call) == [("vip", 0, "waiting", None)]


@pytest.mark.parametrize("names", [{"queue": "support"}, {"queue": "sales", "visit": "v2"}, {"visit": "v2", "queue": "support"}])
def test_queued_elsewhere_ends_the_visit_as_a_flow_out_and_opens_another(names: dict[str, str]) -> None:
    call = facts_of(at(0, "call.queued", queue="sales", visit="v1"), at(12, "call.queued", **names), at(20, "call.answered"))
    assert visits(call) == [("sales", 0, "requeued", 12), (names["queue"], 12, "answered", 20)]


def test_a_transfer_ends_the_leg_and_opens_a_visit() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales"),
        at(5, "call.answered", agent="ann"),
        at(25, "call.transferred", to_queue="support"),
        at(40, "call.answered", agent="bob"),
        at(100, "call.ended"),
    )
    assert visits(call) == [("sales", 0, "answered", 5), ("support", 25, "answered", 40)]
    assert legs(call) == [("ann", 5, 25, 20), ("bob", 40, 100, 60)]
    assert spans(call) == [(0, 100)]


@pytest.mark.parametrize("second", [100, 100.8, 105])
def test_a_transfer_that_comes_after_its_own_queue_entry_opens_nothing(second: float) -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales", visit="v1"),
        at(10, "call.answered", agent="ann", visit="v1"),
        at(100, "call.queued", queue="support", visit="v2"),
        at(second, "call.transferred", queue="sales", to_queue="support"),
        at(130, "call.answered", agent="bob", visit="v2"),
        at(200, "call.ended"),
    )
    assert visits(call) == [("sales", 0, "answered", 10), ("support", 100, "answered", 130)]
    assert legs(call) == [("ann", 10, 100, 90), ("bob", 130, 200, 70)]


def test_nor_does_one_that_comes_after_the_answer_too() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales"),
        at(10, "call.answered", agent="ann"),
        at(99, "call.queued", queue="support"),
        at(100, "call.answered", agent="bob"),
        at(101, "call.transferred", to_queue="support"),
        at(190, "call.ended"),
    )
    assert visits(call) == [("sales", 0, "answered", 10), ("support", 99, "answered", 100)]
    assert legs(call) == [("ann", 10, 99, 89), ("bob", 100, 190, 90)]


def test_a_second_transfer_and_one_after_more_than_five_seconds_are_transfers() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales"),
        at(2, "call.transferred", to_queue="sales"),
        at(3, "call.transferred", to_queue="sales"),
        at(8.001, "call.transferred", to_queue="sales"),
    )
    assert visits(call) == [("sales", 0, "transferred", 3), ("sales", 3, "transferred", 8.001), ("sales", 8.001, "waiting", None)]


def test_who_had_the_call_before_a_transfer_has_not_answered_the_visit_it_opens() -> None:
    call = facts_of(
        at(0, "call.started"),
        at(2, "call.answered", agent="ann"),
        at(6, "call.transferred", to_queue="support"),
        at(6, "call.queued", queue="support"),
        at(46, "call.answered", agent="bob"),
        at(60, "call.ended"),
    )
    assert visits(call) == [("support", 6, "answered", 46)]
    assert legs(call) == [("ann", 2, 6, 4), ("bob", 46, 60, 14)]


def test_an_answer_shortly_before_its_transfer_is_of_the_visit_it_opens() -> None:
    call = facts_of(
        at(0, "call.started"),
        at(2, "call.answered", agent="ann"),
        at(5.5, "call.answered", agent="bob"),
        at(6, "call.transferred", to_queue="support"),
        at(60, "call.ended"),
    )
    assert visits(call) == [("support", 6, "answered", 5.5)]


def test_a_miss_that_names_its_visit_after_the_next_queue_entry_is_a_miss() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales", visit="v1"),
        at(30, "call.queued", queue="support", visit="v2"),
        at(31, "call.missed", visit="v1", outcome="overflow"),
        at(40, "call.answered", visit="v2"),
    )
    assert visits(call) == [("sales", 0, "overflow", 30), ("support", 30, "answered", 40)]


def test_the_queue_entry_that_follows_a_transfer_gives_the_visit_its_time() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales"),
        at(5, "call.answered"),
        at(25, "call.transferred", to_queue="support"),
        at(27, "call.queued", queue="support", visit="v2"),
        at(40, "call.answered", visit="v2"),
    )
    assert visits(call) == [("sales", 0, "answered", 5), ("support", 27, "answered", 40)]


def test_a_transfer_while_waiting_is_a_flow_out_and_no_miss() -> None:
    call = facts_of(at(0, "call.queued", queue="sales"), at(8, "call.transferred", to_queue="support"), at(30, "call.ended"))
    assert visits(call) == [("sales", 0, "transferred", 8), ("support", 8, "abandoned", 30)]


def test_a_transfer_belongs_to_the_visit_that_it_leaves() -> None:
    call = facts_of(at(0, "call.queued"), at(8, "call.transferred", queue="sales", to_queue="support"))
    assert visits(call) == [("sales", 0, "transferred", 8), ("support", 8, "waiting", None)]


def test_a_requested_callback_is_a_flow_out_and_no_miss() -> None:
    call = facts_of(at(0, "call.queued", queue="sales"), at(90, "callback.requested"), at(91, "call.ended"))
    assert visits(call) == [("sales", 0, "callback", 90)]
    assert spans(call) == [(0, 91)]


@pytest.mark.parametrize("answered", [5, 8, 9.999])
def test_an_answer_shortly_before_the_queue_entry_belongs_to_it_and_is_skew(answered: float) -> None:
    call = facts_of(at(answered, "call.answered", agent="ann"), at(10, "call.queued", queue="sales"), at(70, "call.ended"))
    assert visits(call) == [("sales", 10, "answered", answered)]
    assert legs(call) == [("ann", answered, 70, 70 - answered)]
    assert call.skewed == 1


def test_an_answer_long_before_the_queue_entry_is_another_leg() -> None:
    call = facts_of(at(4.999, "call.answered", agent="ann"), at(10, "call.queued", queue="sales"))
    assert visits(call) == [("sales", 10, "waiting", None)]
    assert legs(call) == [("ann", 4.999, 10, 5.001)]


def test_a_miss_shortly_before_the_queue_entry_belongs_to_it() -> None:
    call = facts_of(at(8, "call.missed", outcome="refused"), at(10, "call.queued", queue="sales"))
    assert visits(call) == [("sales", 10, "refused", 8)]


def test_an_answer_without_any_visit_is_a_leg_and_no_visit() -> None:
    call = facts_of(at(0, "call.started", direction="outbound"), at(4, "call.answered", agent="ann"), at(34, "call.ended"))
    assert visits(call) == []
    assert legs(call) == [("ann", 4, 34, 30)]
    assert spans(call) == []


def test_a_call_that_never_left_the_menu_is_nowhere() -> None:
    call = facts_of(at(0, "call.started"), at(30, "call.ended"))
    assert (visits(call), legs(call), spans(call)) == ([], [], [])


def test_ended_while_queued_is_abandoned() -> None:
    call = facts_of(at(0, "call.queued", queue="sales"), at(33, "call.ended"))
    assert visits(call) == [("sales", 0, "abandoned", 33)]
    assert legs(call) == []


def test_a_miss_without_outcome_is_abandoned_and_the_first_miss_counts() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales"), at(20, "call.missed"), at(25, "call.missed", outcome="voicemail"), at(26, "call.ended")
    )
    assert visits(call) == [("sales", 0, "abandoned", 20)]
    assert spans(call) == [(0, 20)]


def test_a_named_outcome_is_kept() -> None:
    call = facts_of(at(0, "call.queued", queue="sales"), at(20, "call.missed", outcome="voicemail"), at(21, "call.ended"))
    assert visits(call) == [("sales", 0, "voicemail", 20)]


@pytest.mark.parametrize("names", [{}, {"visit": "v1"}])
@pytest.mark.parametrize("answered", [12, 10, 8])
def test_an_answer_wins_over_a_miss_whenever_it_comes(answered: int, names: dict[str, str]) -> None:
    call = facts_of(at(0, "call.queued", queue="sales", visit="v1"), at(10, "call.missed", **names), at(answered, "call.answered", **names))
    assert visits(call) == [("sales", 0, "answered", answered)]


def test_an_answer_known_only_after_the_end_takes_the_miss_back() -> None:
    call = facts_of(at(0, "call.queued", queue="sales"), at(10, "call.ended"), at(11, "call.answered", agent="ann"))
    assert visits(call) == [("sales", 0, "answered", 11)]
    assert [talk for _, _, _, talk in legs(call)] == [0]


def test_the_first_answer_of_a_visit_counts_and_the_first_end() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales"),
        at(5, "call.answered", agent="ann"),
        at(9, "call.answered", agent="bob"),
        at(20, "call.ended"),
        at(30, "call.ended"),
    )
    assert visits(call) == [("sales", 0, "answered", 5)]
    assert call.visits[0].agent == "ann"
    assert legs(call) == [("ann", 5, 9, 4), ("bob", 9, 20, 11)]


def test_an_answer_after_the_queue_was_left_is_a_leg_in_the_queue_that_it_names() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales", visit="v1"),
        at(2, "callback.requested"),
        at(10, "call.ended"),
        at(11, "call.answered", agent="ann", queue="support"),
        at(18, "call.answered", agent="bob", visit="v1"),
    )
    assert visits(call) == [("sales", 0, "answered", 18)]
    assert [(leg.agent, leg.queue, leg.visit) for leg in call.legs] == [("ann", "support", None), ("bob", None, call.visits[0])]


def test_an_answer_belongs_to_the_visit_that_it_names() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales", visit="v1"),
        at(10, "call.queued", queue="support", visit="v2"),
        at(14, "call.answered", visit="v1"),
    )
    assert visits(call) == [("sales", 0, "answered", 14), ("support", 10, "waiting", None)]


def test_holds_are_no_talk() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales"),
        at(10, "call.answered", agent="ann"),
        at(20, "call.held"),
        at(35, "call.resumed"),
        at(40, "call.held"),
        at(42, "call.held"),
        at(50, "call.resumed"),
        at(100, "call.ended"),
    )
    assert legs(call) == [("ann", 10, 100, 65)]


def test_a_hold_that_is_never_resumed_ends_with_the_leg() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales"),
        at(10, "call.answered", agent="ann"),
        at(30, "call.held"),
        at(50, "call.transferred", to_queue="support"),
        at(60, "call.answered", agent="bob"),
        at(70, "call.held"),
        at(100, "call.ended"),
    )
    assert legs(call) == [("ann", 10, 50, 20), ("bob", 60, 100, 10)]


def test_a_later_event_corrects_the_queue_of_its_visit() -> None:
    call = facts_of(at(0, "call.queued"), at(3, "call.ringing", queue="sales"), at(9, "call.ringing", queue="vip"))
    assert visits(call) == [("vip", 0, "waiting", None)]


def test_a_correction_goes_to_the_visit_that_it_names() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales", visit="v1"),
        at(10, "call.queued", queue="support", visit="v2"),
        at(12, "call.ringing", queue="vip", visit="v1"),
    )
    assert [queue for queue, *_ in visits(call)] == ["vip", "support"]


def test_the_latest_value_of_an_attribute_counts_and_null_says_nothing() -> None:
    call = facts_of(
        at(0, "call.queued", priority="1", team="red"), at(1, "call.ringing", priority="2"), at(2, "call.ringing", priority=None)
    )
    assert (call.priority, call.team) == ("2", "red")


def test_queued_again_after_a_miss_begins_a_new_stay_in_the_backlog() -> None:
    call = facts_of(
        at(0, "call.queued", queue="sales"),
        at(20, "call.missed", outcome="overflow"),
        at(25, "call.queued", queue="support"),
        at(30, "call.answered"),
        at(60, "call.ended"),
    )
    assert visits(call) == [("sales", 0, "overflow", 20), ("support", 25, "answered", 30)]
    assert spans(call) == [(0, 20), (25, 60)]


def test_an_answer_which_another_clock_placed_before_the_transfer_was_not_given_by_who_transferred() -> None:
    transferred = [at(0, "call.answered", agent="ann"), at(30, "call.answered", agent="bob"), at(33, "call.transferred", to_queue="vip")]
    call = facts_of(*transferred, at(60, "call.ended"))
    assert visits(call) == [("vip", 33, "answered", 30)]
    assert legs(call) == [("ann", 0, 30, 30), ("bob", 30, 60, 30)]
    assert [leg.transferred for leg in call.legs] == [True, False]
    late = facts_of(*transferred[:2], at(31, "call.ended"), transferred[2])  # and the end before it, too
    assert [leg.transferred for leg in late.legs] == [True, False]


def test_whose_leg_the_end_has_ended_has_not_transferred_though_an_answer_is_of_the_same_instant() -> None:
    call = facts_of(
        at(0, "call.answered", agent="ann"),
        at(20, "call.ended"),
        at(20, "call.answered", agent="bob"),
        at(22, "call.transferred", to_queue="vip"),
    )
    assert [leg.transferred for leg in call.legs] == [False, False]


def test_the_queue_entry_of_a_transfer_that_was_missed_and_answered_before_it_continues_the_visit() -> None:
    call = facts_of(
        at(0, "call.answered", agent="ann"), at(2.5, "call.missed"), at(2.5, "call.answered", agent="bob"),
        at(2.5, "call.transferred", to_queue="vip"), at(5, "call.queued"),
    )  # fmt: skip
    assert visits(call) == [("vip", 5, "answered", 2.5)]


def test_an_answer_that_took_a_miss_back_is_for_the_next_visit_if_there_is_one() -> None:
    call = facts_of(
        at(0, "call.transferred", to_queue="vip"),
        at(1, "call.missed"),
        at(5, "call.answered", agent="bob"),
        at(7, "call.queued", queue="vip"),
    )
    assert [(queue, start, how) for queue, start, how, _ in visits(call)] == [("vip", 0, "abandoned"), ("vip", 7, "answered")]
