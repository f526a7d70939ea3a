"""What /proc says of processes: CPU time, memory; and starting and ending them."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def module(name: str, *args: object) -> list[str]:
    """The command that runs a module of the bench over the installed Firstline, which may be compiled: the clone comes last on the path."""
    code = f"import sys, runpy; sys.path.append({str(ROOT)!r}); runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    return [sys.executable, "-P", "-c", code, *map(str, args)]


def firstline(*args: str) -> list[str]:
    """The installed program."""
    return [str(Path(sys.executable).with_name("firstline")), *args]


def end_in_good_order() -> None:
    """On SIGTERM what was started is ended too, broker and workers: they are in sessions of their own and would stay."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name; empty if there is no such process."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def cpu(pid: int) -> float:
    """User and system seconds of a process, all its threads, and of the children it has waited for."""
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / _TICKS if fields else 0.0


def session(leader: int) -> list[int]:
    """The processes of a session, of which `leader` was the first."""
    pids = (int(each.name) for each in _PROC.iterdir() if each.name.isdigit())
    return [pid for pid in pids if (fields := _stat(pid)) and fields[3] == str(leader)]


def memory(pid: int, what: str = "VmHWM") -> float:
    """MiB: the peak of what it held (`VmHWM`), or what it holds (`VmRSS`)."""
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(what + ":")), 0.0)


class Child:
    """A process in a session of its own, with all it starts; its output goes to a file."""

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command, cwd=cwd, stdout=out, stderr=out, start_new_session=True, env={**os.environ, **(env or {})}
            )
        self.pid = self.process.pid

    def cpu(self) -> float:
        """Seconds, of all processes of the session."""
        return sum(map(cpu, session(self.pid)))

    def peak(self) -> float:
        """MiB, of all processes of the session."""
        return sum(map(memory, session(self.pid)))

    def held(self) -> float:
        return sum(memory(pid, "VmRSS") for pid in session(self.pid))

    @property
    def ended(self) -> int | None:
        return self.process.poll()

    def tail(self) -> str:
        """The end of its output."""
        return self.log.read_text(errors="replace")[-2000:]

    def end(self, patience_s: float = 5.0) -> None:
        """Asks it to end, and then ends it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(patience_s)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self.process.wait()
