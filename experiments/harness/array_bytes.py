"""Bytes of users' files by explicit reads, each checked for its length.

A memory map of a file that shrinks would kill the process.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.harness.errors import InputError, shortened

_STEP = 1 << 20
# A local header of a zip archive: its signature, and the lengths of the name and the extra field.
_LOCAL = struct.Struct("<4s22xHH")
# What NumPy and zipfile raise on a damaged file. NumPy reads a header with Python's own parser.
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    RuntimeError,
    MemoryError,
    OverflowError,
    SyntaxError,
    TokenError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


class ArrayFileError(InputError):
    """A file that cannot be read, or that does not hold what was asked for."""


def trouble(path: Path, what: str) -> ArrayFileError:
    """Return the error that says in one line what is wrong with the file."""
    return ArrayFileError(f"the file {shortened(str(path), 200)} {what}.")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file raises into ArrayFileError."""
    try:
        yield
    except ArrayFileError:
        raise
    except _BROKEN as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        short = " ".join(reason.split())[:200] or type(error).__name__
        raise trouble(path, f"cannot be read: {short}") from None


class Bytes(Protocol):
    """A stretch of bytes that can be read from anywhere."""

    @property
    def size(self) -> int:
        """Their number."""

    def fill(self, offset: int, buffer: NDArray[np.uint8]) -> None:
        """Fill the buffer with the bytes from `offset` on, or raise ArrayFileError."""

    def scattered(self) -> Bytes:
        """Return the same bytes in a form where reading here and there costs no more."""

    def close(self) -> None:
        """Give up what is held beside the file itself."""


class Part:
    """A part of an open file; the whole one where nothing is said.

    With `checksum`, a CRC-32, it is compared once, if the bytes are read in order.
    """

    def __init__(
        self,
        stream: IO[bytes],
        path: Path,
        *,
        start: int = 0,
        size: int | None = None,
        checksum: int | None = None,
    ) -> None:
        self._stream = stream
        self._path = path
        self._start = start
        self.size = os.fstat(stream.fileno()).st_size - start if size is None else size
        self._checksum = checksum
        self._read = (0, zlib.crc32(b""))

    def fill(self, offset: int, buffer: NDArray[np.uint8]) -> None:
        """Fill the buffer, or raise ArrayFileError."""
        done, view = 0, buffer.data
        while done < len(view):
            place = self._start + offset + done
            came = os.preadv(self._stream.fileno(), [view[done:]], place)
            if came == 0:
                raise _short(self._path, done, len(view))
            done += came
        if self._checksum is not None and offset == self._read[0]:
            self._read = offset + len(view), zlib.crc32(view, self._read[1])
            if self._read[0] == self.size:
                if self._read[1] != self._checksum:
                    raise trouble(self._path, "is damaged: a checksum in it is wrong")
                self._checksum = None

    def scattered(self) -> Bytes:
        """Return itself."""
        return self

    def close(self) -> None:
        """Do nothing: the stream is its owner's."""


class Deflated:
    """A compressed member of a zip archive, of which one can only read on.

    Reading further back decompresses anew from the start. Not for several threads at once.
    """

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
        self._archive = archive
        self._entry = entry
        self._path = path
        self.size = entry.file_size
        self._position = 0
        self._stream = archive.open(entry)

    def fill(self, offset: int, buffer: NDArray[np.uint8]) -> None:
        """Fill the buffer, or raise ArrayFileError."""
        if offset < self._position:
            self._stream.close()
            self._stream, self._position = self._archive.open(self._entry), 0
        # Read, not sought: a seek would leave the member's checksum uncompared.
        while self._position < offset:
            self._position += self._some(min(_STEP, offset - self._position)).size
        done = 0
        while done < buffer.size:
            came = self._some(min(_STEP, buffer.size - done))
            buffer[done : done + came.size] = came
            done += came.size
            self._position += came.size

    def scattered(self) -> Bytes:
        """Return the bytes decompressed, in a file without a name."""
        with ExitStack() as stack:
            stream = stack.enter_context(tempfile.TemporaryFile())
            with self._archive.open(self._entry) as packed:
                shutil.copyfileobj(packed, stream, _STEP)
            stream.flush()
            stack.pop_all()
        self.close()
        return _Copy(stream, self._path)

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _some(self, count: int) -> NDArray[np.uint8]:
        content = self._stream.read(count)
        if not content:
            raise _short(self._path, self._position, self.size)
        return np.frombuffer(content, np.uint8)


class _Copy(Part):
    def close(self) -> None:
        self._stream.close()


def member(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, stream: IO[bytes], path: Path
) -> Part | Deflated:
    """Return the bytes of a member of the archive that is open as `stream`."""
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        return Deflated(archive, entry, path)
    if entry.compress_type != zipfile.ZIP_STORED:
        name = shortened(entry.filename.removesuffix(".npy"))
        raise trouble(path, f"packs {name} in a way that NumPy does not")
    # Opened for its checks of the local header, such as for encryption.
    archive.open(entry).close()
    local = np.empty(_LOCAL.size, np.uint8)
    Part(stream, path).fill(entry.header_offset, local)
    _, name_size, extra_size = _LOCAL.unpack(local.tobytes())
    start = entry.header_offset + _LOCAL.size + name_size + extra_size
    size = min(entry.file_size, entry.compress_size)
    return Part(stream, path, start=start, size=size, checksum=entry.CRC)


def _short(path: Path, came: int, wanted: int) -> ArrayFileError:
    return trouble(path, f"is truncated: {came} of {wanted} bytes came")
