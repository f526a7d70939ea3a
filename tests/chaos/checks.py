"""What must be true at the end of a run: nothing lost, nothing invented, every figure the report's."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from redis import Redis

from agents.topics import KPIS
from agents.wire import keys, read_rows, read_state
from streams.figures import figures
from streams.kpis.kpi import Row
from streams.open_items import OpenSummary
from streams.tally import Tally
from tests.chaos.given import Given, Rows
from tests.integration.centre import Centre
from tests.integration.redis_server import RedisServer


def final_rows(centre: Centre, since: int) -> Rows:
    """The rows of the final state that workers from a number on published; none if there is no such state."""
    return _by_place(centre.final_rows(since).values())


def rows_in_redis(server: RedisServer, prefix: str) -> Rows:
    """The board in Redis, if it is that of a final state."""
    names = keys(prefix)
    with Redis.from_url(server.url) as client:
        state, stored = client.get(names.state), client.hgetall(names.rows)
    if state is None or not read_state(state).final:
        return {}
    return _by_place(row for row in read_rows(stored)[0].values() if row is not None)


def rows_on_kpis(centre: Centre) -> Rows:
    """The last state of each segment on the topic `kpis`."""
    last = {key: value for _, key, value, _ in centre.read(KPIS)}
    return _by_place(row for value in last.values() if value is not None for row in msgspec.json.decode(value)["rows"])


def _by_place(rows: Iterable[dict[str, Any]]) -> Rows:
    return {(row["window"], json.dumps(row["segment"])): row["kpis"] for row in rows}


def different_rows(found: Rows, expected: Rows, at: int) -> list[str]:
    """Rows that are not the report's. A segment in which nothing is any more need not be there."""
    nothing = figures(Row(Tally(), OpenSummary(), at - 1, at))
    wrong = []
    for place, kpis in expected.items():
        other = found.get(place)
        if other != kpis and not (other is None and _empty(kpis, nothing)):
            names = [name for name in kpis if other is None or other.get(name) != kpis[name]]
            wrong.append(f"{place}: {', '.join(names[:5])}: {[other and other.get(name) for name in names[:2]]}, report {kpis[names[0]]}")
    wrong += [f"{place}: not in the report" for place in found.keys() - expected.keys() if not _empty(found[place], nothing)]
    return wrong


def _empty(kpis: dict[str, Any], nothing: dict[str, Any]) -> bool:
    return all(figure == nothing[name] for name, figure in kpis.items() if name != "net_flow")


def different_sets(centre: Centre, given: Given) -> dict[str, int]:
    """Events lost and invented, by the changelog alone; dead letters that are missing or should not be."""
    held = centre.ledger()
    letters = {value for value, _ in centre.dead_letters()}
    return {
        "events lost": sum(len(events - held.get(subject, set())) for subject, events in given.truth.items()),
        "events invented": sum(len(events - given.truth.get(subject, set())) for subject, events in held.items()),
        "dead letters missing": len(given.poison - letters),
        "dead letters too many": len({letter or b"" for letter in letters} - given.poison),
    }
