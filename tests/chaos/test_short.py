"""A few faults of most kinds in every `make test`; `make chaos` breaks a thousand things."""

import pytest

from tests.chaos.attack import Result
from tests.chaos.run import Input, Job, carry_out, make_inputs
from tests.conftest import unavailable
from tests.integration.kafka_server import KafkaServer, ServerUnavailable
from tests.integration.toxiproxy import program

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]
SEED = 20261125
JOBS = (
    Job("network", SEED, 3),
    Job("points", SEED + 1, 4),
    Job("sleeper", SEED + 2, 2),
    Job("sends", SEED + 3, 3),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Input:
    return make_inputs(SEED, 1_500, (200,), tmp_path_factory.mktemp("inputs"))[0]


@pytest.fixture(scope="module")
def results(kafka: KafkaServer, made: Input) -> dict[str, Result]:
    try:
        program()
    except ServerUnavailable as exc:
        unavailable(str(exc))
    done = carry_out(JOBS, [made], kafka, len(JOBS), print)
    return {result.run: result for result in done}


@pytest.mark.parametrize("name", [job.name for job in JOBS])
def test_nothing_is_lost_and_every_figure_is_the_reports(results: dict[str, Result], name: str) -> None:
    result = results[name]
    assert result.problems == []
    assert {kind: number for kind, number in result.differences.items() if number} == {}
    assert sum(result.faults.values()) >= 2
    assert result.compared["rows"] > 500


def test_the_report_of_the_input_is_the_oracles(made: Input) -> None:
    assert made.oracle == []
