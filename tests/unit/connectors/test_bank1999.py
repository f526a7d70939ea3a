"""The bank's call records: one hand-made row a rule."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.connectors import convert
from streams.errors import SourceError

HEADER = (
    "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\t"
    "q_start\tq_exit\tq_time\toutcome\tser_start\tser_exit\tser_time\tserver"
)


def events(tmp_path: Path, *rows: str) -> list[dict[str, Any]]:
    file = tmp_path / "calls.tsv"
    file.write_bytes("".join(line + "\r\n" for line in (HEADER, *rows)).encode())
    return [json.loads(line) for line in convert("bank1999", [file])]


def brief(found: list[dict[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(each["type"], each["time"], each["data"]) for each in found]


def test_a_queued_and_answered_call_uses_the_clock_of_the_queue_for_its_answer(tmp_path: Path) -> None:
    # Service "starts" at 6:55:42, a second before the queue lets the call go.
    row = "AA0101\t33118\t1363517803\t2\tPS\t990101\t6:55:20\t6:55:26\t6\t6:55:26\t6:55:43\t17\tAGENT\t6:55:42\t6:56:37\t55\tS01"
    assert brief(events(tmp_path, row)) == [
        ("call.started", "1999-01-01T06:55:20+02:00", {"direction": "inbound", "priority": "2", "customer": "1363517803"}),
        ("call.queued", "1999-01-01T06:55:26+02:00", {"queue": "PS", "priority": "2", "customer": "1363517803"}),
        ("call.answered", "1999-01-01T06:55:43+02:00", {"agent": "S01"}),
        ("call.ended", "1999-01-01T06:56:37+02:00", {"agent": "S01"}),
    ]


def test_a_call_that_goes_straight_to_an_agent_is_queued_and_answered_when_it_leaves_the_menu(tmp_path: Path) -> None:
    row = "AA0101\t33119\t0\t0\tNE\t990101\t7:41:16\t7:41:26\t10\t0:00:00\t0:00:00\t0\tAGENT\t7:41:25\t7:44:53\t208\tNO_SERVER"
    assert brief(events(tmp_path, row)) == [
        ("call.started", "1999-01-01T07:41:16+02:00", {"direction": "inbound", "priority": "0"}),
        ("call.queued", "1999-01-01T07:41:26+02:00", {"queue": "NE", "priority": "0"}),
        ("call.answered", "1999-01-01T07:41:26+02:00", {}),
        ("call.ended", "1999-01-01T07:44:53+02:00", {}),
    ]


def test_a_caller_who_hangs_up_in_the_queue_is_missed(tmp_path: Path) -> None:
    row = "AA0101\t33116\t420914288\t2\tPS\t990101\t0:00:31\t0:00:36\t5\t0:00:36\t0:03:09\t153\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER"
    assert brief(events(tmp_path, row))[1:] == [
        ("call.queued", "1999-01-01T00:00:36+02:00", {"queue": "PS", "priority": "2", "customer": "420914288"}),
        ("call.missed", "1999-01-01T00:03:09+02:00", {"outcome": "abandoned"}),
        ("call.ended", "1999-01-01T00:03:09+02:00", {"by": "customer"}),
    ]


def test_a_caller_who_hangs_up_in_the_menu_never_reaches_a_queue(tmp_path: Path) -> None:
    row = "AA0101\t33117\t0\t0\tPS\t990101\t0:34:12\t0:34:23\t11\t0:00:00\t0:00:00\t0\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER"
    assert brief(events(tmp_path, row)) == [
        ("call.started", "1999-01-01T00:34:12+02:00", {"direction": "inbound", "priority": "0"}),
        ("call.ended", "1999-01-01T00:34:23+02:00", {"by": "customer"}),
    ]


def test_phantom_rows_are_no_calls(tmp_path: Path) -> None:
    row = "AA0101\t33117\t0\t0\tPS\t990101\t0:34:12\t0:34:23\t11\t0:34:23\t0:34:30\t7\tPHANTOM\t0:34:30\t0:34:40\t10\tNO_SERVER"
    assert events(tmp_path, row) == []


def test_an_answer_without_service_times_ends_at_once(tmp_path: Path) -> None:
    row = "AA0101\t1\t0\t0\tPS\t990105\t9:00:00\t9:00:10\t10\t9:00:10\t9:00:40\t30\tAGENT\t0:00:00\t0:00:00\t0\tS02"
    assert [each["time"] for each in events(tmp_path, row)][2:] == ["1999-01-05T09:00:40+02:00", "1999-01-05T09:00:40+02:00"]


def test_a_service_across_midnight_ends_on_the_next_day(tmp_path: Path) -> None:
    row = "AA0213\t12511\t2804502549\t1\tPS\t990131\t23:59:23\t23:59:23\t0\t23:59:28\t0:00:03\t35\tAGENT\t0:00:03\t0:00:55\t52\tS19"
    assert [each["time"] for each in events(tmp_path, row)] == [
        "1999-01-31T23:59:23+02:00",
        "1999-01-31T23:59:28+02:00",
        "1999-02-01T00:00:03+02:00",
        "1999-02-01T00:00:55+02:00",
    ]


def test_a_wait_across_midnight_is_given_up_on_the_next_day(tmp_path: Path) -> None:
    row = "AA0105\t35608\t0\t0\tNW\t990210\t23:59:19\t23:59:19\t0\t23:59:29\t0:00:26\t57\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER"
    assert [each["time"] for each in events(tmp_path, row)][1:] == [
        "1999-02-10T23:59:29+02:00",
        "1999-02-11T00:00:26+02:00",
        "1999-02-11T00:00:26+02:00",
    ]


def test_a_queue_entered_at_midnight_sharp_counts_from_the_menu(tmp_path: Path) -> None:
    # 0:00:00 also means "did not happen", so the menu's exit is the queue entry; the wait is still the one recorded.
    row = "AA0102\t31056\t3839987187\t2\tPS\t990215\t23:59:54\t23:59:54\t0\t0:00:00\t0:00:27\t27\tAGENT\t0:00:26\t0:01:33\t67\tS09"
    assert [each["time"] for each in events(tmp_path, row)][1:] == [
        "1999-02-15T23:59:54+02:00",
        "1999-02-16T00:00:21+02:00",
        "1999-02-16T00:01:33+02:00",
    ]


def test_the_date_of_a_row_is_that_of_the_queue_entry(tmp_path: Path) -> None:
    # From the menu before midnight to the queue after it: the published daily figures count the call on the row's date.
    row = "AA0115\t14375\t0\t1\tPS\t990210\t23:59:56\t23:59:56\t0\t0:00:02\t0:00:29\t27\tAGENT\t0:00:29\t0:00:58\t29\tS23"
    assert [each["time"] for each in events(tmp_path, row)] == [
        "1999-02-10T23:59:56+02:00",
        "1999-02-10T00:00:02+02:00",
        "1999-02-10T00:00:29+02:00",
        "1999-02-10T00:00:58+02:00",
    ]


def test_a_menu_clock_that_runs_ahead_does_not_move_the_call_to_the_next_day(tmp_path: Path) -> None:
    row = "AA0101\t34400\t0\t2\tPS\t990128\t15:46:49\t15:45:56\t-53\t15:45:56\t15:46:59\t63\tAGENT\t15:46:57\t15:53:31\t394\tS21"
    assert [each["time"] for each in events(tmp_path, row)] == [
        "1999-01-28T15:46:49+02:00",
        "1999-01-28T15:45:56+02:00",
        "1999-01-28T15:46:59+02:00",
        "1999-01-28T15:53:31+02:00",
    ]


def test_a_call_back_has_no_direction(tmp_path: Path) -> None:
    row = "AA0101\t2\t0\t0\tTT\t990105\t9:00:00\t9:00:10\t10\t0:00:00\t0:00:00\t0\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER"
    assert events(tmp_path, row)[0]["data"] == {"priority": "0"}


def test_the_envelope_names_month_line_and_call(tmp_path: Path) -> None:
    row = "AA0101\t33117\t0\t0\tPS\t990101\t0:34:12\t0:34:23\t11\t0:00:00\t0:00:00\t0\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER"
    assert events(tmp_path, row)[0] == {
        "specversion": "1.0",
        "id": "bank-199901-AA0101-33117/1-started",
        "source": "bank1999",
        "type": "call.started",
        "time": "1999-01-01T00:34:12+02:00",
        "subject": "bank-199901-AA0101-33117",
        "data": {"direction": "inbound", "priority": "0"},
    }


def test_the_same_call_number_in_another_month_is_another_call(tmp_path: Path) -> None:
    found = events(
        tmp_path,
        "AA0101\t7\t0\t0\tPS\t990101\t0:34:12\t0:34:23\t11\t0:00:00\t0:00:00\t0\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER",
        "AA0101\t7\t0\t0\tPS\t990201\t0:34:12\t0:34:23\t11\t0:00:00\t0:00:00\t0\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER",
    )
    assert sorted({each["subject"] for each in found}) == ["bank-199901-AA0101-7", "bank-199902-AA0101-7"]


GOOD = "AA0101\t1\t0\t0\tPS\t990105\t9:00:00\t9:00:10\t10\t9:00:10\t9:00:40\t30\tAGENT\t9:00:40\t9:01:40\t60\tS02"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "\t990105\t",
            "\t991305\t",
            "line 3, field date: '991305' cannot be read: a date written yymmdd is expected; mend the row or remove it",
        ),
        ("\t9:00:00\t", "\t9:61:00\t", "line 3, field vru_entry: '9:61:00' cannot be read: a time of day written h:mm:ss is expected"),
        ("\t9:01:40\t", "\t9:01\t", "line 3, field ser_exit: '9:01' cannot be read: a time of day written h:mm:ss is expected"),
        ("\t30\t", "\t-30\t", "line 3, field q_time: '-30' cannot be read: a whole number is expected"),
        ("\tAGENT\t", "\tAGNT\t", "line 3, field outcome: 'AGNT' cannot be read: one of AGENT, HANG, PHANTOM is expected"),
        ("AA0101\t1\t", "\t1\t", "line 3, field vru+line: '' cannot be read: a value is expected"),
        ("\t60\tS02", "\t60", "line 3, field server: 16 values where the header has 17 columns; mend the row or remove it"),
    ],
)
def test_a_bad_row_is_an_error_with_line_field_and_remedy(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        events(tmp_path, GOOD, GOOD.replace(old, new))
    assert str(caught.value).startswith(f"{tmp_path / 'calls.tsv'}, {message}")
