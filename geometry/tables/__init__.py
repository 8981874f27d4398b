"""Tables shipped with the package: results of long computations, each redone by a command."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import Any

__all__ = ["read"]


@lru_cache(maxsize=8)
def read(name: str) -> Any:
    """The contents of the JSON file `name` beside this one; not to be changed by the caller."""
    return json.loads(resources.files(__name__).joinpath(name).read_text("utf-8"))
