"""Deletes what is kept no longer, at regular times, by APScheduler through python-telegram-bot's job queue."""

import logging

from bot.context import App, Context
from bot.timings import Timings

_logger = logging.getLogger(__name__)


def schedule_cleanup(app: App, timings: Timings) -> None:
    """Clean up at regular times while the application runs."""
    if app.job_queue is None:
        raise RuntimeError("the application was built without a job queue")
    # A machine that slept through the time does it once, when it wakes.
    when_late = {"misfire_grace_time": None, "coalesce": True}
    app.job_queue.run_repeating(
        clean_up, interval=timings.cleanup_interval_s, first=timings.first_cleanup_s, job_kwargs=when_late
    )


async def clean_up(context: Context) -> None:
    """Delete what is older than the settings allow."""
    count = await context.services.deletion.expire(context.services.settings.retention_days)
    if count:
        _logger.info("%d old portraits were deleted", count)
