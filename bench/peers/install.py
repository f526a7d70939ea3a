"""The environments of the peers, made once under .cache: what they need must not be in that of the product, nor agree with it."""

import hashlib
import subprocess
from pathlib import Path

from bench.processes import ROOT

CACHE = ROOT / ".cache" / "peers"
_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "requirements.txt"
_JAVA = _HERE / "kafka_streams"
_SECONDS = 600.0


class NotInstalled(Exception):
    """A peer cannot be installed here; the message says why."""


def python(module: str) -> list[str]:
    """The command that runs a module of the bench in the environment of the peers. Raises `NotInstalled`."""
    venv = CACHE / "venv"
    done = venv / _digest(_REQUIREMENTS)
    if not done.exists():
        uv = str(ROOT / "scripts" / "uv.sh")
        _run(uv, "venv", "--quiet", "--clear", "--python", "3.11", str(venv))
        _run(uv, "pip", "install", "--quiet", "--python", str(venv), "--requirements", str(_REQUIREMENTS))
        done.touch()
    return [str(venv / "bin" / "python"), "-m", module]


def kafka_streams() -> list[str]:
    """The command that runs the peer in Java. Raises `NotInstalled`."""
    folder = CACHE / "kafka-streams"
    sources = sorted(path for path in _JAVA.rglob("*") if path.is_file())
    done = folder / _digest(*sources)
    if not done.exists():
        built, libraries = f"-DbuildDirectory={folder}", f"-DoutputDirectory={folder / 'libraries'}"
        _run(
            "mvn", "--quiet", "--batch-mode", "--file", str(_JAVA / "pom.xml"), built, libraries, "compile", "dependency:copy-dependencies"
        )
        done.touch()
    return ["java", "-Xmx2g", "-cp", f"{folder / 'classes'}:{folder / 'libraries'}/*", "peers.Calls"]


def _digest(*files: Path) -> str:
    """The name of the file that says it is made of these."""
    return "made-of-" + hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NotInstalled(f"{command[0]}: {exc}") from exc
    if done.returncode:
        raise NotInstalled(f"{' '.join(command[:2])}: {(done.stderr or done.stdout).strip()[-800:]}")
