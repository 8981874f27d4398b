"""Which claims hold? The scorecard over the runs in a results folder.

`python -m experiments.scorecard [RESULTS] [--json]` writes `index.html`, `scorecard.json` and
`SCORECARD.md` anew, as each run does when it ends, and prints the claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments import scorecard_page, scorecard_text
from experiments.harness import cli, exact_json
from experiments.harness.errors import DONE, InputError, shortened
from experiments.harness.index import INDEX, alone
from experiments.harness.markup import write_whole
from experiments.scorecard_verdicts import Scorecard, gather

__all__ = ["Scorecard", "gather", "main", "write"]

JSON = "scorecard.json"
MARKDOWN = "SCORECARD.md"


@dataclass(frozen=True)
class Arguments:
    """Which runs."""

    results: Annotated[tyro.conf.Positional[Path], cli.path("RESULTS", metavar="RESULTS")] = Path(
        "results"
    )
    """The folder of the runs: the --out of the experiments."""
    json: bool = False
    """Print the content of scorecard.json and nothing else."""


def write(out: Path) -> Scorecard:
    """Write the three files into `out`, each whole or not at all, and return the scorecard.

    Their bytes depend on the records there, and on which reports are there, alone.
    """
    with alone(out), exact_json.any_digits():
        card = gather(out)
        write_whole(out / INDEX, scorecard_page.html(card, out))
        text = exact_json.dumps(scorecard_text.as_json(card), indent=1)
        write_whole(out / JSON, text + "\n")
        write_whole(out / MARKDOWN, scorecard_text.markdown(card))
    return card


def main(argv: Sequence[str] | None = None) -> int:
    """Write the scorecard, print the claims, and return the exit code."""
    return cli.command(_main, argv)


def _main(argv: Sequence[str]) -> int:
    arguments = cli.parse_command(
        Arguments,
        prog="python -m experiments.scorecard",
        description="Write the scorecard of the runs in a folder, and print the claims.",
        argv=argv,
    )
    if not arguments.results.is_dir():
        raise InputError(
            f"RESULTS must be a folder with runs; got {shortened(str(arguments.results))}."
        )
    card = write(arguments.results)
    if arguments.json:
        print(exact_json.dumps(scorecard_text.as_json(card)))
    else:
        print("\n".join([*scorecard_text.lines(card), "", str(arguments.results / INDEX)]))
    return DONE


if __name__ == "__main__":
    raise SystemExit(main())
