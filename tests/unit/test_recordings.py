"""Recordings as they come: compressed, cut off, marked, mixed with what is no event."""

import gzip
import io
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from agents.bad_lines import BadLines
from agents.recording_files import Lines, RecordingError, read
from agents.recordings import Reader
from streams.policy import DEFAULT


def line(number: int, subject: str = "c1", time: str = "2026-03-02T09:00:00Z", kind: str = "call.queued") -> bytes:
    return b'{"specversion":"1.0","id":"%d","source":"s","type":"%s","time":"%s","subject":"%s","data":{"queue":"PS"}}' % (
        number, kind.encode(), time.encode(), subject.encode(),
    )  # fmt: skip


GOOD = b"".join(line(number, f"c{number % 3}") + b"\n" for number in range(100))


class Result:
    """What was read of files, and what was said and kept of their bad lines."""

    def __init__(self, *paths: Path, strict: bool = False) -> None:
        self.told: list[str] = []
        self.kept = io.BytesIO()
        self.bad = BadLines(self.told.append, self.kept, strict)
        recording = Reader(paths, DEFAULT.clock, self.bad).load()
        self.events = {subject: [event.id for event in events] for subject, events in recording.subjects.items()}
        again = Reader(paths, DEFAULT.clock, BadLines(lambda _: None)).records()
        self.records = [(record.file, record.line, record.raw, record.subject, record.event.id) for record in again]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_all_events_are_collected_by_subject(tmp_path: Path) -> None:
    result = Result(written(tmp_path / "a.jsonl", GOOD))
    assert result.events["c1"] == [str(number) for number in range(1, 100, 3)]
    assert sum(map(len, result.events.values())) == 100
    assert result.records[41] == (0, 42, line(41, "c2"), "c2", "41")
    assert (result.told, result.bad.summary()) == ([], None)


PACKED = {
    "gzip": gzip.compress(GOOD),
    "gzip in two members, padded with zeros": gzip.compress(GOOD[:5000]) + gzip.compress(GOOD[5000:]) + b"\0" * 512,
    "zstd": zstandard.compress(GOOD),
    "zstd in two frames, padded with zeros": zstandard.compress(GOOD[:5000]) + b"\0" * 5 + zstandard.compress(GOOD[5000:]) + b"\0" * 512,
    "zstd with a checksum, of a stream": zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compress(GOOD),
    "zstd after a frame to skip": b"\x50\x2a\x4d\x18\3\0\0\0abc" + zstandard.compress(GOOD),
    "zstd before a frame to skip": zstandard.compress(GOOD) + b"\x5f\x2a\x4d\x18\0\0\0\0",
    "with a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "with CRLF": GOOD.replace(b"\n", b"\r\n"),
    "with blank lines": GOOD.replace(b"\n", b"\n\n \t\r\n"),
    "without a last newline": GOOD[:-1],
}


@pytest.mark.parametrize("how", PACKED)
def test_the_same_events_are_the_same_however_they_are_stored_and_the_name_does_not_matter(tmp_path: Path, how: str) -> None:
    plain = Result(written(tmp_path / "a.jsonl", GOOD))
    result = Result(written(tmp_path / "b.any", PACKED[how]))
    assert (result.events, result.told) == (plain.events, [])


def test_several_files_are_one_recording(tmp_path: Path) -> None:
    result = Result(written(tmp_path / "a", GOOD[:5030]), written(tmp_path / "b", gzip.compress(line(7, "x"))))
    assert result.events["x"] == ["7"]
    assert result.records[-1] == (1, 1, line(7, "x"), "x", "7")


def test_stdin_is_a_file_called_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(GOOD + b"{\n"))
    monkeypatch.setattr("sys.stdin", stdin)
    told: list[str] = []
    recording = Reader([Path("-")], DEFAULT.clock, BadLines(told.append)).load()
    assert sum(map(len, recording.subjects.values())) == 100
    assert told == ["stdin, line 101, field $: malformed: not valid JSON: Input data was truncated; mend the line or remove it"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b'{"id": oops}', "field $: malformed: not valid JSON: JSON is malformed: invalid character (byte 7); mend the line or remove it"),
        (b"[1, 2]", "field $: wrong_kind: Expected `object`, got `array`; give the value its right kind"),
        (line(1).replace(b'"PS"', b"7"), "field $.data.queue: wrong_kind: Expected `str | null`, got `int`; give the value its right kind"),
        (line(1).replace(b'"c1"', b'""'), "field $.subject: wrong_kind: Expected `str` of length >= 1; give the value its right kind"),
        (line(1).replace(b'"id":"1",', b""), "field $.id: missing_field: required field is missing; add the field"),
        (line(1, kind="chat.message"), "field $.data.author: missing_field: required field is missing; add the field"),
        (
            line(1, kind="call.teleported"),
            "field $.type: unknown_type: unknown event type 'call.teleported'; see the event contract for the list; "
            "mend the type or remove the line",
        ),
        (
            line(1, time="yesterday"),
            "field $.time: wrong_kind: not an instant with offset, such as 2026-11-03T09:40:00Z; give the value its right kind",
        ),
        (line(1, time="2026-03-02T09:00:00"), "field $.time: wrong_kind: Expected `datetime` with a timezone component; give the value"),
        (line(1, time="1970-01-01T00:00:00Z"), "field $.time: time_out_of_range: 1970-01-01T00:00:00+00:00 is not from 1989-12-31T23"),
        (line(1, time="2100-06-01T00:00:00Z"), "field $.time: time_out_of_range: 2100-06-01T00:00:00+00:00 is not from 1989-12-31T23"),
        (
            line(1, time="0001-01-01T00:00:00+14:00"),
            "field $.time: time_out_of_range: -62135647200000 ms from 1970 is not from 1989-12-31T23",
        ),
        (
            line(1).replace(b'"PS"', b'"PS","due_first_response":"9999-12-31T23:59:59-10:00"'),
            "field $.data.due_first_response: time_out_of_range: not within the years 1 to 9999 in UTC; ",
        ),
        (
            line(1).replace(b'"PS"', b'"PS","deep":' + b"[" * 2000 + b"]" * 2000),
            "field $: malformed: not valid JSON: maximum recursion depth exceeded",
        ),
        (
            line(1, kind="call.teleported").replace(b'"PS"', b'"PS","deep":' + b"[" * 2000 + b"]" * 2000),
            "field $.type: wrong_kind: Invalid value 'call.teleported'; give the value its right kind",
        ),
        (line(1).replace(b"PS", b"P\xff"), "field $: malformed: not valid JSON: 'utf-8' codec can't decode byte 0xff"),
        (b"\0" * 40, "field $: malformed: not valid JSON: JSON is malformed: invalid character (byte 0); mend the line or remove it"),
        (line(1).replace(b"PS", b"P\0"), "field $: malformed: not valid JSON: JSON is malformed: invalid character"),
        (line(1, "x" * (1 << 20)), "field $: too_large: 1,048,705 bytes; at most 1,048,576 are read; make the event smaller or remove it"),
        (line(1, "x" * 10_000_000), "field $: too_large: the line is longer than 1,048,576 bytes; make the event smaller or remove it"),
    ],
)
def test_a_bad_line_is_named_kept_untouched_and_stops_nothing(tmp_path: Path, bad: bytes, message: str) -> None:
    path = written(tmp_path / "a.jsonl", GOOD + bad + b"\n" + GOOD)
    result = Result(path)
    assert result.told[0].startswith(f"{path}, line 101, {message}")
    assert len(result.told) == 1
    assert sum(map(len, result.events.values())) == len(result.records) == 200
    assert result.kept.getvalue() == bad + b"\n"
    with pytest.raises(RecordingError) as caught:
        Result(path, strict=True)
    assert str(caught.value) == result.told[0]


def test_unknown_fields_are_no_fault(tmp_path: Path) -> None:
    odd = line(1).replace(b'"data":{', b'"weather":"fine","data":{"mood":{"of":["the","day"]},')
    assert Result(written(tmp_path / "a", odd)).events == {"c1": ["1"]}


def test_a_line_beyond_all_bounds_needs_no_memory_of_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.write(GOOD)
        for _ in range(64):
            file.write(b"x" * (1 << 20))
        file.write(b"\n" + GOOD)
    tracemalloc.start()
    told: list[str] = []
    with (tmp_path / "kept").open("wb") as kept:
        recording = Reader([path], DEFAULT.clock, BadLines(told.append, kept)).load()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 << 20
    assert (tmp_path / "kept").read_bytes() == b"x" * (64 << 20) + b"\n"
    assert sum(map(len, recording.subjects.values())) == 200
    assert told == [f"{path}, line 101, field $: too_large: the line is longer than 1,048,576 bytes; make the event smaller or remove it"]


@pytest.mark.parametrize("pack", [lambda: zlib.compressobj(wbits=31), lambda: zstandard.ZstdCompressor().compressobj()])
def test_a_small_file_with_an_endless_line_needs_no_memory_of_its_size(tmp_path: Path, pack: Callable[[], Any]) -> None:
    packer, path = pack(), tmp_path / "a"
    with path.open("wb") as file:
        for _ in range(64):
            file.write(packer.compress(b"x" * (1 << 20)))
        file.write(packer.compress(b"\n" + GOOD) + packer.flush())
    assert path.stat().st_size < 1 << 17
    tracemalloc.start()
    told: list[str] = []
    recording = Reader([path], DEFAULT.clock, BadLines(told.append)).load()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 << 20
    assert sum(map(len, recording.subjects.values())) == 100
    assert told == [f"{path}, line 1, field $: too_large: the line is longer than 1,048,576 bytes; make the event smaller or remove it"]


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (zstandard.compress, "Zstandard")])
def test_a_file_cut_off_gives_what_there_is_and_says_that_more_is_missing(tmp_path: Path, pack: object, name: str) -> None:
    path = written(tmp_path / "a", pack(GOOD) + pack(GOOD)[:-20])  # type: ignore[operator]
    result = Result(path)
    assert len(result.records) >= 100
    assert [record[4] for record in result.records[:100]] == [str(number) for number in range(100)]
    assert len(result.told) == result.bad.count == 1
    assert result.told[0] == (
        f"{path}, line {len(result.records) + 1}, field $: malformed: the {name} data end too early, "
        "and what should follow is missing; fetch the file again"
    )
    with pytest.raises(RecordingError):
        Result(path, strict=True)


def test_a_gzip_file_cut_off_in_its_first_member_gives_the_lines_before_the_cut(tmp_path: Path) -> None:
    noise = "".join(f"{pow(7, number, 10**9 + 7):x}" for number in range(1, 4000))  # packs badly, so that a part of it is missing
    whole = b"".join(line(number, f"c{number}-{noise[number * 200 : number * 200 + 200]}") + b"\n" for number in range(100))
    packed = gzip.compress(whole)
    path = written(tmp_path / "a", packed[: len(packed) // 2])
    result = Result(path)
    count = len(result.records)
    assert 30 < count < 70
    assert [record[4] for record in result.records] == [str(number) for number in range(count)]
    assert result.told == [
        f"{path}, line {count + 1}, field $: malformed: the gzip data end too early, and what should follow is missing; "
        "fetch the file again"
    ]


def test_a_wrong_checksum_is_told_after_all_that_came_out(tmp_path: Path) -> None:
    gz = gzip.compress(GOOD)
    checked = zstandard.ZstdCompressor(write_checksum=True).compress(GOOD)
    for packed, why in (
        (gz[:-8] + b"\0" + gz[-7:], "the gzip data are damaged (Error -3 while decompressing data: incorrect data check)"),
        (checked[:-1] + b"\0", "the Zstandard data are damaged (zstd decompressor error: Restored data doesn't match checksum)"),
    ):
        path = written(tmp_path / "a", packed)
        result = Result(path)
        assert [record[4] for record in result.records] == [str(number) for number in range(100)]
        assert result.told == [f"{path}, line 101, field $: malformed: {why}, and what should follow is missing; fetch the file again"]


def test_damage_within_compressed_data_leaves_what_was_before_it(tmp_path: Path) -> None:
    members = gzip.compress(GOOD) + b"neither zeros nor a member"
    frames = zstandard.compress(GOOD) + b"neither zeros nor a frame"
    block = zstandard.compress(GOOD)
    for packed in (members, frames, zstandard.compress(GOOD) + block[:20] + b"\xff" * 20 + block[40:]):
        result = Result(written(tmp_path / "a", packed))
        assert len(result.records) == 100
        assert len(result.told) == 1
        assert ", line 101, field $: malformed: the " in result.told[0]
        assert " data are damaged (" in result.told[0]


def test_damaged_compressed_data_are_a_fault_where_they_begin(tmp_path: Path) -> None:
    path = written(tmp_path / "a", gzip.compress(GOOD) + gzip.compress(GOOD)[:-8] + b"\xff" * 8)
    result = Result(path)
    assert result.told == [
        f"{path}, line 201, field $: malformed: the gzip data are damaged (Error -3 while decompressing data: incorrect data check), "
        "and what should follow is missing; fetch the file again"
    ]


def test_an_empty_file_is_a_recording_without_events(tmp_path: Path) -> None:
    for data in (b"", gzip.compress(b""), zstandard.compress(b""), b"\n\n", b"\xef\xbb\xbf"):
        result = Result(written(tmp_path / "a", data))
        assert (result.events, result.told) == ({}, [])


def test_what_cannot_be_read_at_all_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    good = written(tmp_path / "a", GOOD)
    with pytest.raises(RecordingError) as caught:
        Result(good, tmp_path / "none")
    assert str(caught.value) == (
        f"argument FILE: {tmp_path / 'none'}: cannot be read (No such file or directory); check the path and its permissions"
    )
    with pytest.raises(RecordingError) as caught:
        Result(good, tmp_path)
    assert str(caught.value) == f"argument FILE: {tmp_path}: cannot be read (Is a directory); name the files in it"
    with pytest.raises(RecordingError) as caught:
        Result(Path("-"), Path("-"))
    assert str(caught.value) == "argument FILE: stdin (-) is given twice, but can be read once; remove one"


def test_only_the_first_bad_lines_are_listed_and_the_rest_is_summed_up(tmp_path: Path) -> None:
    result = Result(written(tmp_path / "a", b"{\n" * 50 + line(1, kind="call.teleported")))
    assert len(result.told) == 20
    assert result.told[19].startswith(f"{tmp_path / 'a'}, line 20, ")
    assert result.bad.summary() == "51 bad lines left out: 50 malformed, 1 unknown_type; the first 20 are listed above"


@pytest.mark.parametrize("packed", [GOOD[:3000], gzip.compress(GOOD[:3000])], ids=["plain", "gzip"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 109, 110, 111, 3000, 4096])
def test_lines_come_out_whole_wherever_the_blocks_end(tmp_path: Path, packed: bytes, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.unpacking._PLAIN_BYTES", size)
    path = written(tmp_path / "a", packed)
    found = [(item.first, item.lines) for item in read(path) if isinstance(item, Lines)]
    assert b"\n".join(text for _, lines in found for text in lines) == GOOD[:3000].rstrip(b"\n")
    numbers = [first + index for first, lines in found for index in range(len(lines))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_progress_is_told_in_bytes_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a", gzip.compress(GOOD))
    steps: list[int] = []
    list(read(path, steps.append))
    assert sum(steps) == path.stat().st_size
