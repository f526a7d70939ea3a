"""Facts of chats: bot and hand-off, replies, visits, ends. Source: decision 2, rules 11 to 15."""

from typing import Any

import pytest

from tests.unit.facts.folding import Step, at, facts_of, legs, spans, visits


def said(second: float, author: str, **data: Any) -> Step:
    return at(second, "chat.message", author=author, **data)


def test_without_queue_events_it_is_one_visit_from_creation_to_the_first_human_reply() -> None:
    chat = facts_of(at(0, "chat.started", queue="web"), said(1, "customer"), said(30, "agent", agent="ann"), at(90, "chat.ended"))
    assert visits(chat) == [("web", 0, "answered", 30)]
    assert legs(chat) == [("ann", 30, 90, 60)]
    assert spans(chat) == [(0, 90)]


def test_accepted_and_left_without_a_word_is_answered_not_missed() -> None:
    waiting = at(0, "chat.started", queue="web"), at(25, "chat.answered", agent="ann")
    assert visits(facts_of(*waiting)) == [("web", 0, "waiting", None)]
    left = facts_of(*waiting, at(600, "chat.ended"))
    assert visits(left) == [("web", 0, "answered", 25)]
    assert left.response is None
    assert visits(facts_of(*waiting, said(40, "agent"), at(600, "chat.ended"))) == [("web", 0, "answered", 40)]


@pytest.mark.parametrize(("second", "became"), [(9, ("answered", 9)), (10, ("answered", 10)), (4.999, ("abandoned", 100))])
def test_a_reply_shortly_before_the_first_queue_entry_answers_it(second: float, became: tuple[str, float]) -> None:
    chat = facts_of(at(0, "chat.started"), said(second, "agent", agent="ann"), at(10, "chat.queued", queue="web"), at(100, "chat.ended"))
    assert visits(chat) == [("web", 10, *became)]
    assert chat.skewed == (became[0] == "answered")


def test_the_answer_wins_over_the_reply_before_the_queue_entry() -> None:
    chat = facts_of(
        at(0, "chat.started"),
        said(8, "agent", agent="ann"),
        at(9, "chat.answered", agent="bob"),
        at(10, "chat.queued", queue="web"),
        at(100, "chat.ended"),
    )
    assert visits(chat) == [("web", 10, "answered", 9)]
    assert legs(chat) == [("bob", 9, 100, 91)]


def test_bot_system_automatic_and_internal_messages_never_count() -> None:
    chat = facts_of(
        at(0, "chat.started", queue="web"),
        said(1, "bot"),
        said(2, "system"),
        said(3, "agent", automatic=True),
        said(4, "agent", public=False),
        said(5, "customer"),
    )
    assert visits(chat) == [("web", 0, "waiting", None)]
    assert (chat.response, legs(chat)) == (None, [])


def test_the_clock_starts_at_the_hand_off_of_a_bot() -> None:
    chat = facts_of(at(0, "chat.started"), said(2, "bot"), at(40, "chat.handed_off", queue="web"), said(55, "agent"))
    assert visits(chat) == [("web", 40, "answered", 55)]
    assert chat.clock_start == 40_000


def test_the_first_hand_off_counts() -> None:
    chat = facts_of(at(0, "chat.started"), at(40, "chat.handed_off"), at(50, "chat.handed_off"))
    assert chat.clock_start == 40_000


def test_a_reply_before_the_hand_off_does_not_count_if_there_is_one_after_it() -> None:
    chat = facts_of(at(0, "chat.started"), said(10, "agent"), at(40, "chat.handed_off"), said(47, "agent"))
    assert chat.response.time == 47_000


def test_a_reply_at_the_instant_of_the_hand_off_counts() -> None:
    chat = facts_of(at(0, "chat.started"), said(10, "agent"), at(40, "chat.handed_off"), said(40, "agent"), said(50, "agent"))
    assert chat.response.time == 40_000


def test_a_reply_before_the_hand_off_counts_if_there_is_none_after_it() -> None:
    chat = facts_of(at(0, "chat.started"), said(10, "agent"), at(12, "chat.handed_off"))
    assert visits(chat) == [(None, 12, "answered", 10)]


def test_a_chat_that_ends_unanswered_is_a_miss() -> None:
    chat = facts_of(at(0, "chat.started", queue="web"), said(5, "customer"), at(60, "chat.ended", by="customer"))
    assert visits(chat) == [("web", 0, "abandoned", 60)]


def test_a_missed_chat_keeps_its_outcome() -> None:
    chat = facts_of(at(0, "chat.started", queue="web"), at(50, "chat.missed", outcome="timeout"), at(51, "chat.ended"))
    assert visits(chat) == [("web", 0, "timeout", 50)]


def test_a_reply_wins_over_the_miss() -> None:
    chat = facts_of(at(0, "chat.started", queue="web"), at(50, "chat.missed"), said(55, "agent"), at(70, "chat.ended"))
    assert visits(chat) == [("web", 0, "answered", 55)]


def test_reopened_it_is_open_until_the_last_end() -> None:
    chat = facts_of(at(0, "chat.started"), said(5, "agent"), at(60, "chat.ended"), at(100, "chat.reopened"), at(130, "chat.ended"))
    assert spans(chat) == [(0, 60), (100, 130)]
    assert chat.first_end == 60_000


def test_reopened_and_not_ended_it_is_open() -> None:
    chat = facts_of(at(0, "chat.started"), at(60, "chat.ended"), at(100, "chat.reopened"), at(110, "chat.reopened"))
    assert spans(chat) == [(0, 60), (100, None)]


def test_the_next_response_is_to_the_oldest_unanswered_message() -> None:
    chat = facts_of(
        at(0, "chat.started"),
        said(1, "customer"),
        said(10, "agent"),
        said(20, "customer"),
        said(25, "customer"),
        said(26, "bot"),
        said(50, "agent", agent="ann"),
        said(55, "agent"),
        said(60, "customer"),
    )
    assert [(reply.since, reply.time, reply.agent) for reply in chat.next_replies] == [(20_000, 50_000, "ann")]


def test_an_internal_message_of_the_customer_side_is_no_question() -> None:
    chat = facts_of(at(0, "chat.started"), said(10, "agent"), said(20, "customer", public=False), said(50, "agent"))
    assert chat.next_replies == []


def test_with_queue_events_a_visit_is_answered_by_who_takes_the_chat() -> None:
    chat = facts_of(
        at(0, "chat.started"),
        at(5, "chat.queued", queue="web"),
        at(20, "chat.answered", agent="ann"),
        said(28, "agent"),
        at(90, "chat.ended"),
    )
    assert visits(chat) == [("web", 5, "answered", 20)]
    assert legs(chat) == [("ann", 20, 90, 70)]
    assert (chat.clock_start, chat.response.time) == (0, 28_000)


def test_with_queue_events_and_nobody_who_takes_it_the_first_reply_answers() -> None:
    chat = facts_of(at(0, "chat.started"), at(5, "chat.queued", queue="web"), said(28, "agent", agent="ann"))
    assert visits(chat) == [("web", 5, "answered", 28)]


def test_who_takes_a_chat_that_a_reply_has_answered_names_its_visit() -> None:
    chat = facts_of(
        at(5, "chat.queued", queue="web"),
        said(20, "agent"),
        at(30, "chat.answered", visit="1"),
        said(31, "customer", queue="shop", visit="2"),
    )
    assert visits(chat) == [("web", 5, "answered", 30)]


def test_queued_elsewhere_ends_the_visit_as_a_flow_out() -> None:
    chat = facts_of(at(0, "chat.started"), at(5, "chat.queued", queue="web"), at(30, "chat.queued", queue="vip"), said(40, "agent"))
    assert visits(chat) == [("web", 5, "requeued", 30), ("vip", 30, "answered", 40)]


def test_queued_again_in_one_queue_keeps_the_enqueue_time() -> None:
    chat = facts_of(at(0, "chat.started"), at(5, "chat.queued", queue="web"), at(30, "chat.queued", queue="web"))
    assert visits(chat) == [("web", 5, "waiting", None)]


def test_a_queued_chat_that_ends_is_abandoned() -> None:
    chat = facts_of(at(0, "chat.started"), at(5, "chat.queued", queue="web"), at(65, "chat.ended"))
    assert visits(chat) == [("web", 5, "abandoned", 65)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_the_order_of_arrival_makes_no_difference(order: tuple[int, ...]) -> None:
    steps = [at(0, "chat.started", queue="web"), said(3, "customer"), said(30, "agent", agent="ann"), at(90, "chat.ended")]
    assert visits(facts_of(*(steps[n] for n in order))) == [("web", 0, "answered", 30)]
