"""The simulation's clock."""

from agents.synthetic.kernel import Kernel, Park, Process


def test_processes_run_in_time_order_and_equal_instants_in_the_order_asked_for() -> None:
    kernel = Kernel(1000)
    seen: list[tuple[int, str]] = []

    def sleeper(name: str, *delays: int) -> Process:
        for delay in delays:
            yield delay
            seen.append((kernel.now, name))

    kernel.start(sleeper("slow", 50, 50))
    kernel.start(sleeper("fast", 20, 30))
    list(kernel.run())
    assert seen == [(1020, "fast"), (1050, "slow"), (1050, "fast"), (1100, "slow")]


def test_a_parked_process_goes_on_when_it_is_woken_with_what_it_is_brought() -> None:
    kernel = Kernel(0)
    seen: list[tuple[int, object]] = []
    place = Park(until=100)

    def waiter() -> Process:
        brought = yield place
        seen.append((kernel.now, brought))

    def waker() -> Process:
        yield 40
        kernel.wake(place, "agent")

    kernel.start(waiter())
    kernel.start(waker())
    list(kernel.run())
    assert seen == [(40, "agent")]


def test_a_parked_process_that_nobody_wakes_goes_on_with_nothing_at_its_instant() -> None:
    kernel = Kernel(0)
    seen: list[tuple[int, object]] = []

    def waiter() -> Process:
        brought = yield Park(until=100)
        seen.append((kernel.now, brought))

    kernel.start(waiter())
    list(kernel.run())
    assert seen == [(100, None)]
