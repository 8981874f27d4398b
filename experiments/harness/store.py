"""Run folders, `<out>/<experiment>/<UTC>-<hash8>/`: whole, or not there at all.

A run is made in a hidden folder beside its place and renamed when it is complete. The hidden
folder is locked while its process lives; what a killed process left is removed by the next run.
"""

from __future__ import annotations

import csv
import fcntl
import os
import re
import shutil
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from experiments.harness import exact_json, interrupts
from experiments.harness.errors import InputError, shortened
from experiments.harness.experiment import Json, Result, Table

_RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_TABLE = re.compile(r"[a-z0-9][a-z0-9_-]*")
_WHOLE = re.compile(r"-?[0-9]+")
_UNFINISHED = ".unfinished-"
# Between its making and its lock a folder is without protection, for far less than this.
_GRACE_SECONDS = 60.0
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Run:
    """A finished run as read from its folder."""

    folder: Path
    config: dict[str, Any]
    record: dict[str, Any]
    result: Result


@contextmanager
def draft(out: Path, experiment: str) -> Iterator[Path]:
    """Yield an empty hidden folder beside the runs of the experiment, removed unless published.

    Folders that had to be made for it are removed too if they stay empty. Raises InputError if
    nothing can be written there, before anything else happens.
    """
    parent = out / experiment
    made: list[Path] = []
    try:
        _make_folders(parent, made)
        remove_leftovers(parent)
        folder = parent / f"{_UNFINISHED}{uuid4().hex}"
        folder.mkdir()
    except (OSError, ValueError) as error:
        _remove_empty(made)
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InputError(
            f"--out must be a folder that can be written; got {shortened(str(out))} "
            f"({reason.lower()})."
        ) from None
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)
        _remove_empty(made)


def assert_writable(out: Path) -> None:
    """Raise InputError unless a folder can be made in `out`; leave nothing behind."""
    with draft(out, ""):
        pass


def remove_leftovers(parent: Path) -> None:
    """Remove the unfinished folders in `parent` that no living process holds."""
    for folder in parent.glob(f"{_UNFINISHED}*"):
        try:
            if time.time() - folder.stat().st_mtime < _GRACE_SECONDS:
                continue
            lock = os.open(folder, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)


def write_measurement(folder: Path, config: Mapping[str, Json], result: Result) -> None:
    """Write config.json, arrays.npz and the tables.

    Raises TypeError or ValueError for what these cannot hold, and OSError.
    """
    write_arrays(folder / "arrays.npz", result.arrays)
    for name, table in result.tables.items():
        if not _TABLE.fullmatch(name):
            raise ValueError(f"`tables` must have names like 'by_family'; got {name!r}.")
        _write_table(folder / f"{name}.csv", table, name)
    text = exact_json.dumps(dict(config), indent=1)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def write_record(folder: Path, record: Mapping[str, Json], tables: Mapping[str, Table]) -> None:
    """Write record.json; what a table says beyond its cells goes there too."""
    headings: dict[str, Json] = {
        name: {
            "title": table.title,
            "caption": table.caption,
            "columns": list(table.columns),
            "rows": len(table.rows),
            # A CSV file cannot tell the text "12" from the number.
            "texts": [
                all(cell is None or isinstance(cell, str) for cell in cells)
                for cells in _columns(table)
            ],
        }
        for name, table in tables.items()
    }
    text = exact_json.dumps({**record, "tables": headings}, indent=1)
    (folder / "record.json").write_text(text + "\n", encoding="utf-8")


def publish(folder: Path, *, started: datetime, fingerprint: str) -> Path:
    """Give the complete folder its name, which tells when it was started (UTC), and return it.

    A second run in one second is named a second later. Raises KeyboardInterrupt after a Ctrl-C.
    """
    interrupts.stop_if_asked()
    while True:
        final = folder.parent / f"{started:%Y%m%dT%H%M%SZ}-{fingerprint[:8]}"
        if not final.exists():
            return folder.rename(final)
        started += timedelta(seconds=1)


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def runs(parent: Path) -> list[Path]:
    """Return the finished runs in an experiment's folder, newest first."""
    return _newest_first(
        path for path in parent.iterdir() if _RUN.fullmatch(path.name) and path.is_dir()
    )


def _newest_first(folders: Iterable[Path]) -> list[Path]:
    # Names tell seconds; within one, the folder that was written last is the newer.
    return sorted(
        folders,
        key=lambda path: (path.name.partition("-")[0], path.stat().st_mtime_ns),
        reverse=True,
    )


def find(out: Path, experiment: str, fingerprint: str) -> Run | None:
    """Return the newest run with this fingerprint, None if there is none that can be read."""
    for folder in runs(out / experiment):
        if folder.name.endswith(f"-{fingerprint[:8]}"):
            try:
                run = load(folder)
            except InputError:
                continue
            if run.record.get("fingerprint") == fingerprint:
                return run
    return None


def locate(path: Path) -> Path:
    """Return the run folder that `path` means: itself, or the newest run in it.

    That is the newest of an experiment's folder, or of all experiments in an output folder. Raises
    InputError if there is none.
    """
    try:
        if (path / "record.json").is_file():
            return path
        found = runs(path) or _newest_first(
            run for folder in path.iterdir() if folder.is_dir() for run in runs(folder)
        )
    except (OSError, ValueError):
        found = []
    if not found:
        raise InputError(
            "RUN must be the folder of a run, of an experiment with runs, or of an --out; "
            f"got {shortened(str(path))}."
        )
    return found[0]


def load(folder: Path) -> Run:
    """Return the run in `folder`. Raises InputError if it cannot be read whole."""
    try:
        config = exact_json.loads((folder / "config.json").read_text(encoding="utf-8"))
        record = exact_json.loads((folder / "record.json").read_text(encoding="utf-8"))
        with np.load(folder / "arrays.npz", allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        tables = {
            name: _read_table(folder / f"{name}.csv", heading)
            for name, heading in record["tables"].items()
        }
        if not isinstance(config, dict) or not isinstance(record["data"], dict):
            raise ValueError("config.json and the record's data must be objects")
        return Run(folder, config, record, Result(record["data"], arrays, tables))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"RUN must be a whole run folder; got {shortened(str(folder))} "
            f"({type(error).__name__}: {error})."
        ) from None


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an .npz file whose bytes depend on the arrays alone, not on the time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, values in arrays.items():
            array = np.asarray(values)
            if array.dtype.hasobject:
                raise TypeError(f"`arrays[{name!r}]` must be numbers or text; got objects.")
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)


def _write_table(path: Path, table: Table, name: str) -> None:
    for row in table.rows:
        if len(row) != len(table.columns):
            raise ValueError(
                f"`tables[{name!r}]` must have {len(table.columns)} cells a row; got {len(row)}."
            )
        exact_json.plain(row, f"tables[{name!r}]")
    with path.open("w", encoding="utf-8", newline="") as stream, exact_json.any_digits():
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(table.rows)


def _read_table(path: Path, heading: Mapping[str, Any]) -> Table:
    with path.open(encoding="utf-8", newline="") as stream:
        columns, *lines = list(csv.reader(stream))
    texts = heading["texts"]
    if columns != heading["columns"] or len(lines) != heading["rows"]:
        raise ValueError(f"{path.name} is not the table of the record")
    with exact_json.any_digits():
        rows = tuple(
            tuple(_cell(word, text=text) for word, text in zip(line, texts, strict=True))
            for line in lines
        )
    return Table(tuple(columns), rows, heading["title"], heading["caption"])


def _cell(word: str, *, text: bool) -> str | int | float | None:
    if word == "":
        return None
    if text:
        return word
    if _WHOLE.fullmatch(word):
        return int(word)
    try:
        return float(word)
    except ValueError:
        return word


def _columns(table: Table) -> Sequence[Sequence[str | int | float | None]]:
    return [[row[place] for row in table.rows] for place in range(len(table.columns))]


def _make_folders(path: Path, made: list[Path]) -> None:
    """Make the folder and its parents, and put those that were missing in `made`."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        if path.parent == path:
            break
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        made.append(folder)


def _remove_empty(made: Sequence[Path]) -> None:
    for folder in reversed(made):
        try:
            folder.rmdir()
        except OSError:
            return
