"""The project's commands: `nox -s experiments`, `nox -s tests` and the rest."""

from __future__ import annotations

import shutil

import nox

nox.options.sessions = ["tests", "lint", "types"]
nox.options.default_venv_backend = "venv"

PROJECT = nox.project.load_toml("pyproject.toml")
CPU_TORCH = "https://download.pytorch.org/whl/cpu"


def install(session: nox.Session, *groups: str) -> None:
    """Install the project in place, with dependency groups."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, *groups))


def install_peers(session: nox.Session) -> None:
    """Install the project in place with the peers that it is timed against, on a CPU's PyTorch."""
    peers = nox.project.dependency_groups(PROJECT, "bench")
    torch = [peer for peer in peers if peer.startswith("torch==")]
    # PyPI's PyTorch for Linux is the CUDA build, of gigabytes. The CPU build's local version sorts
    # above it, and then satisfies the same pin; where its index is out of reach, PyPI's stays.
    session.install("--no-deps", "--retries", "1", "--extra-index-url", CPU_TORCH, *torch)
    install(session, "bench")


@nox.session
def experiments(session: nox.Session) -> None:
    """Run all experiments and show which claims hold; further words are passed on to that."""
    install(session)
    session.run("python", "-m", "experiments", "all", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests."""
    install(session, "tests")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        # The browser tests need one; this brings its own where none is installed.
        session.run("python", "-m", "playwright", "install", "chromium")
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "types")
    session.run("mypy", *session.posargs)


@nox.session(python="3.11")
def bench(session: nox.Session) -> None:
    """Time kernels, trainings and the main job against their peers and floors."""
    install_peers(session)
    session.run("python", "-m", "experiments.bench", *session.posargs)


def install_table(session: nox.Session) -> None:
    """Install the package with the real table of embeddings, without all that it depends on."""
    session.install("--no-deps", *nox.project.dependency_groups(PROJECT, "demo"))


@nox.session(python="3.11")
def demo(session: nox.Session) -> None:
    """Audit a real table of token embeddings; further words are passed on to the audit."""
    install(session)
    install_table(session)
    found = session.run("python", "-m", "experiments.wordllama_table", silent=True)
    table, tokens = str(found).split("\n")[:2]
    command = ("python", "-m", "experiments.audit", table, "--vocabulary", tokens)
    session.run(*command, *session.posargs)


@nox.session(python="3.11")
def reference(session: nox.Session) -> None:
    """Measure again what results/reference and README hold; further words are passed on."""
    install(session, "tests")
    install_table(session)
    words = session.posargs or ["results"]
    session.run("python", "-m", "experiments.reference", "--measure", *words)


@nox.session(python="3.11")
def validate(session: nox.Session) -> None:
    """Measure every number that the project promises, in an hour or so; nothing is kept.

    `nox -s validate -- --out results/reference` also writes the table that is committed, and with
    `--resume` after it goes on with a table where a stopped run left it.
    """
    install_peers(session)
    install_table(session)
    session.run("python", "-m", "experiments.validate", *session.posargs)
