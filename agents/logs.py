"""Logging of all processes: structlog, one line an event on stderr, JSON where nobody is watching. Configured by us and once."""

import logging
import sys

import structlog

_QUIET = ("faust", "mode", "aiokafka", "asyncio")


class _WithoutServices(logging.Filter):
    """Drops the comings and goings of mode's services, `[^App]: Starting...`, which are logged under the name of our own module."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or not str(record.msg).startswith("[^")


def configure(level: str = "INFO", *, json: bool | None = None, process: int | None = None) -> None:
    """Sends structlog's and the libraries' lines through one formatter. `json` None: JSON unless stderr is a terminal. `process` is told
    in every line, if there are several."""
    as_json = not sys.stderr.isatty() if json is None else json
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if process is not None:
        shared.append(lambda _logger, _method, event: {**event, "process": process})
    last: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()] if as_json else [structlog.dev.ConsoleRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.PositionalArgumentsFormatter(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    handler.addFilter(_WithoutServices())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("faust.topics").setLevel(logging.ERROR)  # its warnings contain payloads
