"""Chance: one stream of random numbers a subject, so that a change in the chats does not move the calls."""

import random
from collections.abc import Mapping
from math import exp, log

from agents.synthetic.kernel import SECOND


class Draws:
    """Draws that depend on nothing but `seed` and `name`. Durations come in whole milliseconds, their parameters are in seconds."""

    def __init__(self, seed: int, name: str) -> None:
        self._random = random.Random(f"{seed}/{name}")  # noqa: S311 - repeatable on purpose, guards nothing
        self.fraction = self._random.random

    def chance(self, probability: float) -> bool:
        return self.fraction() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.fraction() * (high - low + 1))

    def pick(self, weights: Mapping[str, float]) -> str:
        """One of the keys, by weight."""
        mark = self.fraction() * sum(weights.values())
        for name, weight in weights.items():
            mark -= weight
            if mark < 0:
                return name
        return next(reversed(list(weights)))

    def between(self, low: float, high: float) -> int:
        """Evenly between two durations."""
        return int((low + self.fraction() * (high - low)) * SECOND)

    def about(self, mean: float, spread: float = 0.6) -> int:
        """A skewed duration (log-normal), as of human work."""
        return int(exp(self._random.gauss(log(mean) - spread * spread / 2, spread)) * SECOND) + 1

    def memoryless(self, mean: float) -> int:
        """An exponential duration, as of patience and of gaps between strangers."""
        return int(-log(1 - self.fraction()) * mean * SECOND) + 1
