"""`firstline generate`: a synthetic recording on stdout."""

from typing import Annotated

import typer

from agents.cli.common import OptionError
from streams.policy_file import suggestion


def generate(
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 1,
    days: Annotated[float, typer.Option("--days", help="Length in days.")] = 1.0,
    scenario: Annotated[str, typer.Option("--scenario", help="calm, monday or outage.")] = "calm",
) -> None:
    """A recording of a synthetic contact centre, as JSON lines on stdout: calls, chats and tickets with believable days and nights.

    \b
    Examples:
      firstline generate --days 7 --scenario monday > week.jsonl
      firstline generate --scenario outage | firstline report - --window 1h
    """
    from agents.synthetic import SCENARIOS
    from agents.synthetic import generate as lines

    if not 0 < days <= 36_525:
        raise OptionError(f"--days: {days:g} is not from just above 0 up to 36525; give a number of days such as 7 or 0.5")
    chosen = next((known for known in SCENARIOS if known == scenario), None)
    if chosen is None:
        raise OptionError(f'--scenario: unknown scenario "{scenario}"; {suggestion(scenario, SCENARIOS)}')
    out = typer.get_binary_stream("stdout")
    out.writelines(lines(seed, days, chosen))
    out.flush()
