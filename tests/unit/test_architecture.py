"""Which way imports point, what the domain may touch, and how large a module may grow."""

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("streams", "agents")
    for path in sorted((ROOT / package).rglob("*.py"))
}
LONGEST = 300
EFFECTS = frozenset(
    {
        "asyncio", "concurrent", "ctypes", "fcntl", "ftplib", "getpass", "glob", "http", "io", "logging", "multiprocessing",
        "os", "pathlib", "pty", "queue", "random", "sched", "secrets", "select", "shutil", "signal", "smtplib", "socket",
        "socketserver", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid", "webbrowser",
    }
)  # fmt: skip
"""Modules of the standard library by which a pure function could depend on more than its arguments, or do more than return."""
CLOCKS = frozenset({"now", "utcnow", "today"})
CALLS = frozenset({"open", "print", "input", "exec", "eval"})


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(module: str, *, late: bool = True) -> set[str]:
    """The modules it imports by their full names; with `late` false only those imported when it is imported itself."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not late:
                continue
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING" and not late:
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{module}: write imports from the top"
                base = child.module or ""
                found.update(f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in child.names)
            visit(child)

    visit(tree(module))
    return found


DOMAIN = [name for name in MODULES if name.split(".")[0] == "streams"]


@pytest.mark.parametrize("module", DOMAIN)
def test_the_domain_knows_itself_the_pure_part_of_the_standard_library_and_two_libraries_without_effects(module: str) -> None:
    tops = {name.split(".")[0] for name in imports(module)}
    allowed = (sys.stdlib_module_names - EFFECTS) | {"streams", "msgspec", "holidays"}
    assert tops - allowed == set()


@pytest.mark.parametrize("module", DOMAIN)
def test_the_domain_reads_no_clock_and_opens_nothing(module: str) -> None:
    calls = [node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
    assert [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS] == []
    assert [call.id for call in calls if isinstance(call, ast.Name) and call.id in CALLS] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_fits_into_a_head(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_no_module_imports_itself_through_others() -> None:
    # A package is imported before what is in it, but needs not know it: only what modules name counts.
    graph = {module: {name for name in imports(module, late=False) if name in MODULES and name != module} for module in MODULES}
    state: dict[str, str] = {}
    path: list[str] = []
    cycles: list[str] = []

    def visit(module: str) -> None:
        state[module] = "open"
        path.append(module)
        for other in sorted(graph[module]):
            if state.get(other) == "open":
                cycles.append(" → ".join([*path[path.index(other) :], other]))
            elif other not in state:
                visit(other)
        path.pop()
        state[module] = "done"

    for module in graph:
        if module not in state:
            visit(module)
    assert cycles == []


def test_only_the_command_line_knows_the_command_line() -> None:
    others = [module for module in MODULES if not module.startswith("agents.cli")]
    assert [module for module in others if any(name.startswith("agents.cli") for name in imports(module))] == []
