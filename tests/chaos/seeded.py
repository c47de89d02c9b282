"""Duration and seed of the random schedule."""

from __future__ import annotations

import os
import random

SECONDS = float(os.environ.get("CHAOS_SECONDS") or 60)
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
