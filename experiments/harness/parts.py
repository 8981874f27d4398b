"""Finished parts of a measurement, kept so that a killed run goes on where it stopped.

They lie in `<out>/<experiment>/.parts-<hash16>/`, one file each, JSON for finished parts and a
checked archive for the arrays of one that is under way, written to a temporary name and renamed
whole. The hash is over config, source, versions and devices. So a part is found only by a run that
would compute the same. The folder goes when the run is published.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.harness import exact_json
from experiments.harness.markup import write_whole

_PREFIX = ".parts-"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_ARRAYS = "arrays"
"""Suffix of files with arrays: their SHA-256, then a .npz."""
_DIGEST = hashlib.sha256().digest_size
# A run that nobody took up again in this time leaves nothing behind for ever.
_KEPT_SECONDS = 30 * 86400.0


class Parts:
    """Named JSON values in `folder`, made when the first one is kept; without one, none are."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def get(self, name: str, make: Callable[[], object]) -> Any:
        """Return the JSON value of `make()`, or the one that an earlier, killed run kept.

        A fresh value has passed through JSON too, so that both are the same to the last bit.
        Raises ValueError for a `name` unfit for a file, TypeError or ValueError for what JSON
        cannot hold, and OSError.
        """
        path = self._path(name, "json")
        if path is not None:
            try:
                return exact_json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                pass  # not there, or damaged: it is made anew
        text = exact_json.dumps(exact_json.plain(make(), name))
        if path is not None:
            _write(path, text.encode())
        return exact_json.loads(text)

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """Return the arrays that `save` kept under `name`; None if there are none, or damaged ones.

        Raises ValueError for a `name` unfit for a file.
        """
        path = self._path(name, _ARRAYS)
        if path is None:
            return None
        try:
            content = path.read_bytes()
        except OSError:
            return None
        # A damaged archive may still open, with arrays missing or changed.
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            return None
        with np.load(io.BytesIO(content[_DIGEST:]), allow_pickle=False) as held:
            return {key: held[key] for key in held.files}

    def save(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays under `name`, in place of what was there; without a folder, do nothing.

        Raises ValueError for a `name` unfit for a file, and OSError.
        """
        path = self._path(name, _ARRAYS)
        if path is not None:
            buffer = io.BytesIO()
            np.savez(buffer, allow_pickle=False, **dict(arrays))
            payload = buffer.getvalue()
            _write(path, hashlib.sha256(payload).digest() + payload)

    def forget(self, name: str) -> None:
        """Remove the arrays kept under `name`, if any."""
        path = self._path(name, _ARRAYS)
        if path is not None:
            path.unlink(missing_ok=True)

    def _path(self, name: str, suffix: str) -> Path | None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"`name` must be like 'column-12'; got {name!r}.")
        return None if self._folder is None else self._folder / f"{name}.{suffix}"

    def discard(self) -> None:
        """Remove what is kept."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def of_run(parent: Path, fingerprint: str, *, fresh: bool = False) -> Parts:
    """Return the parts of the run with this fingerprint, its experiment's folder being `parent`.

    `fresh` drops what an earlier run kept. Parts of other runs go after thirty days.
    """
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            old = time.time() - folder.stat().st_mtime > _KEPT_SECONDS
        except OSError:
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)
    found = Parts(parent / f"{_PREFIX}{fingerprint[:16]}")
    if fresh:
        found.discard()
    return found


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        write_whole(path, content)
    except FileNotFoundError:
        # Another run of the same has ended meanwhile, and taken the folder away.
        path.parent.mkdir(exist_ok=True)
        write_whole(path, content)
