"""The docs say what the code does. Generated parts are made anew by `make docs`."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from agents import metrics
from agents.cli import build
from agents.settings import Settings
from scripts import docs
from streams import alert_rules, calendars, policy, targets
from streams.alert_rules import SHIPPED
from streams.events import TOPIC_OF, decode
from streams.faults import REASONS
from streams.kpis import REGISTRY
from streams.policy import DEFAULT, Policy, load

ROOT = docs.ROOT
DOCUMENTS = docs.documents()
SHELL = {"sh", "bash", "shell", "console", "zsh"}
COMMANDS: dict[str, Any] = typer.main.get_command(build()).commands  # type: ignore[attr-defined]

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of every fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def inline(text: str) -> list[str]:
    """What stands in backticks outside of fenced blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


def rows(text: str, heading: str) -> dict[str, str]:
    """First and second cell of the table under a heading."""
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.*?) \|", section, re.MULTILINE))


def anchors(text: str) -> set[str]:
    """What `#…` may point to, by GitHub's rule."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def fields(of: Policy) -> dict[str, object]:
    """A policy without what tells two of them apart, and without the targets, which are merged."""
    return {name: getattr(of, name) for name in of.__struct_fields__ if name not in {"digest", "_cache", "_business", "targets"}}


def keys(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


@every_document
def test_generated_parts_are_those_of_the_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == docs.rendered(text), "run `make docs`"


def test_every_generated_block_stands_somewhere() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert [name for name in docs.BLOCKS if f"<!-- begin {name} -->" not in written] == []


def test_readme_has_one_shell_block_with_the_two_commands() -> None:
    shell = [content for language, content in blocks((ROOT / "README.md").read_text(encoding="utf-8")) if language in SHELL]
    assert shell == ["make demo\nmake test\n"]


@every_document
def test_relative_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    assert broken == []


@every_document
def test_every_path_that_is_named_exists(path: Path) -> None:
    named = [
        text for text in inline(path.read_text(encoding="utf-8")) if re.match(r"(streams|agents|tests|docs|scripts|bench|deploy)/", text)
    ]
    assert [text for text in named if not (ROOT / text).exists()] == []


@every_document
def test_every_command_line_is_one(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    shell = "\n".join(content for language, content in blocks(text) if language in SHELL | {"text"})
    wrong = []
    for line in [*inline(text), *shell.replace("\\\n", " ").splitlines()]:
        for name, rest in re.findall(r"\bfirstline ([a-z]+)\b([^|>#]*)", line):
            if name not in COMMANDS:
                wrong.append(f"firstline {name}")
                continue
            known = {option for param in COMMANDS[name].params for option in (*param.opts, *param.secondary_opts)} | {"--help"}
            wrong += [f"firstline {name} {option}" for option in re.findall(r"--[a-z-]+", rest) if option not in known]
    assert wrong == []


@every_document
def test_every_make_target_is_one(path: Path) -> None:
    known = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    text = path.read_text(encoding="utf-8")
    shell = "\n".join(content for language, content in blocks(text) if language in SHELL)
    named = re.findall(r"^make ([a-z]+)", "\n".join([*inline(text), shell]), re.MULTILINE)
    assert set(named) <= set(known)


@every_document
def test_every_environment_variable_is_read(path: Path) -> None:
    settings = {f"FIRSTLINE_{name.upper()}" for name in Settings.model_fields}
    elsewhere = {
        "FIRSTLINE_DATA": "tests/acceptance/test_expected.py",
        "FIRSTLINE_NO_APT": "scripts/lib.sh",
    }
    for name, file in elsewhere.items():
        assert name in (ROOT / file).read_text(encoding="utf-8")
    assert set(re.findall(r"FIRSTLINE_[A-Z_]+", path.read_text(encoding="utf-8"))) <= settings | set(elsewhere)


@every_document
def test_every_metric_is_exported(path: Path) -> None:
    known = {f"firstline_{metrics.metric_name(kpi)}" for kpi in REGISTRY.values()}
    known |= {f"{metric.name}{suffix}" for metric in docs.page() for suffix in ("", "_total", "_info")}
    assert set(re.findall(r"\bfirstline_[a-z_]+[a-z]\b", path.read_text(encoding="utf-8"))) <= known


@every_document
def test_every_event_type_is_known(path: Path) -> None:
    named = [
        text for text in inline(path.read_text(encoding="utf-8")) if re.fullmatch(r"(call|chat|ticket|callback|survey)\.[a-z_]+", text)
    ]
    assert set(named) <= set(TOPIC_OF)


def test_the_example_event_is_one_and_every_fault_is_explained() -> None:
    text = (ROOT / "docs/events.md").read_text(encoding="utf-8")
    subject, event = decode(next(content for language, content in blocks(text) if language == "json").encode())
    assert (subject, event.type, event.data.queue) == ("call-1", "call.queued", "service")
    assert tuple(rows(text, "What is no good event")) == REASONS


@pytest.mark.parametrize(
    ("heading", "known", "before"),
    [
        ("Keys", keys(policy._Written) - {"versions"}, ""),
        (
            "Targets",
            keys(targets._Written) - {"service_level"} | {f"service_level.{key}" for key in keys(targets._ServiceLevel)},
            "[[targets]]\n",
        ),
        ("Alerts", keys(alert_rules._Written), '[[alerts]]\nname = "any"\n'),
        ("Calendars", keys(calendars._Written), "[calendars.any]\nhours = {}\n"),
    ],
)
def test_every_policy_key_stands_with_its_default(heading: str, known: set[str], before: str) -> None:
    table = rows((ROOT / "docs/policy.md").read_text(encoding="utf-8"), heading)
    assert set(table) == known
    for key, default in table.items():
        if default.startswith("`"):
            given, absent = load(f"{before}{key} = {default.strip('`')}"), load(before)
            assert fields(given) == fields(absent), key
            for channel in ("call", "chat", "ticket", None):
                assert given.target((channel,)) == absent.target((channel,)), key


def test_the_policy_written_out_is_the_shipped_one() -> None:
    text = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
    written = load(next(content for language, content in blocks(text) if language == "toml"))
    assert fields(written) == fields(DEFAULT)
    for channel in ("call", "chat", "ticket"):
        assert written.target((channel,)) == DEFAULT.target((channel,))


def test_every_shipped_alert_has_a_runbook() -> None:
    assert {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")} == {rule.name for rule in SHIPPED}
    assert [rule.runbook for rule in SHIPPED] == [f"docs/runbooks/{rule.name}.md" for rule in SHIPPED]


def test_decisions_are_numbered_without_gaps() -> None:
    files = sorted((ROOT / "docs/decisions").glob("*.md"))
    headings = [path.read_text(encoding="utf-8").split(".", 1)[0] for path in files]
    assert headings == [f"# {number}" for number in range(1, len(files) + 1)]
    assert [path.name[:4] for path in files] == [f"{number:04}" for number in range(1, len(files) + 1)]
