"""`firstline convert`: another system's export as CloudEvents."""

from pathlib import Path
from typing import Annotated

import typer


def convert(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="bank1999, servicenow or ubuntu-irc.", show_default=False)],
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Its exports, plain or .gz; - is stdin.", show_default=False)],
) -> None:
    """A source's own export as a recording: CloudEvents as JSON lines on stdout.

    \b
    Examples:
      firstline convert bank1999 january_1999.tsv.gz > calls.jsonl
      firstline convert servicenow incident_event_log.csv | gzip > tickets.jsonl.gz
      unzip -p incident_event_log.zip | firstline convert servicenow - > tickets.jsonl
    """
    from agents.connectors import convert as lines

    out = typer.get_binary_stream("stdout")
    out.writelines(lines(source, files))
    out.flush()
