"""Strict settings for every test, made before JAX reads them.

Commands that tests start inherit them. Four devices on the CPU of any machine, since tests compare
one device with several.
"""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

# A shell starts its background jobs with Ctrl-C ignored, and children inherit that; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["JAX_NUM_CPU_DEVICES"] = "4"
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
os.environ["JAX_DEBUG_KEY_REUSE"] = "true"
# As few threads as devices: workers that use all processors each wait for one another.
os.environ["NPROC"] = os.environ["OMP_NUM_THREADS"] = "1"

# What the tests of a session share, whichever process runs them: tiny runs of experiments, and what
# JAX has compiled for them. The workers of xdist inherit the folder from the process that made it.
if "TESTS_SHARE" not in os.environ:
    os.environ["TESTS_SHARE"] = tempfile.mkdtemp(prefix="tests-share-")
    atexit.register(shutil.rmtree, os.environ["TESTS_SHARE"], ignore_errors=True)
os.environ["JAX_COMPILATION_CACHE_DIR"] = os.path.join(os.environ["TESTS_SHARE"], "compiled")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

# Commands are started in other folders, and test modules are no package: both find what they need.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
)
sys.path.insert(0, str(ROOT / "tests" / "experiments" / "harness"))
