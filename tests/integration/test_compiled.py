"""The compiled program is the same program: the tests of its modules pass over it, and it prints the same bytes."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from agents.synthetic import generate
from tests import weird
from tests.conftest import unavailable

ROOT = Path(__file__).parents[2]
TESTS = ("tests/unit/facts", "tests/unit/kpis", "tests/unit/test_open_items.py", "tests/unit/test_report.py", "tests/unit/test_rollup.py",
         "tests/unit/test_segments.py", "tests/unit/test_tally.py", "tests/unit/test_view.py", "tests/unit/test_windows.py",
         "tests/acceptance/test_fuzz_oracle.py")  # fmt: skip

pytestmark = [pytest.mark.compiler, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled packages, and the tests beside them."""
    if shutil.which("cc") is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        unavailable("no C compiler or no headers of Python: apt-get install gcc python3-dev")
    folder = tmp_path_factory.mktemp("compiled")
    subprocess.run([ROOT / "scripts" / "compile.sh", folder / "wheel"], check=True)
    [wheel] = (folder / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    shutil.copytree(ROOT / "tests", folder / "tests")
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def printed(where: Path, *args: str) -> bytes:
    """What `firstline report` prints with the packages in that folder."""
    return subprocess.run([sys.executable, "-m", "agents.cli", "report", *args], cwd=where, check=True, capture_output=True).stdout


def test_the_hot_modules_are_compiled(compiled: Path) -> None:
    asked = "from streams import facts, kpis, view; print(view.__file__, facts.__file__, kpis.response.__file__)"
    told = subprocess.run([sys.executable, "-c", asked], cwd=compiled, check=True, capture_output=True, text=True).stdout
    assert [Path(name).suffix for name in told.split()] == [".so"] * 3


def test_the_tests_of_its_modules_pass(compiled: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *TESTS]
    ran = subprocess.run(command, cwd=compiled, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-3000:]


@pytest.mark.parametrize(
    "options", [["--by", "queue", "--by", "agent,priority"], ["--window", "1h", "--by", "channel"], ["--by", "hour"]], ids=" ".join
)
def test_reports_are_the_same_to_the_byte(compiled: Path, options: list[str], tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(b"".join(generate(7, 1.0, "outage")) + b"\n".join(weird.lines_of(weird.centre(1, 100))))
    ours = printed(compiled, str(path), *options, "--format", "json")
    assert ours == printed(ROOT, str(path), *options, "--format", "json")
    assert len(ours) > 10_000
