"""The door for history in bulk; `import_readings` is the one for what may meet readings that are
there already."""

from collections.abc import Iterable, Mapping

from meters import state
from readings.history import HistoryRow, fill


def import_history(
    rows: Iterable[HistoryRow],
    *,
    intervals: Mapping[int, int],
    start: int,
    end: int,
    newest: Iterable[state.Heard],
) -> int:
    """Fill the empty intervals of these meters; how many readings were stored.

    rows, intervals, start and end as `readings.history.fill` has them. newest: what the last of
    the rows says of each meter; it becomes the meter's newest where nothing newer is known.
    """
    state.lock_times(intervals)
    stored = fill(rows, intervals=intervals, start=start, end=end)
    state.update(newest)
    return stored
