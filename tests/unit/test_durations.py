import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import durations
from streams.durations import DurationError


@pytest.mark.parametrize(
    ("text", "ms"),
    [("500ms", 500), ("20s", 20_000), ("10m", 600_000), ("4h", 14_400_000), ("2d", 172_800_000), ("1w", 604_800_000), ("1h30m", 5_400_000),
     ("1m500ms", 60_500), ("90s", 90_000)],
)  # fmt: skip
def test_a_duration_is_whole_milliseconds(text: str, ms: int) -> None:
    assert durations.parse(text) == ms


@pytest.mark.parametrize("text", ["", "20", "s", "20 s", "1.5h", "30m1h", "1h1h", "20S", "٣s", "1M", "none"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(DurationError, match=r'is no duration; write a whole number and a unit .* such as "20s"'):
        durations.parse(text)


def test_zero_is_refused_unless_it_is_allowed() -> None:
    with pytest.raises(DurationError, match='"0s" is zero; it must be longer than 0s'):
        durations.parse("0s")
    assert durations.parse("0s", zero=True) == 0


def test_a_negative_duration_is_always_refused() -> None:
    with pytest.raises(DurationError, match='"-20s" is negative; a duration is longer than 0s'):
        durations.parse("-20s")
    with pytest.raises(DurationError, match='"-20s" is negative; a duration is 0s or longer'):
        durations.parse("-20s", zero=True)


def test_more_than_a_century_is_refused() -> None:
    with pytest.raises(DurationError, match="longer than 100 years"):
        durations.parse("99999w")


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0s"), (500, "500ms"), (60_000, "1m"), (5_400_000, "1h30m"), (86_400_000, "1d"), (604_800_000, "1w"), (61_001, "1m1s1ms")],
)
def test_the_shortest_text_is_written(ms: int, text: str) -> None:
    assert durations.format(ms) == text


@given(st.integers(1, durations.LONGEST))
def test_what_is_written_reads_back(ms: int) -> None:
    assert durations.parse(durations.format(ms)) == ms
