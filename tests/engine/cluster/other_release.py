"""The gateway of a bot of another release."""

import sys

from engine.cluster import release

release.RELEASE = "0.0.1, protocol 1"

if __name__ == "__main__":
    from engine.__main__ import main

    sys.exit(main(["connect", *sys.argv[1:]]))
