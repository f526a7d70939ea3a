import datetime as dt
import re

import pytest
from msgspec.structs import replace

from streams.calendars import Holidays
from streams.errors import PolicyError
from streams.policy import DEFAULT, Window, load
from streams.targets import Target
from tests.acceptance.recordings import DATA

CONTRACT = """
version = "2026-11"
[calendars.office]
time_zone = "Europe/Helsinki"
hours = { mon-fri = ["13:00-18:00", "08:00-12:00"], sat = ["09:00-13:00"] }
holidays = { country = "DE", subdivision = "BE" }
closed = [2026-12-24]

[[targets]]
match = { channel = "call" }
first_response = "30s"
resolution = "2d"
calendar = "office"
[targets.service_level]
within = "30s"
goal = 0.9

[[targets]]
match = { channel = "call", queue = "vip*" }
first_response = "10s"
[targets.service_level]
missed = "ignored"
short_missed = "0s"

[[targets]]
match = { queue = "vip-?" }
resolution = "none"
"""


def test_the_shipped_policy_has_the_defaults_of_the_contract() -> None:
    assert DEFAULT.version == "default"
    assert DEFAULT.time_zone == "Europe/Berlin"
    assert DEFAULT.week_starts == "monday"
    assert [window.name for window in DEFAULT.windows] == ["1m", "5m", "15m", "30m", "1h", "today", "week"]
    assert DEFAULT.windows[2] == Window("15m", 900_000)
    assert DEFAULT.windows[5] == Window("today", None)
    assert DEFAULT.segments == (("channel",), ("queue",), ("team",), ("priority",), ("agent",), ("queue", "priority"))
    assert DEFAULT.max_segments == 10_000
    assert (DEFAULT.breaching_soon_ms, DEFAULT.recovered_within_ms, DEFAULT.retention_ms) == (600_000, 3_600_000, 3_024_000_000)
    assert (DEFAULT.after_hours, DEFAULT.auto_close, DEFAULT.margin, DEFAULT.tick_ms) == ("separate", {}, 1.0, 500)
    assert DEFAULT.heartbeat_timeout_ms == 120_000
    assert DEFAULT.metric_windows == ("5m", "1h", "today")
    assert DEFAULT.goals == {"csat": 0.8, "nps": 50, "first_contact_resolution": 0.7}
    assert DEFAULT.clock.earliest_ms == 631_148_400_000  # 1990-01-01 in Berlin
    assert DEFAULT.clock.future_ms == 300_000
    assert [rule.name for rule in DEFAULT.alerts] == ["first_response_time_breach", "service_level_below_goal"]


def test_the_built_in_targets_are_those_of_the_trade() -> None:
    assert DEFAULT.match_dimensions == ("channel",)
    assert DEFAULT.target(("call",)) == Target(20_000, None, "always", 20_000, 0.8, "included", 5_000)
    assert DEFAULT.target(("chat",)) == Target(60_000, None, "always", 60_000, 0.8, "included", 5_000)
    assert DEFAULT.target(("ticket",)) == Target(14_400_000, None, "always", 14_400_000, 0.8, "included", 5_000)


def test_the_example_of_the_contract_loads() -> None:
    contract = DATA.parent / "INTERFACE.md"
    if not contract.exists():
        pytest.skip(f"the contract is not here ({contract}); FIRSTLINE_DATA names the folder beside it")
    example = re.search(r"```toml\n(.*?)```", contract.read_text(), re.DOTALL)
    assert example
    policy = load(example[1], "example.toml")
    assert policy.version == "2026-11"
    assert policy.target(("call", "vip")).first_response_ms == 10_000
    assert policy.segments == DEFAULT.segments
    assert policy.clock == DEFAULT.clock
    assert policy.alerts == (replace(DEFAULT.alerts[0], runbook=None),)


def test_later_targets_win_key_by_key() -> None:
    policy = load(CONTRACT)
    assert policy.match_dimensions == ("channel", "queue")
    assert policy.target(("call", "sales")) == Target(30_000, 172_800_000, "office", 30_000, 0.9, "included", 5_000)
    assert policy.target(("call", "vip-10")) == Target(10_000, 172_800_000, "office", 30_000, 0.9, "ignored", 0)
    assert policy.target(("call", "vip-1")) == Target(10_000, None, "office", 30_000, 0.9, "ignored", 0)
    assert policy.target(("chat", "vip-1")) == DEFAULT.target(("chat",))


def test_a_missing_value_matches_no_pattern() -> None:
    policy = load('[[targets]]\nmatch = { queue = "*" }\nfirst_response = "1s"')
    assert policy.target(("call", "a")).first_response_ms == 1_000
    assert policy.target(("call", None)).first_response_ms == 20_000


def test_patterns_know_only_star_and_question_mark_and_case_counts() -> None:
    policy = load('[[targets]]\nmatch = { queue = "[A]?*" }\nfirst_response = "1s"')
    assert policy.target(("call", "[A]x")).first_response_ms == 1_000
    for queue in ("[a]x", "Ax", "[A]"):
        assert policy.target(("call", queue)).first_response_ms == 20_000


def test_a_calendar_is_read_in_order() -> None:
    office = load(CONTRACT).calendars["office"]
    assert office.time_zone == "Europe/Helsinki"
    assert office.hours[0] == ((480, 720), (780, 1080))
    assert office.hours[5] == ((540, 780),)
    assert office.hours[6] == ()
    assert office.holidays == Holidays(country="DE", subdivision="BE")
    assert office.closed == (dt.date(2026, 12, 24),)


def test_what_this_release_does_not_do_is_noted() -> None:
    assert load("after_hours = 'include'\nmargin = 0.5\nrecovered_within = '1h'", "p.toml").notes == (
        "p.toml: margin: is kept, but this release computes nothing from it",
    )
    assert DEFAULT.notes == ()


def test_alert_rules_add_the_segmentations_that_they_read() -> None:
    assert DEFAULT.row_segmentations == ((), *DEFAULT.segments, ("channel", "queue"))


def test_given_lists_replace_the_shipped_ones_and_what_hangs_on_them() -> None:
    policy = load('windows = ["1h", "today"]\nsegments = [["priority", "queue"], ["queue", "priority"]]')
    assert policy.segments == (("queue", "priority"),)
    assert policy.metric_windows == ("1h", "today")
    assert policy.alerts == ()
    assert load("alerts = []").row_segmentations == ((), *DEFAULT.segments)


def test_other_values_are_read() -> None:
    policy = load(
        'heartbeat_timeout = "none"\nafter_hours = "include"\nauto_close = { chat = "24h", ticket = "none" }\n'
        'clock = { earliest = 2000-01-01T00:00:00Z, future = "0s" }\ngoals = { nps = 30 }'
    )
    assert policy.heartbeat_timeout_ms is None
    assert policy.after_hours == "include"
    assert policy.auto_close == {"chat": 86_400_000}
    assert policy.clock.earliest_ms == 946_684_800_000
    assert policy.clock.future_ms == 0
    assert policy.goals == {"csat": 0.8, "nps": 30, "first_contact_resolution": 0.7}


def test_the_shortest_and_the_longest_tick_are_taken() -> None:
    assert [load(f'tick = "{tick}"').tick_ms for tick in ("100ms", "1m")] == [100, 60_000]


def test_policies_of_one_version_and_other_content_differ() -> None:
    assert load("max_segments = 5") != load("max_segments = 6")
    assert load("max_segments = 5") == load("max_segments=5  # the same", "other name")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('vesion = "1"', 'p.toml: vesion: unknown key; did you mean "version"?'),
        ("clock = { earlist = 1990-01-01 }", 'p.toml: clock.earlist: unknown key; did you mean "earliest"?'),
        ("[[targets]]\n[targets.service_level]\nwithn = '1s'",
         'p.toml: targets[0].service_level.withn: unknown key; did you mean "within"?'),
        ("[[alerts]]\nname = 'x'\nfro = '3s'", 'p.toml: alerts[0].fro: unknown key; did you mean "for"?'),
        ("[calendars.o]\nhours = {}\nclosd = []", 'p.toml: calendars.o.closd: unknown key; did you mean "closed"?'),
        ("[calendars.o]\nhours = {}\nholidays = { country = 'DE', state = 'BE' }",
         "p.toml: calendars.o.holidays.state: unknown key; known: country, subdivision"),
        ("[[targets]]\nmatch = { queu = 'x' }", 'p.toml: targets[0].match: unknown dimension "queu"; did you mean "queue"?'),
        ("segments = [['chanel']]", 'p.toml: segments[0][0]: unknown dimension "chanel"; did you mean "channel"?'),
        ("goals = { csta = 0.9 }", 'p.toml: goals: unknown KPI "csta"; did you mean "csat"?'),
        ("auto_close = { chatt = '1h' }", 'p.toml: auto_close: unknown channel "chatt"; did you mean "chat"?'),
        ("[[targets]]\n[[targets]]\nservice_level.within = '-20s'",
         'p.toml: targets[1].service_level.within: "-20s" is negative; a duration is longer than 0s'),
        ("tick = '0s'", 'p.toml: tick: "0s" is zero; it must be longer than 0s'),
        ("tick = '1ms'",
         'p.toml: tick: "1ms" is shorter than 100ms, too fast for rows to be made; write "100ms" to "1m", such as "500ms"'),
        ("tick = '61s'", 'p.toml: tick: "61s" is longer than 1m, too slow for live numbers; write "100ms" to "1m", such as "500ms"'),
        ("a = = 1",
         "p.toml: not valid TOML: Invalid value (at line 1, column 5); mend that line (dates and numbers without quotes, texts with)"),
        ("time_zone = 'Europe/Berln'", 'p.toml: time_zone: unknown time zone "Europe/Berln"; did you mean "Europe/Berlin"?'),
        ("time_zone = 'Europe'", 'p.toml: time_zone: unknown time zone "Europe"; write an IANA name such as Europe/Berlin or UTC'),
        ("week_starts = 'mon'", 'p.toml: week_starts: unknown weekday "mon"; did you mean "monday"?'),
        ("windows = ['1m', '60s']", 'p.toml: windows[1]: "60s" is the same window as "1m"; remove one'),
        ("windows = ['100ms']", 'p.toml: windows[0]: "100ms" is shorter than 1s, the finest grain that is kept; write "1s" or longer'),
        ("windows = [3]", "p.toml: windows[0]: expected a text in quotes, got a whole number"),
        ("metric_windows = ['2m']", 'p.toml: metric_windows[0]: unknown window "2m"; known: 1m, 5m, 15m, 30m, 1h, today, week'),
        ("[calendars.office]\nhours = { mon-fri = ['08:00-12:00'], wed = ['11:30-18:00'] }",
         'p.toml: calendars.office.hours: calendar "office": on wednesday 08:00-12:00 and 11:30-18:00 overlap; join them or move one'),
        ("[calendars.o]\nhours = { mun = ['08:00-12:00'] }",
         'p.toml: calendars.o.hours.mun: "mun" is no weekday; write mon, tue, wed, thu, fri, sat, sun or a range such as "mon-fri"'),
        ("[calendars.o]\nhours = { mon = ['22:00-06:00'] }",
         'p.toml: calendars.o.hours.mon[0]: "22:00-06:00" ends before it starts; write a night as two spans,'
         ' "22:00-24:00" and on the next day "00:00-06:00"'),
        ("[calendars.o]\nhours = { mon = ['8-18'] }", 'p.toml: calendars.o.hours.mon[0]: "8-18" is no span of hours; write "08:00-18:00"'),
        ("[calendars.o]\nhours = { mon = 3 }", "p.toml: calendars.o.hours.mon: expected a list, got a whole number"),
        ("[calendars.o]\nhours = {}\nholidays = { country = 'germany' }",
         'p.toml: calendars.o.holidays.country: unknown country "germany"; write its ISO 3166-1 code, two capital letters such as "DE"'),
        ("[calendars.o]\nhours = {}\nholidays = { country = 'XX' }",
         'p.toml: calendars.o.holidays.country: unknown country "XX"; write its ISO 3166-1 code, two capital letters such as "DE"'),
        ("[calendars.o]\nhours = {}\nholidays = { country = '' }",
         'p.toml: calendars.o.holidays.country: unknown country ""; write its ISO 3166-1 code, two capital letters such as "DE"'),
        ("[calendars.o]\nhours = {}\nholidays = { country = 'DE', subdivision = 'DE-BE' }",
         'p.toml: calendars.o.holidays.subdivision: DE has no "DE-BE" with holidays of its own; choose from'
         ' BB, BE, BW, BY, HB, HE, HH, MV, NI, NW, RP, SH, SL, SN, ST, TH, Augsburg'),
        ("[calendars.o]\nhours = {}\nholidays = { country = 'XK', subdivision = '' }",
         'p.toml: calendars.o.holidays.subdivision: XK has no "" with holidays of its own;'
         " remove it: the country's holidays are the same everywhere"),
        ("[calendars.always]\nhours = {}", 'p.toml: calendars.always: "always" is built in and cannot be changed; choose another name'),
        ("[[targets]]\ncalendar = 'ofice'\n[calendars.office]\nhours = {}",
         'p.toml: targets[0].calendar: unknown calendar "ofice"; did you mean "office"?'),
        ("[[targets]]\nservice_level.goal = 80",
         "p.toml: targets[0].service_level.goal: 80 is no share; write a number above 0 and up to 1, such as 0.80 for 80 %"),
        ("[[targets]]\nservice_level.missed = 'include'",
         'p.toml: targets[0].service_level.missed: unknown formula "include"; did you mean "included"?'),
        ("goals = { csat = 80 }", "p.toml: goals.csat: 80 is no share; write a number from 0 to 1, such as 0.80 for 80 %"),
        ("goals = { nps = 200 }", "p.toml: goals.nps: 200 is out of range; nps lies from -100 to 100, write a number between"),
        ("goals = { employee_engagement = -101 }",
         "p.toml: goals.employee_engagement: -101 is out of range; employee_engagement lies from -100 to 100, write a number between"),
        ("goals = { mrr = inf }", "p.toml: goals.mrr: inf is no bound; write a finite number"),
        ("goals = { service_level = 0.8 }",
         "p.toml: goals.service_level: the goal of service level belongs to its target; write it under [targets.service_level]"),
        ("margin = nan", "p.toml: margin: nan is no share; write a number from 0 to 1"),
        ("clock = { earliest = 'x' }",
         "p.toml: clock.earliest: 'x' is no date; write one without quotes, such as 1990-01-01 or 1990-01-01T00:00:00Z"),
        ("clock = { earliest = 2200-01-01 }", "p.toml: clock.latest: not after clock.earliest; no event would be accepted"),
        ("[[versions]]", "p.toml: versions: policy versions come with a later release; remove [[versions]]"),
        ("[[alerts]]", "p.toml: alerts[0].name: missing; every entry needs it"),
        ("[[alerts]]\nname = 'x'\n[[alerts]]\nname = 'x'", 'p.toml: alerts[1].name: two rules are called "x"; rename one'),
        ("[[alerts]]\nname = 'x'\nkpi = 'backlg'", 'p.toml: alerts[0].kpi: unknown KPI "backlg"; did you mean "backlog"?'),
        ("[[alerts]]\nname = 'x'\nkpi = 'backlog'",
         "p.toml: alerts[0]: backlog has neither target nor goal; write above or below with a number"),
        ("[[alerts]]\nname = 'x'\nabove = 3\nbelow = 4", "p.toml: alerts[0]: both above and below are given; keep one"),
        ("[[alerts]]\nname = 'x'\nkpi = 'backlog'\nabove = '20s'",
         'p.toml: alerts[0].above: backlog is not measured in time; write a number instead of "20s"'),
        ("[[alerts]]\nname = 'x'\nwindow = '2m'",
         'p.toml: alerts[0].window: unknown window "2m"; known: 1m, 5m, 15m, 30m, 1h, today, week'),
        ("[[alerts]]\nname = 'x'\nseverity = 'pager'", 'p.toml: alerts[0].severity: unknown severity "pager"; did you mean "page"?'),
        ("[[alerts]]\nname = 'x'\nkpi = 'csat'\nbelow = 'goal'",
         "p.toml: alerts[0].kpi: csat is not computed by this release, so the alert could never fire; choose one of"
         " first_response_time, next_response_time, average_response_time, longest_wait, speed_of_answer, backlog_age,"
         " time_to_drain, talk_time, hold_time, wrap_time, callback_wait, resolution_time, requester_wait_time, service_level, missed_rate,"
         " abandon_rate, transfer_rate, hold_rate, callback_reach_rate, reopen_rate, sla_compliance, frt_breaches,"
         " offered, answered, missed, handled, opened, resolved, reopened, merged, deleted, left_queue, auto_closed,"
         " contradictions, skewed, offered_closed, backlog, waiting, breaching_soon, net_flow"),
        ("[[alerts]]\nname = 'x'\nkpi = 'service_level'\nbelow = 80",
         "p.toml: alerts[0].below: 80 is no share; write a number from 0 to 1, such as 0.80 for 80 %"),
        ("[[alerts]]\nname = 'x'\nkpi = 'missed_rate'\nabove = -0.1",
         "p.toml: alerts[0].above: -0.1 is no share; write a number from 0 to 1, such as 0.80 for 80 %"),
        ("[[alerts]]\nname = 'x'\nabove = nan", "p.toml: alerts[0].above: nan is no bound; write a finite number"),
    ],
)  # fmt: skip
def test_a_fault_names_file_key_and_remedy(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load(text, "p.toml")
    assert str(caught.value) == message


def test_rows_of_agents_have_the_windows_from_an_hour_up_and_those_that_rules_read() -> None:
    assert DEFAULT.windows_of(("agent",)) == (False, False, False, False, True, True, True)
    assert DEFAULT.windows_of(("queue", "agent")) == DEFAULT.windows_of(("agent",))
    assert DEFAULT.windows_of(("queue",)) == DEFAULT.windows_of(()) == (True,) * 7
    rule = "[[alerts]]\nname = 'x'\nby = ['agent']\nkpi = 'talk_time'\nabove = '10m'\nwindow = '15m'\n"
    assert load('windows = ["5m", "15m", "today"]\n' + rule).windows_of(("agent",)) == (False, True, True)
    assert load('windows = ["5m", "15m"]\nalerts = []').windows_of(("agent",)) == (True, True)
