"""`throwback run` in a process that ends with the one that started it, however that one ends.

    python -m bot.playground.bot_process

The starter holds the other end of stdin. When it is gone, the bot is told to stop, as by a service manager; the
bot itself knows nothing of this.
"""

import os
import signal
import sys
import threading

from bot.cli import main


def _stop_when_alone() -> None:
    # Not through sys.stdin, whose lock this thread would hold when the interpreter ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_stop_when_alone, daemon=True).start()
    sys.exit(main(["run"]))
