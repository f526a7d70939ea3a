"""The desk: who waits in which queue, who is there to serve, and who gets whom.

Highest rank first, then longest waiting; the least busy agent, then the one idle longest. An agent may serve several at once (chats).
"""

from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import count

from agents.synthetic.kernel import Kernel, Park, Steps


class Agent:
    """A person who answers; `serving` of `capacity` places are taken."""

    __slots__ = ("capacity", "free_since", "name", "paused", "present", "serving", "team")

    def __init__(self, name: str, team: str, capacity: int) -> None:
        self.name = name
        self.team = team
        self.capacity = capacity
        self.serving = 0
        self.present = False
        self.paused = False
        self.free_since = 0

    @property
    def available(self) -> bool:
        return self.present and not self.paused and self.serving < self.capacity


class Desk:
    """Matches the waiting with agents. `teams_of`: which teams serve a queue, the preferred ones first."""

    def __init__(self, kernel: Kernel, teams_of: dict[str, tuple[str, ...]]) -> None:
        self._kernel = kernel
        self._teams_of = teams_of
        self._lines: dict[str, list[tuple[int, int, int, Park]]] = {queue: [] for queue in teams_of}
        self._queues_of: dict[str, list[str]] = {}
        for queue, teams in teams_of.items():
            for team in teams:
                self._queues_of.setdefault(team, []).append(queue)
        self._agents: dict[str, list[Agent]] = {team: [] for team in self._queues_of}
        self._order = count()

    def hire(self, agents: Iterable[Agent]) -> None:
        for agent in agents:
            self._agents[agent.team].append(agent)

    def wait(self, queue: str, rank: int, since: int, until: int | None) -> Steps:
        """Wait in `queue` for an agent (rank 0 goes first; `since` is the place in line); returns None when `until` comes first."""
        agent = self._free_for(queue)
        if agent is not None:
            agent.serving += 1
            return agent
        if until is not None and until <= self._kernel.now:
            return None
        place = Park(until)
        heappush(self._lines[queue], (rank, since, next(self._order), place))
        return (yield place)

    def release(self, agent: Agent) -> None:
        """One place of `agent` is free again."""
        agent.serving -= 1
        agent.free_since = self._kernel.now
        self._serve(agent)

    def arrive(self, agent: Agent) -> None:
        agent.present = True
        agent.free_since = self._kernel.now
        self._serve(agent)

    def leave(self, agent: Agent) -> None:
        """Nothing new for `agent`; what is in hand is finished."""
        agent.present = False

    def pause(self, agent: Agent, milliseconds: int) -> None:
        """Give back the place of a call that `agent` did not pick up, and offer nothing for a while."""
        agent.paused = True
        agent.serving -= 1

        def back() -> Steps:
            yield milliseconds
            agent.paused = False
            self._serve(agent)

        self._kernel.start(back())

    def _free_for(self, queue: str) -> Agent | None:
        for team in self._teams_of[queue]:
            free = [agent for agent in self._agents[team] if agent.available]
            if free:
                return min(free, key=lambda agent: (agent.serving, agent.free_since))
        return None

    def _serve(self, agent: Agent) -> None:
        while agent.available:
            best: list[tuple[int, int, int, Park]] | None = None
            for queue in self._queues_of[agent.team]:
                line = self._lines[queue]
                while line and line[0][3].done:
                    heappop(line)
                if line and (best is None or line[0] < best[0]):
                    best = line
            if best is None:
                return
            agent.serving += 1
            self._kernel.wake(heappop(best)[3], agent)
