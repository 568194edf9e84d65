"""Development photos and reference numbers that lie beside the checkout, where there are any.

They are not redistributable, so no test may need them to pass: what uses them carries `needs_shared`.
"""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("THROWBACK_TEST_DATA", Path(__file__).parents[2] / "shared"))

needs_shared = pytest.mark.skipif(not (SHARED / "photos").is_dir(), reason="the development photos are not here")
