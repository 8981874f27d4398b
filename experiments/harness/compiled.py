"""One compilation cache for many commands: what one has compiled, none compiles again.

It is JAX's own, in a folder for each kind of processor and number of threads: machine code of one
may not run on another that shares the output folder, and XLA divides loops among the threads that
it has. JAX's keys tell versions, programs and devices apart.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import time
import zlib
from importlib.metadata import entry_points
from pathlib import Path

__all__ = ["has_accelerator", "shared"]

_FOLDER = ".compiled"
_VARIABLE = "JAX_COMPILATION_CACHE_DIR"
# Machine code that nobody has used for so long is of versions that are gone.
_KEPT_SECONDS = 30 * 86400.0
# The first bytes of what zstandard packs (RFC 8878, section 3.1.1).
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


def shared(out: Path, threads: int) -> dict[str, str]:
    """Return the environment variables by which commands share the cache of an output folder.

    Of commands in which XLA has so many threads.  None where the environment names a cache of its
    own already.  Removes caches that were not used for thirty days, and entries that a process left
    unfinished: JAX writes them in place, and would warn of such a one in every run without ever
    replacing it.  Costs a read of the cache, some twenty megabytes.  Raises OSError if the folder
    cannot be made or written.
    """
    if os.environ.get(_VARIABLE):
        return {}
    parent = out.resolve() / _FOLDER
    told = "\n".join([_processor(), f"{threads} threads"])
    here = parent / hashlib.sha256(told.encode()).hexdigest()[:16]
    here.mkdir(parents=True, exist_ok=True)
    os.utime(here)
    for entry in here.iterdir():
        if entry.is_file() and not _whole(entry):
            entry.unlink(missing_ok=True)
    for folder in parent.iterdir():
        try:
            if time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
    # JAX would leave out what takes it less than a second, which is most of what is compiled here.
    return {_VARIABLE: str(here), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}


def has_accelerator() -> bool:
    """Whether JAX may find an accelerator: a plugin for one is installed, and not switched off.

    Known without importing JAX, which would take the device.
    """
    if os.environ.get("JAX_PLATFORMS") == "cpu":
        return False
    return bool(entry_points(group="jax_plugins")) or importlib.util.find_spec("libtpu") is not None


def _whole(entry: Path) -> bool:
    """Whether an entry can be unpacked; of zstandard's, which JAX may use, all but empty ones."""
    content = entry.read_bytes()
    if content.startswith(_ZSTANDARD):
        return True
    try:
        zlib.decompress(content)
    except zlib.error:
        return False
    return True


def _processor() -> str:
    """Return a text that differs between processors with different instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    told = {line for line in lines if line.startswith(("flags", "Features", "model name"))}
    return "\n".join([platform.machine(), platform.processor(), *sorted(told)])
