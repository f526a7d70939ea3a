"""Where rolling windows begin. `Frame` holds what all segments share for the instant at hand."""

from streams.calendar_time import window_start
from streams.policy import Policy, Window

SECOND_MS, TEN_MS, PANE_MS = 1_000, 10_000, 900_000
"""What the beginnings of windows are aligned to: up to 5 min, up to an hour, above. Above, whole panes of bookings enter and leave."""
SHORT_MS, FINE_MS = 300_000, 3_600_000


def is_fine(window: Window) -> bool:
    """Whether bookings enter and leave a window one by one, by their own instants."""
    return window.ms is not None and window.ms <= FINE_MS


class Frame:
    """The beginnings of the windows that end at an instant (all in ms), and how far back bookings and panes are still needed."""

    def __init__(self, policy: Policy, end: int) -> None:
        self.end = end
        self.policy = policy
        self.fine = [is_fine(window) for window in policy.windows]
        starts = [self.window_start(window) for window in policy.windows]
        # Midnight has not always been at a quarter of an hour: what enters a long window must be what leaves it, whole panes.
        self.starts = [start if fine else start // PANE_MS * PANE_MS for start, fine in zip(starts, self.fine, strict=True)]
        self.order = sorted(((start, index) for index, start in enumerate(self.starts)), reverse=True)
        """(beginning, window), the shortest window first."""
        self.fine_reach = min((start for start, fine in zip(self.starts, self.fine, strict=True) if fine), default=1 << 62)
        self.pane_reach = min((start for start, fine in zip(self.starts, self.fine, strict=True) if not fine), default=1 << 62)

    def window_start(self, window: Window) -> int:
        """The start (ms) of the row of a window: at, or up to one step of its alignment before, `end` − its length."""
        if window.ms is None:
            return window_start(self.end - 1, window.name, self.policy.time_zone, self.policy.week_starts)
        step = SECOND_MS if window.ms <= SHORT_MS else TEN_MS if window.ms <= FINE_MS else PANE_MS
        return (self.end - window.ms) // step * step
