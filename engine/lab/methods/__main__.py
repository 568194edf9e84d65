"""`python -m engine.lab.methods COMMAND`."""

import sys

from engine.lab.methods.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
