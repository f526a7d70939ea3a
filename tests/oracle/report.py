"""From bookings and open intervals to rows: counting, in SQL."""

from collections.abc import Sequence
from typing import Any

from .figures import Cell
from .store import BOOKING_DIMENSIONS, INTERACTION_DIMENSIONS, Store

Row = dict[str, Any]
CLOCK = {"hour", "weekday"}
DISTRIBUTIONS = ("frt", "nrt", "asa", "talk", "first", "full", "first_business", "full_business", "requester", "hold", "wrap", "dialled")
COUNTS = """
    count(*) filter (kind = 'offered') as offered,
    count(*) filter (kind = 'answered') as answered,
    count(*) filter (kind = 'missed') as missed,
    coalesce(sum(a) filter (kind = 'missed'), 0) as abandoned,
    coalesce(sum(b) filter (kind = 'missed'), 0) as short,
    coalesce(sum(a) filter (kind = 'level'), 0) as within,
    coalesce(sum(b) filter (kind = 'level'), 0) as missed_within,
    coalesce(sum(n) filter (kind = 'level'), 0) as events,
    coalesce(sum(top) filter (kind = 'level'), 0) as top,
    coalesce(sum(base) filter (kind = 'level'), 0) as base,
    count(*) filter (kind = 'breach') as breaches,
    count(distinct item) filter (kind in ('leg', 'handled')) as handled,
    count(*) filter (kind = 'opened') as opened,
    count(*) filter (kind = 'resolved') as resolved,
    count(*) filter (kind = 'reopened') as reopened,
    count(*) filter (kind = 'sla') as due,
    coalesce(sum(v) filter (kind = 'sla'), 0) as met,
    count(*) filter (kind = 'after_hours') as after_hours,
    count(*) filter (kind = 'dialled') as dialled,
    coalesce(sum(a) filter (kind = 'dialled'), 0) as reached,
    count(distinct item) filter (kind = 'leg' and channel = $call) as calls,
    count(distinct item) filter (kind = 'hold') as held,
    count(distinct item) filter (kind = 'leg' and channel = $call and a = 1) as transferred,
    coalesce(sum(a) filter (kind = 'answered'), 0) as in_hours,
    coalesce(sum(a) filter (kind = 'resolved'), 0) as solves,
    coalesce(sum(a) filter (kind = 'reopened'), 0) as reopens,
    count(*) filter (kind = 'in') - count(*) filter (kind = 'out') as grown
"""
HOUR, DAY = 3_600_000, 86_400_000


def percentile(percent: int) -> str:
    """The range that holds every usual definition, of the sorted list `vs`, 1-based."""
    low = f"greatest(1, n * {percent} // 100)"
    high = f"least(n, (n * {percent} + 99) // 100 + 1)"
    return f"[vs[{low}], vs[{high}]] as p{percent}"


def rows(store: Store, windows: Sequence[tuple[int, int]], by: Sequence[Sequence[str]]) -> list[Row]:
    con = store.con
    con.execute("create or replace temp table span (row_start bigint, row_end bigint)")
    con.execute(
        "insert into span select unnest($starts), unnest($ends)", {"starts": [w[0] for w in windows], "ends": [w[1] for w in windows]}
    )
    own = ", ".join(f"d.{name}" for name in INTERACTION_DIMENSIONS)
    con.execute(
        f"""create or replace temp table hit as select b.*, {own}, w.row_start from booking b join dimension d using (item)
            asof join span w on b.t >= w.row_start where b.t < w.row_end"""
    )
    con.execute("create or replace temp table edge as select distinct unnest([row_start, row_end]) as instant from span")
    con.execute(
        f"""create or replace temp table state as select o.*, {own}, e.instant from open o join dimension d using (item)
            join edge e on o.lo < e.instant and o.hi >= e.instant"""
    )
    found: list[Row] = []
    for dimensions in by or [()]:
        found += _segmentation(store, windows, tuple(dimensions))
    return sorted(found, key=lambda row: (_order(row["segment"]), row["start"]))


def _order(segment: dict[str, str | None]) -> list[tuple[str, bool, str]]:
    return [(name, value is not None, value or "") for name, value in segment.items()]


def _segmentation(store: Store, windows: Sequence[tuple[int, int]], dimensions: tuple[str, ...]) -> list[Row]:
    con = store.con
    unknown = set(dimensions) - set(INTERACTION_DIMENSIONS) - set(BOOKING_DIMENSIONS)
    if unknown:
        raise ValueError(f"unknown dimensions: {sorted(unknown)}")
    keys = ", ".join(dimensions) + ", " if dimensions else ""
    width = len(dimensions)
    # An agent has no offered, no missed, and no miss in the service level (fine print 2).
    mine = "not (kind in ('offered', 'missed', 'after_hours') or kind = 'level' and b > 0)" if "agent" in dimensions else "true"
    gauges = not CLOCK & set(dimensions)
    cells: dict[tuple[tuple[int, ...], int], Cell] = {}
    for segment in _segments(store, keys, mine, gauges, width):
        for start, end in windows:
            cells[segment, start] = Cell(start, end, gauges)

    for record in con.execute(
        f"select {keys}row_start, {COUNTS} from hit where {mine} group by all", {"call": store.codes("call")}
    ).fetchall():
        cells[record[:width], record[width]].counts = record[width + 1 :]
    distributions = f"""
        with value as (
            select {keys}row_start, case kind when 'answered' then 'asa' else kind end as kind, v from hit
            where kind in ('frt', 'nrt', 'first', 'full', 'first_business', 'full_business', 'requester')
                or kind = 'dialled' and v >= 0
                or kind = 'answered' and channel = {store.codes("call")}
            union all
            select {keys}row_start, case kind when 'leg' then 'talk' else kind end, sum(v)::bigint from hit
                where kind in ('leg', 'hold', 'wrap')
                group by {keys}row_start, item, kind
        ), listed as (
            select {keys}row_start, kind, count(*) as n, sum(v)::bigint as total, max(v) as most, list(v order by v) as vs
            from value group by all
        )
        select {keys}row_start, kind, n, total, most, {percentile(50)}, {percentile(90)}, {percentile(95)} from listed"""
    for record in con.execute(distributions).fetchall():
        cells[record[:width], record[width]].distributions[record[width + 1]] = record[width + 2 :]
    if gauges:
        _gauges(store, keys, width, cells)
    names = [{n: store.codes.values[c] for n, c in zip(dimensions, segment, strict=True)} for segment, _ in cells]
    return [
        {"segment": name, "start": cell.start, "end": cell.end, "kpis": cell.kpis()}
        for name, cell in zip(names, cells.values(), strict=True)
    ]


def _segments(store: Store, keys: str, mine: str, gauges: bool, width: int) -> list[tuple[int, ...]]:
    """Every combination that ever got a booking or an open item before `at`; the whole centre is always there."""
    if not width:
        return [()]
    names = keys.removesuffix(", ")
    parts = [f"select distinct {names} from booking join dimension using (item)"]
    if gauges:
        parts.append(f"select distinct {names} from state where instant in (select row_end from span)")
    return store.con.execute(" union ".join(parts)).fetchall()


def _gauges(store: Store, keys: str, width: int, cells: dict[tuple[tuple[int, ...], int], Cell]) -> None:
    con, horizon = store.con, store.policy.breaching_soon
    start_of = {cell.end: cell.start for cell in cells.values()}
    waiting = f"""
        with one as (
            select {keys}instant, item, instant - since as wait, pending, instant - clock as asked,
                pending = 1 and deadline is not null and deadline < instant as past,
                pending = 1 and deadline is not null and deadline >= instant and deadline < instant + {horizon} as soon
            from state where kind in ('waiting', 'asking')
        ), counted as (
            select {keys}instant, count(*) filter (pending = 0) as visits, count(distinct item) filter (past) as past,
                max(wait) filter (pending = 0) as longest,
                count(distinct item) filter (soon) as soon
            from one group by all
        ), asking as (
            select {keys}instant, sum(asked)::bigint as asked from (
                select {keys}instant, item, max(asked) as asked from one where pending = 1 group by all
            ) group by all
        )
        select {keys}instant, visits, past, longest, soon, coalesce(asked, 0)
        from counted left join asking using ({keys}instant)"""
    for record in con.execute(waiting).fetchall():
        if record[width] in start_of:
            cells[record[:width], start_of[record[width]]].waiting = record[width + 1 :]
    backlog = f"""
        with aged as (select {keys}instant, instant - since as v from state where kind = 'backlog'),
        listed as (
            select {keys}instant, count(*) as n, sum(v)::bigint as total, max(v) as most, list(v order by v) as vs,
                count(*) filter (v <= {HOUR}) as h1, count(*) filter (v > {HOUR} and v <= {4 * HOUR}) as h4,
                count(*) filter (v > {4 * HOUR} and v <= {DAY}) as d1, count(*) filter (v > {DAY} and v <= {7 * DAY}) as d7,
                count(*) filter (v > {7 * DAY}) as older
            from aged group by all
        )
        select {keys}instant, n, total, most, {percentile(50)}, {percentile(90)}, {percentile(95)}, h1, h4, d1, d7, older from listed"""
    for record in con.execute(backlog).fetchall():
        segment, instant = record[:width], record[width]
        if instant in start_of:
            cells[segment, start_of[instant]].backlog = record[width + 1 :]
