"""A small bar graph as SVG, readable on light and on dark."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

_WIDTH, _ROW, _LABEL, _VALUE, _TOP = 560, 30, 120, 110, 44
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.t{font-weight:600}.b{fill:#2f6fde}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#6ea0ff}}"
)


def bars(path: Path, title: str, values: Sequence[tuple[str, float, str]]) -> None:
    """Writes one bar a value: its label, its length, and the figure that is shown."""
    most = max(value for _, value, _ in values) or 1.0
    space = _WIDTH - _LABEL - _VALUE
    lines = [f'<text class="t" x="8" y="24">{escape(title)}</text>']
    for at, (label, value, shown) in enumerate(values):
        y, length = _TOP + at * _ROW, max(1.0, value / most * space)
        lines.append(f'<text x="{_LABEL - 10}" y="{y + 15}" text-anchor="end">{escape(label)}</text>')
        lines.append(f'<rect class="b" x="{_LABEL}" y="{y}" width="{length:.1f}" height="20" rx="3"/>')
        lines.append(f'<text x="{_LABEL + length + 8:.1f}" y="{y + 15}">{escape(shown)}</text>')
    height = _TOP + len(values) * _ROW + 6
    body = "\n".join(lines)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(title)}">\n<style>{_STYLE}</style>\n{body}\n</svg>\n',
        encoding="utf-8",
    )
