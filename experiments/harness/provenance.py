"""Where a number came from: the identity of a run, and the conditions of its measurement."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from experiments.harness import exact_json, processors
from experiments.harness.experiment import Json

_PACKAGES = ("experiments", "geometry")
_LIBRARIES = ("jax", "jaxlib", "flax", "optax", "numpy", "scipy", "mpmath", "plotly")
_COMPILING = (
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
    "/jax/core/compile/backend_compile_duration",
)


def fingerprint(experiment: str, config: Mapping[str, Json]) -> str:
    """Return the SHA-256 of what determines a run: experiment, config, source and versions."""
    identity: dict[str, Json] = {
        "experiment": experiment,
        "config": dict(sorted(config.items())),
        "source": source(),
        "versions": dict(versions()),
    }
    return hashlib.sha256(exact_json.dumps(identity).encode()).hexdigest()


def source() -> str:
    """Return the SHA-256 of the source that determines every number of the project."""
    return source_hash([_folder(package) for package in _PACKAGES])


def source_hash(folders: Sequence[Path | None]) -> str:
    """Return the SHA-256 over the names and bytes of all files in the folders, caches left out."""
    digest = hashlib.sha256()
    for folder in folders:
        if folder is None:
            continue
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            hidden = any(part.startswith((".", "__pycache__")) for part in relative.parts)
            if hidden or not path.is_file():
                continue
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{folder.name}/{relative.as_posix()} {content}\n".encode())
    return digest.hexdigest()


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of the libraries that numbers depend on."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = None
    return found


def command(experiment: str, argv: Sequence[str]) -> str:
    """Return the command line that starts this run again."""
    return shlex.join(["python", "-m", f"experiments.{experiment}", *argv])


@contextmanager
def compile_seconds() -> Iterator[list[float]]:
    """Yield a list that gathers the seconds of each compilation in JAX while the context is open.

    Their sum leaves out tracing, whose times JAX reports nested in one another.
    """
    from jax import monitoring

    spent: list[float] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event in _COMPILING:
            spent.append(duration_secs)

    monitoring.register_event_duration_secs_listener(listen)
    try:
        yield spent
    finally:
        monitoring.unregister_event_duration_listener(listen)


def provenance(
    experiment: str,
    argv: Sequence[str],
    *,
    config: Mapping[str, Json],
    preset: str,
    seconds: float,
    compiling: float,
    phases: Mapping[str, float],
) -> dict[str, Json]:
    """Return the conditions of a run, for its record. Imports jax and starts its devices."""
    import jax

    from experiments.harness import devices

    settings = jax.config.values
    commit, dirty = commit_of(Path(__file__).parent)
    return {
        "command": command(experiment, argv),
        "config": dict(config),
        "preset": preset,
        "seed": config.get("seed"),
        "seeds": config.get("seeds"),
        "versions": dict(versions()),
        "random_numbers": settings["jax_default_prng_impl"],
        "default_matmul_precision": settings["jax_default_matmul_precision"] or "default",
        "float64": settings["jax_enable_x64"],
        "device": devices.describe(),
        # JAX may be told to leave the processor out where there is an accelerator.
        "machine": _machine(jax.local_device_count() if jax.default_backend() == "cpu" else 1),
        "commit": commit,
        "dirty": dirty,
        "compile_seconds": round(compiling, 3),
        "run_seconds": round(max(seconds - compiling, 0.0), 3),
        "phases": {name: round(spent, 3) for name, spent in phases.items()},
    }


def _machine(devices: int) -> str:
    """Say the system, its processors, and how many of them are used with so many CPU devices."""
    threads = processors.threads(devices=devices)
    used = f"{processors.count()} CPUs, {threads} thread{'s' * (threads != 1)}"
    return f"{platform.system()} {platform.machine()}, {used}"


def commit_of_source() -> tuple[str | None, bool | None]:
    """Return the git commit of the project's source, and whether that has changed since.

    Unlike `commit_of`, what lies beside the source does not count, as results that are kept there.
    """
    folders = [folder for folder in map(_folder, _PACKAGES) if folder is not None]
    return commit_of(Path(__file__).parent, tuple(map(str, folders)))


def commit_of(folder: Path, watched: Sequence[str] = (":/",)) -> tuple[str | None, bool | None]:
    """Return the git commit of the folder's files, and whether `watched` have changed since.

    These are paths of the repository, by default all of them. Both are None outside a repository,
    or where the repository does not track the folder.
    """
    if not _git(folder, "ls-files", "."):
        return None, None
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None, None
    return commit, bool(_git(folder, "status", "--porcelain", "--", *watched))


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _folder(package: str) -> Path | None:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent
