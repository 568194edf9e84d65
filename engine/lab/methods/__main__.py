"""`python -m engine.lab.methods COMMAND`."""

import logging
import sys

from engine.lab.methods.cli import main

if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(message)s")
    sys.exit(main(sys.argv[1:]))
