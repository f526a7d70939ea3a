"""Copying topics: where a copy goes on, and what new topics must keep."""

import json
from pathlib import Path

import pytest

from agents.copying import CopyState, alike
from agents.replay import ReplayStateError

WHAT = {"cluster": "c", "into": "v2.", "brokers": "b:1", "prefix": ""}


def test_a_copy_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    path = tmp_path / "copied.json"
    assert CopyState(path, **WHAT).load() == {}
    CopyState(path, **WHAT).save({("calls", 0): 7, ("control", 11): 1})
    assert CopyState(path, **WHAT).load() == {("calls", 0): 7, ("control", 11): 1}
    assert [each.name for each in tmp_path.iterdir()] == ["copied.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is no state of a copy; name another file"),
        ("{}", "is no state of a copy; name another file"),
        (json.dumps({"format": "firstline.copy/2", **WHAT, "copied": {}}), "another format: 'firstline.copy/2', not 'firstline.copy/1'"),
        (
            json.dumps({"format": "firstline.copy/1", **WHAT, "into": "v3.", "copied": {}}),
            "another into: 'v3.', not 'v2.'; remove",
        ),
    ],
)
def test_a_state_of_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "copied.json"
    path.write_text(text)
    with pytest.raises(ReplayStateError, match="--resume: ") as caught:
        CopyState(path, **WHAT).load()
    assert message in str(caught.value)


def test_without_a_file_nothing_is_kept() -> None:
    state = CopyState(None, **WHAT)
    state.save({("calls", 0): 7})
    assert state.load() == {}


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("604800000", "604800000", None),
        ("3600000", "604800000", None),
        ("2592000000", "604800000", "2592000000"),
        ("-1", "604800000", "-1"),
        ("604800000", "-1", None),
    ],
)
def test_new_topics_keep_what_the_old_ones_keep(old: str, new: str, changed: str | None) -> None:
    others = {"retention.bytes": "-1", "max.message.bytes": "1048588"}
    found = dict(alike({"retention.ms": old, **others}, {"retention.ms": new, **others}))
    assert found == ({} if changed is None else {"retention.ms": changed})
