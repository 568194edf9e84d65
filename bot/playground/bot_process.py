"""Runs `throwback run` in a process that stops when the process that started it is gone.

    python -m bot.playground.bot_process

The starter holds the other end of stdin. When that closes, however the starter ended, the bot gets SIGTERM as from a
service manager; the bot itself knows nothing of this.
"""

import os
import signal
import sys
import threading

from bot.cli import main


def _stop_with_starter() -> None:
    # Not through sys.stdin, whose lock this thread would hold when the interpreter ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_stop_with_starter, daemon=True).start()
    sys.exit(main(["run"]))
