"""Where the wordllama package keeps its table of token embeddings, and the tokens.

    python -m experiments.wordllama_table

prints both paths.  The package ships 32,000 rows of 256 half-precision numbers, which serve as a
real matrix to audit.  None of its code is run.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from experiments.harness.errors import DONE, InputError, exit_code

__all__ = ["paths"]

_TABLE = "weights/l2_supercat_256.safetensors"
_TOKENS = "tokenizers/l2_supercat_tokenizer_config.json"


def paths() -> tuple[Path, Path] | None:
    """Return the files with the table and with the tokens; None where the package is absent."""
    # For a package at the top level this only looks for it.
    found = importlib.util.find_spec("wordllama")
    for folder in (found and found.submodule_search_locations) or ():
        table, tokens = Path(folder) / _TABLE, Path(folder) / _TOKENS
        if table.is_file() and tokens.is_file():
            return table, tokens
    return None


def _main() -> int:
    found = paths()
    if found is None:
        raise InputError("the package wordllama must be installed: pip install --no-deps wordllama")
    for path in found:
        print(path)
    return DONE


if __name__ == "__main__":
    raise SystemExit(exit_code(_main))
