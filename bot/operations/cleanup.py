"""Deletes what is kept no longer, at regular times, by APScheduler through python-telegram-bot's job queue."""

import logging
from dataclasses import dataclass

from bot.context import App, Context

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CleanupTimes:
    """When to clean up, in seconds."""

    every_s: float = 6 * 3600  # longer keeps what is too old for longer
    first_s: float = 60  # after the start, when the unfinished portraits have been scheduled


def schedule_cleanup(app: App, times: CleanupTimes = CleanupTimes()) -> None:
    """Clean up at these times while the application runs."""
    if app.job_queue is None:
        raise RuntimeError("the application was built without a job queue")
    # A machine that slept through the time does it once, when it wakes.
    when_late = {"misfire_grace_time": None, "coalesce": True}
    app.job_queue.run_repeating(clean_up, interval=times.every_s, first=times.first_s, job_kwargs=when_late)


async def clean_up(context: Context) -> None:
    """Delete what is older than the settings allow."""
    count = await context.services.deletion.expire(context.services.settings.retention_days)
    if count:
        _logger.info("%d old portraits were deleted", count)
