"""The id of every KPI with its unit: what a policy's goals and alert rules may name, and which numbers make sense for it.

A ratio lies from 0 to 1, a quotient may be any number.
"""

from collections.abc import Mapping
from math import inf, isfinite
from types import MappingProxyType
from typing import Literal

Unit = Literal["s", "ratio", "quotient", "count", "1/h", "score", "currency"]

_BY_UNIT: dict[Unit, str] = {
    "s": "first_response_time next_response_time average_response_time longest_wait speed_of_answer backlog_age time_to_drain handle_time"
    " talk_time hold_time wrap_time callback_wait resolution_time requester_wait_time",
    "ratio": "service_level missed_rate abandon_rate recovered_rate transfer_rate hold_rate occupancy callback_reach_rate"
    " reopen_rate first_contact_resolution sla_compliance csat qa_score retention_rate churn_rate conversion_rate"
    " onboarding_success_rate engagement_rate",
    "quotient": "contact_rate revenue_growth",
    "count": "frt_breaches offered answered missed handled opened resolved reopened merged deleted left_queue auto_closed contradictions"
    " skewed offered_closed backlog waiting breaching_soon agents_by_state",
    "1/h": "net_flow",
    "score": "nps ces employee_engagement",
    "currency": "cost_per_resolution cost_per_contact customer_lifetime_value mrr acquisition_cost",
}

_units: dict[str, Unit] = {name: unit for unit, names in _BY_UNIT.items() for name in names.split()}
UNIT_OF: Mapping[str, Unit] = MappingProxyType(_units)


_LATER = (
    "acquisition_cost agents_by_state ces churn_rate contact_rate conversion_rate cost_per_contact"
    " cost_per_resolution csat customer_lifetime_value employee_engagement engagement_rate first_contact_resolution handle_time mrr"
    " nps occupancy onboarding_success_rate qa_score recovered_rate retention_rate revenue_growth"
)
LATER = frozenset(_LATER.split())
"""KPIs of the contract that this release does not compute: they may have goals, but an alert on one could never fire."""

_RANGE = {"nps": (-100.0, 100.0), "employee_engagement": (-100.0, 100.0), "ces": (1.0, 7.0)}


def misfit(kpi: str, value: float) -> str | None:
    """Why a number can be neither goal nor bound of a KPI, with the remedy; None if it can."""
    if UNIT_OF[kpi] == "ratio" and not 0 <= value <= 1:
        return f"{value:g} is no share; write a number from 0 to 1, such as 0.80 for 80 %"
    if not isfinite(value):
        return f"{value} is no bound; write a finite number"
    least, most = _RANGE.get(kpi, (-inf, inf))
    return None if least <= value <= most else f"{value:g} is out of range; {kpi} lies from {least:g} to {most:g}, write a number between"


def register(name: str, unit: Unit) -> None:
    """Makes a KPI beyond the contract known, so that a policy may name it. A KPI of the contract keeps its unit."""
    _units.setdefault(name, unit)


STATS = ("mean", "p50", "p90", "p95", "max")
"""What a distribution publishes beside its count and sum."""
TARGET_OF: Mapping[str, str] = MappingProxyType(
    {
        "first_response_time": "first_response_ms",
        "average_response_time": "first_response_ms",
        "speed_of_answer": "first_response_ms",
        "longest_wait": "first_response_ms",
        "resolution_time": "resolution_ms",
    }
)
"""KPIs with a target time in the policy's `[[targets]]`: the field of `Target` that holds it."""
