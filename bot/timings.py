"""How long the bot waits, and how often it tries again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds, handed in where they are needed. Of pauses between attempts the last repeats, unless said otherwise."""

    step_retries_s: tuple[float, ...] = (2.0, 5.0, 15.0, 60.0)  # of a portrait's step while the messenger is away
    reply_retries_s: tuple[float, ...] = (1.0, 3.0, 10.0)  # of a reply; after the last it fails: the chat goes on
    write_retries_s: tuple[float, ...] = (1.0, 5.0, 30.0)  # of writing down an update, while the disk is full, say
    listen_retries_s: tuple[float, ...] = (1.0, 2.0, 5.0, 15.0, 30.0)  # of listening for updates, whatever ended it
    refusal_limit_s: float = 300.0  # until a token that is refused, or another program in our place, ends the process
    webhook_check_s: float = 20.0  # between two looks whether Telegram still posts updates to us
    action_interval_s: float = 4.5  # between two signs that somebody is typing; Telegram shows each for five
    estimate_interval_s: float = 10.0  # between two estimates while nothing else happens; longer lets them grow stale
    uploads_grace_s: float = 1.5  # for uploads and handlers that are nearly through at the end; longer delays the stop
    lock_wait_s: float = 10.0  # for a bot that is just stopping to leave the data folder; longer delays the complaint
    cleanup_interval_s: float = 6 * 3600.0  # between two cleanups; longer keeps what is too old for longer
    first_cleanup_s: float = 60.0  # before the first cleanup, until the unfinished portraits have been scheduled
    album_quiet_s: float = 1.0  # after an album's last photo, until it counts as complete; shorter may leave some out
    upload_timeout_s: float = 120.0  # for the answer to an upload; Telegram may be late with one that it has accepted
