"""A gateway whose engines come and go within seconds."""

import sys
from typing import Any

from engine.cluster import serving

_quick: dict[str, Any] = {"_GROW_AFTER_S": 0.5, "_SHRINK_AFTER_S": 2.0, "_LOOK_BACK_S": 1.0}
vars(serving).update(_quick)

if __name__ == "__main__":
    from engine.__main__ import main

    sys.exit(main(["connect", *sys.argv[1:]]))
