"""How long the bot waits, and how often it tries again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds, handed in where they are needed. Of pauses between attempts the last one repeats, unless said otherwise.

    step_retries_s       before a portrait's step is tried again while the messenger is unavailable
    reply_retries_s      before a reply is tried again; after the last one it fails, so that the chat goes on
    write_retries_s      before an update is written down again, while the disk is full, say
    listen_retries_s     before the listening for updates begins again, whatever ended it
    refusal_limit_s      until a token that is refused, or another program in our place, ends the process
    webhook_check_s      between two looks whether Telegram still posts updates to us
    action_interval_s    between two signs that somebody is typing; Telegram shows each for five
    estimate_interval_s  between two estimates of the wait while nothing else happens; longer lets them grow stale
    uploads_grace_s      for uploads and handlers that are nearly through when the bot stops; longer delays the stop
    lock_wait_s          for a bot that is just stopping to leave the data folder; longer delays the complaint
    cleanup_interval_s   between two cleanups; longer keeps what is too old for longer
    first_cleanup_s      before the first cleanup, until the unfinished portraits have been scheduled
    album_quiet_s        after an album's last photo, until it counts as complete; shorter may leave photos out
    upload_timeout_s     for the answer to an upload; Telegram may take long to answer one that it has accepted
    """

    step_retries_s: tuple[float, ...] = (2.0, 5.0, 15.0, 60.0)
    reply_retries_s: tuple[float, ...] = (1.0, 3.0, 10.0)
    write_retries_s: tuple[float, ...] = (1.0, 5.0, 30.0)
    listen_retries_s: tuple[float, ...] = (1.0, 2.0, 5.0, 15.0, 30.0)
    refusal_limit_s: float = 300.0
    webhook_check_s: float = 20.0
    action_interval_s: float = 4.5
    estimate_interval_s: float = 10.0
    uploads_grace_s: float = 1.5
    lock_wait_s: float = 10.0
    cleanup_interval_s: float = 6 * 3600.0
    first_cleanup_s: float = 60.0
    album_quiet_s: float = 1.0
    upload_timeout_s: float = 120.0
