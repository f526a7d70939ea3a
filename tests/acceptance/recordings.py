"""Where the recorded centres are: beside the project, never in it."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.connectors import convert

DATA = Path(os.environ.get("FIRSTLINE_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
SOURCES: dict[str, Sequence[str]] = {
    "bank1999": ("calls_bank_1999/january_1999.tsv.gz", "calls_bank_1999/february_1999.tsv.gz"),
    "servicenow": ("tickets_servicenow_2016/incident_event_log_part1.csv.gz",),
    "ubuntu-irc": ("chats_ubuntu_irc/ubuntu_irc.csv.gz",),
}


def recording(source: str, folder: Path) -> Path:
    """The recording of a source as JSON lines in a folder; skips where the data is not there."""
    files = [DATA / name for name in SOURCES[source]]
    missing = [file.name for file in files if not file.exists()]
    if missing:
        pytest.skip(f"recorded data not found: {', '.join(missing)}; set FIRSTLINE_DATA to its folder")
    path = folder / f"{source}.jsonl"
    if not path.exists():
        path.write_bytes(b"".join(convert(source, files)))
    return path
