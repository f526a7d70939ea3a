"""`firstline` as a process of its own: standard streams that are full, closed or no longer read, and Ctrl-C from the first moment on."""

import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agents.cli import run

FIRSTLINE = str(Path(sys.executable).with_name("firstline"))
EVENT = b'{"id":"1","source":"s","type":"call.queued","time":"2026-03-02T09:00:00Z","subject":"a","data":{"queue":"PS"}}\n'
FULL = "error: stdout: cannot be written (No space left on device); make room, or write somewhere else\n"
CLOSED = "error: stdout: cannot be written (Bad file descriptor); make room, or write somewhere else\n"


def shell(command: str, where: Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a line in which `firstline` stands for the program."""
    line = command.replace("firstline", shlex.quote(FIRSTLINE), 1)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTLINE_")}
    ended = subprocess.run(["bash", "-c", line], cwd=where, env=environment, capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with a good recording, one with a bad line, and an export."""
    (tmp_path / "good").write_bytes(EVENT)
    (tmp_path / "bad").write_bytes(EVENT + b"oops\n")
    (tmp_path / "irc").write_text(
        "line,ts,kind,nick,conversation_id,continues_from_context,has_question_mark\n7,2004-12-25T03:21,message,N1,c:7,0,1\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "report good",
        "report good --format json",
        "report good --format csv",
        "generate",
        "convert ubuntu-irc irc",
        "demo --port 0 --metrics-port 0 --duration 1",
    ],
)
@pytest.mark.parametrize(("how", "message"), [(">/dev/full", FULL), (">&-", CLOSED)])
def test_output_that_cannot_be_written_is_one_line_and_exit_1(here: Path, command: str, how: str, message: str) -> None:
    assert shell(f"firstline {command} {how}", here) == (1, "", message)


@pytest.mark.parametrize("command", ["--help", "report --help", "--version"])
def test_help_that_cannot_be_written_is_one_line_and_exit_1(here: Path, command: str) -> None:
    assert shell(f"firstline {command} >/dev/full", here) == (1, "", FULL)


def test_dead_letters_that_cannot_be_written_are_one_line_and_exit_1(here: Path) -> None:
    code, out, err = shell("firstline report bad --dead-letters /dev/full", here)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == (
        "error: --dead-letters: /dev/full: cannot be written (No space left on device); make room, or write somewhere else"
    )
    assert "Traceback" not in err


def test_a_closed_stdin_is_named(here: Path) -> None:
    assert shell("firstline report - <&-", here) == (
        2, "", "error: argument FILE: stdin: cannot be read (Bad file descriptor); check the path and its permissions\n",
    )  # fmt: skip


@pytest.mark.parametrize("how", ["2>&-", "2>/dev/full"])
def test_without_anybody_to_tell_the_work_is_done_all_the_same(here: Path, how: str) -> None:
    code, out, err = shell(f"firstline report bad --format csv --kpi offered {how}", here)
    assert (code, err) == (0, "")
    assert out.startswith("by,start,end,offered.value\nall,2026-03-02T10:00:00+01:00,")
    assert shell(f"firstline report none {how}", here) == (2, "", "")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen([FIRSTLINE, "generate", "--days", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"specversion":"1.0"')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("demo --port {port} --metrics-port 0", "--port"),
        ("demo --port 0 --metrics-port {port}", "--metrics-port"),
        ("wallboard --port {port}", "--port"),
        ("worker --brokers 127.0.0.1:{port} --metrics-port {port}", "--metrics-port"),
    ],
)
def test_a_port_in_use_is_named_with_the_option_that_changes_it(here: Path, command: str, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert shell(f"firstline {command.format(port=port)}", here) == (
            2, "", f"error: port {port} on 127.0.0.1 is already in use; choose another with {option}\n",
        )  # fmt: skip


@pytest.mark.parametrize("command", [[FIRSTLINE], [sys.executable, "-m", "agents.cli"]], ids=["script", "module"])
@pytest.mark.parametrize("module", ["typer", "msgspec", "agents.cli.report"])
def test_ctrl_c_while_a_module_loads_is_no_stack_trace(here: Path, command: list[str], module: str) -> None:
    # Loaded by every start of Python from where PYTHONPATH says: presses Ctrl-C as soon as the module is looked for.
    (here / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Press:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Press())\n"
    )
    ended = subprocess.run(
        [*command, "report", here / "good"], env={**os.environ, "PYTHONPATH": str(here)}, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_ctrl_c_while_the_commands_load_is_no_stack_trace(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def interrupted(_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("agents.cli.application.build", interrupted)
    assert run(["demo"]) == 130
    assert capfd.readouterr().err == ""
