"""The event a connector yields: a CloudEvent of the event contract, as a plain dictionary that msgspec encodes."""

from typing import TypedDict


class Event(TypedDict):
    """One event. `time` is RFC 3339 with offset, `subject` the interaction; `data` holds known values only, never null."""

    specversion: str
    id: str
    source: str
    type: str
    time: str
    subject: str
    data: dict[str, str | bool]


def event(source: str, subject: str, number: str, kind: str, time: str, /, **data: str | bool | None) -> Event:
    """An event with the id `subject/number`, so that events of one subject and time sort by `number`. None values are left out."""
    return {
        "specversion": "1.0",
        "id": f"{subject}/{number}",
        "source": source,
        "type": kind,
        "time": time,
        "subject": subject,
        "data": {name: value for name, value in data.items() if value is not None},
    }
