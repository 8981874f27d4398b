"""Strict settings for every test, made before JAX reads them.

Commands that tests start inherit them. Four devices on the CPU of any machine, since tests compare
one device with several.
"""

import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# A shell starts its background jobs with Ctrl-C ignored, and children inherit that; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["JAX_NUM_CPU_DEVICES"] = "4"
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
os.environ["JAX_DEBUG_KEY_REUSE"] = "true"

# Commands are started in other folders, and test modules are no package: both find what they need.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
)
sys.path.insert(0, str(ROOT / "tests" / "experiments" / "harness"))
