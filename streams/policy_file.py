"""Reading TOML strictly: every message names the file, the key, what is wrong and the remedy."""

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from typing import Any, NoReturn, TypeVar

import msgspec

from streams import durations
from streams.dimensions import CHANNELS, DIMENSIONS, canonical
from streams.errors import PolicyError

T = TypeVar("T")

_AT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>.*)`$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<key>.*)`$", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WORDS = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`str`": "a text in quotes",
    "`array`": "a list",
    "`object`": "a table",
    "`date`": "a date",
    "`datetime`": "a date and time",
    "`float | str`": "a number or a text in quotes",
    "`null`": "nothing",
}


class Where(msgspec.Struct, frozen=True):
    """A place in a file: `targets[1].service_level.within` of `policy.toml`."""

    file: str
    path: str = ""

    def key(self, name: str) -> "Where":
        """The place of a key of this table."""
        shown = name if _BARE.fullmatch(name) else f'"{name}"'
        return Where(self.file, f"{self.path}.{shown}" if self.path else shown)

    def item(self, index: int) -> "Where":
        """The place of an element of this list, counted from 0."""
        return Where(self.file, f"{self.path}[{index}]")

    def told(self, what: str) -> str:
        """What is to be said of this place, with its name before it."""
        return f"{self.file}: {self.path}: {what}" if self.path else f"{self.file}: {what}"

    def fail(self, what: str) -> NoReturn:
        """Refuse the file. `what` says what is wrong and what to write instead."""
        raise PolicyError(self.told(what))

    def one_of(self, value: str, known: Collection[str], what: str) -> str:
        """The value, if it is a known one. `what` names the kind of thing for the message: "dimension"."""
        if value not in known:
            self.fail(f'unknown {what} "{value}"; {suggestion(value, known)}')
        return value

    def duration(self, text: str, zero: bool = False) -> int:
        """Milliseconds of a duration at this place; 0 only if `zero`."""
        try:
            return durations.parse(text, zero)
        except durations.DurationError as exc:
            self.fail(str(exc))

    def dimensions(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names of dimensions in canonical order; an unknown or repeated one is an error."""
        names = list(names)
        for index, name in enumerate(names):
            self.item(index).one_of(name, DIMENSIONS, "dimension")
            if name in names[:index]:
                self.item(index).fail(f'"{name}" is listed twice; remove one')
        return canonical(names)

    def each(self, table: dict[str, Any], kind: type[T]) -> dict[str, T]:
        """The table with every value converted; a fault names its key."""
        return {name: self.key(name).convert(value, kind) for name, value in table.items()}

    def matching(self, table: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        """A `match` table as (dimension, pattern) pairs in canonical order."""
        match = self.each(table, str)
        for name, pattern in match.items():
            self.one_of(name, DIMENSIONS, "dimension")
            if not pattern:
                self.key(name).fail('an empty pattern matches nothing; write a value, "*" for any, or remove the key')
            if name == "channel" and not any(fnmatchcase(channel, pattern) for channel in CHANNELS):
                self.key(name).one_of(pattern, CHANNELS, "channel")
        return tuple((name, match[name]) for name in canonical(match))

    def convert(self, value: Any, kind: type[T]) -> T:
        """The value as a struct that forbids unknown fields; a fault names the key below this place, an unknown key with a suggestion."""
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as exc:
            match = _AT.match(str(exc))
            what, path = (match["what"], match["path"] or "") if match else (str(exc), "")
        place = self
        for index, key in re.findall(r"\[(\d+)\]|([^.\[\]]+)", path):
            place = place.item(int(index)) if index else place.key(key)
        unknown, missing = _UNKNOWN.match(what), _MISSING.match(what)
        if unknown:
            place.key(unknown["key"]).fail(f"unknown key; {suggestion(unknown['key'], _keys(kind))}")
        if missing:
            place.key(missing["key"]).fail("missing; every entry needs it")
        what = what.replace(" | null", "")
        for word, plain in _WORDS.items():
            what = what.replace(word, plain)
        place.fail(what[:1].lower() + what[1:])


def _keys(kind: Any) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def suggestion(word: str, known: Collection[str]) -> str:
    """'did you mean "queue"?' for a near miss, otherwise the whole list of what is known."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"


def read_toml(text: str, name: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises `PolicyError` with line and column."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise PolicyError(f"{name}: not valid TOML: {exc}; mend that line (dates and numbers without quotes, texts with)") from None
