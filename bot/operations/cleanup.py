"""What is done at regular times, by APScheduler through python-telegram-bot's job queue."""

import logging

from bot.context import App, Context

_logger = logging.getLogger(__name__)

_EVERY_S = 6 * 3600
_FIRST_S = 60  # after the start, when the unfinished portraits are on their way


def schedule_cleanup(app: App) -> None:
    if app.job_queue is None:
        raise RuntimeError("the application was built without a job queue")
    # A machine that slept through the time does it when it wakes, once.
    late = {"misfire_grace_time": None, "coalesce": True}
    app.job_queue.run_repeating(clean_up, interval=_EVERY_S, first=_FIRST_S, job_kwargs=late)


async def clean_up(context: Context) -> None:
    """Delete what is older than the settings allow."""
    count = await context.services.deletion.expire(context.services.settings.retention_days)
    if count:
        _logger.info("%d old portraits were deleted", count)
