"""The customers: pseudonymous ids whose attributes follow from the id, some of whom call often."""

from typing import NamedTuple

from agents.synthetic.draws import Draws

COUNT = 20_000
_EAGER = 1.7
"""How uneven contacts are spread: 1 = evenly; at 1.7 a fifth of the customers make 39 % of the contacts."""


class Customer(NamedTuple):
    """A person or company that contacts the centre."""

    id: str
    vip: bool
    language: str
    region: str
    segment: str
    product: str


def draw(draws: Draws) -> Customer:
    """Whoever turns up next."""
    number = int(COUNT * draws.fraction() ** _EAGER)
    business = number % 5 == 0
    return Customer(
        id=f"customer-{number:05d}",
        vip=number % 12 == 7,
        language=("de", "de", "de", "de", "en", "fr", "tr", "de", "en", "de")[number % 10],
        region=("north", "west", "south", "east")[number // 7 % 4],
        segment="business" if business else "consumer",
        product=("mobile", "internet", "internet", "tv", "cloud" if business else "mobile")[number // 3 % 5],
    )
