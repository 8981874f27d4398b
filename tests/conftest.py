"""Strict settings for every test, made before JAX starts."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# The tests compare one device with four, on the CPU of any machine. Commands that a test starts
# inherit the platform, and find this source from any folder.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
)

import jax

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)

# Test modules are no package; helpers beside them are found here.
sys.path.insert(0, str(ROOT / "tests" / "experiments" / "harness"))
