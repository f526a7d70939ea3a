"""Query parameters of the API: which segment, which window. Every refusal names the parameter and what would be right."""

import re
from collections.abc import Iterable

from multidict import MultiMapping

from agents.board import Board
from agents.web import Refused
from streams.snapshot import CENTRE, Dims, SegmentKey

DEFAULT_WINDOW = "1h"


_ONCE = frozenset({"window"})


def known_only(query: MultiMapping[str], *known: str) -> None:
    """400 for a parameter that is none of the known ones, and for one given twice that has one value: it would be ignored in silence."""
    for key in query:
        if key not in known:
            raise Refused(400, f"{key}: unknown parameter; {'known: ' + ', '.join(known) if known else 'remove it, there are none here'}")
        if key in _ONCE and len(query.getall(key)) > 1:
            raise Refused(400, f"{key}: given {len(query.getall(key))} times; give it once")


def window_of(query: MultiMapping[str], board: Board) -> str:
    """The parameter `window`; 400 when the policy has no such window."""
    window = query.get("window", DEFAULT_WINDOW)
    known = board.status().windows
    if known and window not in known:
        if "window" not in query:  # a policy without the default: its first window
            return known[0]
        raise Refused(400, f"window: {window!r} is not in the policy; use one of {', '.join(known)}")
    return window


def segment_of(query: MultiMapping[str], board: Board) -> SegmentKey:
    """The parameters `segment` (`queue:PS`, several or joined with commas; `queue:` is the missing value) as one segment.

    400 when malformed or no such segmentation exists. The segment itself need not exist."""
    texts = [text for text in query.getall("segment", []) if text]
    if not texts:
        return CENTRE
    segmentations = board.segmentations()
    known = {dim for by in segmentations for dim in by}
    pairs: dict[str, str | None] = {}
    for part in _parts(texts, known):
        dim, colon, value = part.partition(":")
        if not colon:
            raise Refused(400, f"segment: {part!r} is not dimension:value; write for example segment=queue:PS")
        if known and dim not in known:
            raise Refused(400, f"segment: no segmentation has the dimension {dim!r}; use one of {', '.join(sorted(known))}")
        if dim in pairs:
            raise Refused(400, f"segment: {dim!r} is given twice; a segment has one value a dimension")
        pairs[dim] = value or None
    by = segmentation_of(pairs, segmentations)
    return by, tuple(pairs[dim] for dim in by)


def segmentations_of(query: MultiMapping[str], board: Board) -> tuple[Dims, ...]:
    """The parameters `by` (`by=queue`, `by=queue,priority`): segmentations of which every row is wanted."""
    known = board.segmentations()
    return tuple(dict.fromkeys(segmentation_of(text.split(","), known, "by") for text in query.getall("by", []) if text))


def segmentation_of(dims: Iterable[str], known: set[Dims], field: str = "segment") -> Dims:
    """The policy's segmentation of these dimensions, whatever their order. Nothing is refused before the first snapshot."""
    wanted = tuple(dims)
    if not known:
        return wanted
    for by in known:
        if len(by) == len(wanted) and set(by) == set(wanted):
            return by
    names = "; ".join(sorted(",".join(by) for by in known if by)) or "none"
    raise Refused(400, f"{field}: the policy has no segmentation {','.join(wanted)!r}; it has {names}")


def _parts(texts: list[str], known: set[str]) -> list[str]:
    """Split at the commas that begin a dimension, so that a value may contain a comma or a colon."""
    names = "|".join(re.escape(name) for name in sorted(known)) or r"[a-z_]+"
    return [part for text in texts for part in re.split(rf",(?=(?:{names}):)", text)]
