"""Who gets whom."""

from agents.synthetic.desk import Agent, Desk
from agents.synthetic.kernel import Kernel, Process

QUEUES = {"service": ("red", "blue"), "billing": ("blue",)}


class Scene:
    """A desk, and a log of who was served when by whom (None: gave up)."""

    def __init__(self, *agents: Agent) -> None:
        self.kernel = Kernel(0)
        self.desk = Desk(self.kernel, QUEUES)
        self.desk.hire(agents)
        self.served: list[tuple[int, str, str | None]] = []
        for agent in agents:
            self.desk.arrive(agent)

    def caller(self, name: str, at: int, queue: str, *, rank: int = 1, until: int | None = None, takes: int = 10) -> None:
        def process() -> Process:
            yield at
            agent = yield from self.desk.wait(queue, rank, at, until)
            self.served.append((self.kernel.now, name, agent.name if agent else None))
            if agent:
                yield takes
                self.desk.release(agent)

        self.kernel.start(process())

    def run(self) -> list[tuple[int, str, str | None]]:
        list(self.kernel.run())
        return self.served


def test_a_free_agent_of_the_preferred_team_answers_at_once() -> None:
    scene = Scene(Agent("blue-1", "blue", 1), Agent("red-1", "red", 1))
    scene.caller("a", 5, "service")
    scene.caller("b", 6, "service")
    assert scene.run() == [(5, "a", "red-1"), (6, "b", "blue-1")]


def test_the_longest_waiting_goes_first_across_the_queues_of_a_team() -> None:
    scene = Scene(Agent("blue-1", "blue", 1))
    scene.caller("a", 0, "billing", takes=100)
    scene.caller("b", 20, "service")
    scene.caller("c", 10, "billing")
    assert scene.run() == [(0, "a", "blue-1"), (100, "c", "blue-1"), (110, "b", "blue-1")]


def test_a_higher_rank_goes_before_those_who_wait_longer() -> None:
    scene = Scene(Agent("blue-1", "blue", 1))
    scene.caller("a", 0, "billing", takes=100)
    scene.caller("b", 10, "billing")
    scene.caller("vip", 20, "billing", rank=0)
    assert scene.run() == [(0, "a", "blue-1"), (100, "vip", "blue-1"), (110, "b", "blue-1")]


def test_whoever_gives_up_is_no_longer_in_line() -> None:
    scene = Scene(Agent("blue-1", "blue", 1))
    scene.caller("a", 0, "billing", takes=100)
    scene.caller("b", 10, "billing", until=60)
    scene.caller("c", 20, "billing")
    assert scene.run() == [(0, "a", "blue-1"), (60, "b", None), (100, "c", "blue-1")]


def test_nobody_waits_until_an_instant_that_has_passed() -> None:
    scene = Scene()
    scene.caller("a", 50, "billing", until=40)
    assert scene.run() == [(50, "a", None)]


def test_an_agent_serves_as_many_as_capacity_allows() -> None:
    scene = Scene(Agent("red-1", "red", 2))
    for name in ("a", "b", "c"):
        scene.caller(name, 0, "service", takes=30)
    assert scene.run() == [(0, "a", "red-1"), (0, "b", "red-1"), (30, "c", "red-1")]


def test_an_agent_who_leaves_finishes_and_gets_nothing_new_until_the_return() -> None:
    agent = Agent("red-1", "red", 1)
    scene = Scene(agent)
    scene.caller("a", 0, "service", takes=30)
    scene.caller("b", 10, "service")

    def away() -> Process:
        yield 20
        scene.desk.leave(agent)
        yield 80
        scene.desk.arrive(agent)

    scene.kernel.start(away())
    assert scene.run() == [(0, "a", "red-1"), (100, "b", "red-1")]


def test_an_agent_who_did_not_pick_up_is_passed_over_for_a_while() -> None:
    agent = Agent("red-1", "red", 1)
    scene = Scene(agent)
    agent.serving = 1
    scene.desk.pause(agent, 45)
    scene.caller("a", 10, "service")
    assert scene.run() == [(45, "a", "red-1")]
