from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alert import StoredAlertError
from streams.alerting import KEEP_RESOLVED_MS, Alert, Alerts, decode, encode
from streams.calendar_time import from_rfc3339
from streams.events import StoredVersionError
from streams.policy import Policy, load

T0 = from_rfc3339("2026-11-03T12:00:00+01:00")
POLICY = load("[[alerts]]\nname = 'slow'\nmatch = { channel = 'call' }\nrunbook = 'https://wiki/slow'")


def slow(mean: float | None, n: int = 27, queue: str | None = "PS", channel: str = "call") -> dict[Any, Any]:
    """One row by channel and queue with this mean first response time over 5m."""
    figure: dict[str, Any] = {"value": None, "n": 0} if mean is None else {"n": n, "sum": mean * n, "mean": mean, "p90": mean, "max": mean}
    return {("5m", ("channel", "queue"), (channel, queue)): {"first_response_time": figure}}


def run(policy: Policy, steps: Iterable[tuple[int, dict[Any, Any]]], alerts: Alerts | None = None) -> list[tuple[int, str]]:
    """(second, state) of every change of state."""
    alerts = alerts or Alerts()
    return [(second, each.state) for second, rows in steps for each in alerts.step(rows, policy, T0 + second * 1000)]


def firing() -> Alerts:
    alerts = Alerts()
    assert run(POLICY, [(0, slow(35)), (30, slow(35))], alerts) == [(0, "pending"), (30, "firing")]
    return alerts


def test_an_alert_is_pending_until_the_condition_has_held_for_the_time_of_the_rule() -> None:
    assert run(POLICY, [(0, slow(35)), (29, slow(35)), (30, slow(35)), (31, slow(35))]) == [(0, "pending"), (30, "firing")]


def test_for_0s_fires_at_once() -> None:
    assert run(load("[[alerts]]\nname = 'x'\nfor = '0s'"), [(0, slow(35))]) == [(0, "firing")]


def test_a_pending_alert_whose_condition_ends_disappears_silently_and_its_record_too() -> None:
    alerts = Alerts()
    assert run(POLICY, [(0, slow(35)), (10, slow(20)), (20, slow(35)), (49, slow(35))], alerts) == [(0, "pending"), (20, "pending")]
    (first, gone), (second, waiting) = alerts.drain()
    assert gone is None
    assert waiting is not None and waiting.since == T0 + 20_000
    assert first != second
    assert alerts.drain() == []


def test_exactly_the_target_is_no_breach() -> None:
    assert run(POLICY, [(0, slow(20.0))]) == []
    assert run(POLICY, [(0, slow(20.001))]) == [(0, "pending")]


def test_it_is_resolved_only_after_a_while_without_the_condition() -> None:
    steps = [(40, slow(10)), (100, slow(10)), (101, slow(35)), (110, slow(10)), (229, slow(10)), (230, slow(10)), (231, slow(10))]
    assert run(POLICY, steps, firing()) == [(230, "resolved")]


def test_a_new_breach_has_a_new_id_and_the_same_breach_the_same() -> None:
    alerts = firing()
    first = alerts.all()[0].id
    run(POLICY, [(40, slow(10)), (200, slow(10)), (300, slow(35))], alerts)
    assert [each.state for each in alerts.all()] == ["pending", "resolved"]
    assert [each.id for each in alerts.all()][1] == first
    assert alerts.all()[0].id != first
    assert firing().all()[0].id == first


@pytest.mark.parametrize("quiet", [slow(35, n=4), slow(None), {}])
def test_too_few_no_value_and_no_row_count_as_no_breach(quiet: dict[Any, Any]) -> None:
    assert run(POLICY, [(0, quiet), (60, quiet)]) == []
    assert run(POLICY, [(40, quiet), (159, quiet), (160, quiet)], firing()) == [(160, "resolved")]


def test_untrusted_rows_change_nothing() -> None:
    alerts = firing()
    before = alerts.all()
    assert alerts.step({}, POLICY, T0 + 600_000, trusted=False) == []
    assert alerts.step(slow(99, queue="NW"), POLICY, T0 + 700_000, trusted=False) == []
    assert alerts.all() == before
    assert run(POLICY, [(800, slow(10)), (919, slow(10)), (920, slow(10))], alerts) == [(920, "resolved")]


def test_other_channels_are_not_looked_at() -> None:
    assert run(POLICY, [(0, slow(99, channel="chat"))]) == []


def test_the_segment_names_what_the_rule_groups_by_and_each_has_its_own_alert() -> None:
    rows = slow(35) | slow(50, queue=None) | slow(60, queue="other")
    assert [each.segment for each in Alerts().step(rows, POLICY, T0)] == [{"queue": None}, {"queue": "PS"}, {"queue": "other"}]


def test_the_object_is_the_one_of_the_contract() -> None:
    alert = firing().all()[0]
    assert encode(alert, "Europe/Berlin") == (
        b'{"id":"' + alert.id.encode() + b'","name":"slow","severity":"page","state":"firing","segment":{"queue":"PS"},'
        b'"since":"2026-11-03T12:00:00+01:00","until":null,"value":35,"target":20.0,"n":27,'
        b'"summary":"First response time above target: channel call, queue PS\\n'
        b'mean 35 s, target 20 s, over 5m, n 27, since 2026-11-03 12:00:00",'
        b'"acknowledged_by":null,"runbook":"https://wiki/slow","quiet_since":null,"format":"firstline.alert/1"}'
    )
    assert len(alert.id) == 16


def test_a_record_reads_back_and_a_strange_one_is_refused() -> None:
    alerts = firing()
    run(POLICY, [(40, slow(None))], alerts)
    alert = alerts.all()[0]
    assert alert.quiet_since == T0 + 40_000
    assert decode(encode(alert, "Asia/Kathmandu")) == alert
    with pytest.raises(StoredAlertError, match="record of the alerts topic: "):
        decode(b'{"id": 3}')


def test_a_record_of_before_there_were_versions_is_read_and_one_of_a_newer_version_is_refused_with_the_remedy() -> None:
    alert = firing().all()[0]
    record = encode(alert)
    assert decode(record.replace(b',"format":"firstline.alert/1"', b"")) == alert
    with pytest.raises(
        StoredVersionError, match=r"format 'firstline.alert/2', but this release reads .* Run that release; or, to go back,"
    ):
        decode(record.replace(b"alert/1", b"alert/2"))


def test_who_takes_care_is_kept_over_changes_of_state() -> None:
    alerts = firing()
    alerts.drain()
    acknowledged = alerts.acknowledge(alerts.all()[0].id, "ada")
    assert alerts.drain() == [(acknowledged.id, acknowledged)] if acknowledged else False
    (resolved,) = [each for second in (40, 160) for each in alerts.step(slow(1), POLICY, T0 + second * 1000)]
    assert (resolved.state, resolved.acknowledged_by, resolved.until) == ("resolved", "ada", T0 + 160_000)
    assert resolved.summary == (
        "Resolved: First response time above target: channel call, queue PS\n"
        "mean 1 s, target 20 s, over 5m, n 27, since 2026-11-03 12:00:00, until 2026-11-03 12:02:40"
    )
    assert alerts.acknowledge("nobody", "ada") is None


def test_a_resolved_alert_is_shown_for_a_day() -> None:
    alerts = firing()
    run(POLICY, [(40, slow(10)), (160, slow(10))], alerts)
    (resolved,) = alerts.all()
    alerts.drain()
    alerts.step({}, POLICY, T0 + 160_000 + KEEP_RESOLVED_MS - 1)
    assert alerts.all() == [resolved]
    alerts.step({}, POLICY, T0 + 160_000 + KEEP_RESOLVED_MS)
    assert (alerts.all(), alerts.drain()) == ([], [(resolved.id, None)])


def test_an_alert_whose_rule_is_gone_is_resolved_at_once() -> None:
    alerts = firing()
    (resolved,) = alerts.step(slow(35), load("alerts = []"), T0 + 31_000)
    assert (resolved.state, resolved.summary) == ("resolved", "Resolved: the policy no longer has this rule")


def test_a_target_of_the_queue_is_used() -> None:
    policy = load("[[alerts]]\nname = 'x'\n[[targets]]\nmatch = { queue = 'vip' }\nfirst_response = '10s'")
    assert run(policy, [(0, slow(11, queue="vip"))]) == [(0, "pending")]
    assert run(policy, [(0, slow(11, queue="PS"))]) == []


def test_no_target_is_never_breached() -> None:
    assert run(load("[[alerts]]\nname = 'x'\n[[targets]]\nfirst_response = 'none'"), [(0, slow(9999))]) == []


def test_a_rule_with_a_target_is_judged_per_channel() -> None:
    rule = load("[[alerts]]\nname = 'x'").alerts[0]
    assert (rule.by, rule.segmentation) == (("channel", "queue"), ("channel", "queue"))


def test_what_the_match_fixes_is_read_but_not_named_and_what_it_leaves_open_is_named() -> None:
    fixed, left = load(
        "[[alerts]]\nname = 'fixed'\nmatch = { team = 'a', channel = 'call' }\n"
        "[[alerts]]\nname = 'open'\nmatch = { team = 'a*', channel = 'call' }"
    ).alerts
    assert (fixed.by, fixed.segmentation) == (("queue",), ("channel", "queue", "team"))
    assert (left.by, left.segmentation) == (("queue", "team"), ("channel", "queue", "team"))


def test_below_goal_of_service_level_and_of_another_kpi() -> None:
    policy = load(
        "[[alerts]]\nname = 'sl'\nkpi = 'service_level'\nfor = '0s'\n"
        "[[alerts]]\nname = 'sla'\nkpi = 'sla_compliance'\nby = []\nfor = '0s'\nbelow = 'goal'\n[goals]\nsla_compliance = 0.8"
    )
    rows: dict[Any, Any] = {
        ("5m", ("channel", "queue"), ("call", "PS")): {"service_level": {"value": 0.725, "n": 200, "numerator": 145}},
        ("5m", (), ()): {"sla_compliance": {"value": 0.80, "n": 10, "numerator": 8}},
    }
    (alert,) = Alerts().step(rows, policy, T0)
    assert (alert.name, alert.segment, alert.target) == ("sl", {"channel": "call", "queue": "PS"}, 0.8)
    assert alert.summary.splitlines() == [
        "Service level below goal: channel call, queue PS",
        "72.5 %, goal 80.0 %, over 5m, n 200, since 2026-11-03 12:00:00",
    ]


def test_gauges_and_limits_in_numbers_and_durations() -> None:
    policy = load(
        "[[alerts]]\nname = 'full'\nkpi = 'backlog'\nby = []\nabove = 100\nfor = '0s'\n"
        "[[alerts]]\nname = 'old'\nkpi = 'longest_wait'\nby = []\nabove = '5m'\nfor = '0s'"
    )
    rows: dict[Any, Any] = {("5m", (), ()): {"backlog": {"value": 1234}, "longest_wait": {"value": 3723.4}}}
    full, old = sorted(Alerts().step(rows, policy, T0), key=lambda each: each.name)
    assert (full.n, full.target) == (None, 100)
    assert full.summary == "Backlog above limit: whole centre\n1,234, limit 100, over 5m, since 2026-11-03 12:00:00"
    assert "1h2m3s, limit 5m" in old.summary
    assert run(policy, [(0, {("5m", (), ()): {"longest_wait": {"value": None}, "backlog": {"value": 100}}})]) == []


def test_of_two_active_alerts_for_one_segment_the_firing_one_stays() -> None:
    (alert,) = firing().all()
    later = Alert("0" * 16, "slow", "page", "pending", {"queue": "PS"}, T0 - 5, None, 1.0, 2.0, 3, "")
    alerts = Alerts.restore([later, alert])
    assert alerts.all() == [alert]
    assert alerts.drain() == [("0" * 16, None)]


STEP = st.tuples(
    st.integers(1, 60),
    st.dictionaries(st.sampled_from(["PS", "NW", None]), st.tuples(st.sampled_from([None, 10.0, 35.0]), st.sampled_from([1, 9]))),
    st.sampled_from([True, True, True, False]),
    st.booleans(),
)


@given(st.lists(STEP, max_size=30), st.sampled_from(["UTC", "Europe/Berlin"]))
def test_a_restart_from_the_topic_at_any_step_changes_nothing(steps: list[Any], zone: str) -> None:
    policy = load(
        "[[alerts]]\nname = 'a'\nmatch = { channel = 'call' }\n"
        "[[alerts]]\nname = 'b'\nabove = '30s'\nminimum_n = 1\nfor = '0s'\nkeep_firing_for = '1m'"
    )
    steady, restarted, topic, now = Alerts(), Alerts(), {}, T0
    for seconds, row_of, trusted, restart in steps:
        now += seconds * 1000
        rows: dict[Any, Any] = {}
        for queue, (mean, n) in row_of.items():
            rows |= slow(mean, n, queue)
        expected = steady.step(rows, policy, now, trusted)
        if restart:
            restarted = Alerts.restore([decode(record) for record in topic.values()])
        assert restarted.step(rows, policy, now, trusted) == expected
        for key, alert in restarted.drain():
            if alert is None:
                topic.pop(key, None)
            else:
                topic[key] = encode(alert, zone)
        if trusted:
            assert restarted.all() == steady.all()
