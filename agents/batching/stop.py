"""Stopping without a commit: what the kill tests prove harmless, where going on might lose events."""

import logging
import os
import sys
from typing import NoReturn

from streams.errors import FirstlineError

EXIT_CODE = 1

_log = logging.getLogger(__name__)


def stop_at_once(reason: str, cause: BaseException | None = None) -> NoReturn:
    """Logs and ends the process: no commit, no leaving of the group. Another worker, or the next start, goes on from the last commit."""
    # What a person can mend is said in its message.
    _log.critical("worker stops: %s", reason, exc_info=None if isinstance(cause, FirstlineError) else cause)
    for handler in logging.getLogger().handlers:
        handler.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_CODE)
