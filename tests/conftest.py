"""Strict settings for every test, made before JAX starts."""

import os
import sys
from pathlib import Path

# The tests compare one device with four, on the CPU of any machine; commands started by a test
# inherit the platform.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)

# Test modules are no package; helpers beside them are found here.
sys.path.insert(0, str(Path(__file__).parent / "experiments" / "harness"))
