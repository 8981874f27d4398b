"""What every experiment shares: command line, run folder, checks, progress, report.

The harness knows no mathematics and no experiment. An experiment describes itself as an
`experiment.Experiment` and calls `run.main`.

- `experiment`: the description of an experiment, and what its measurement returns.
- `checks`: verdicts on predictions, and on claims.
- `cli`, `flags`: typed configs to a command line, with one-line errors.
- `run`: from arguments to a run folder, an answer and an exit code.
- `store`: run folders: written whole or not at all.
- `drawing`, `report`: the report of a run and the index over all runs.
- `interrupts`: Ctrl-C that is not lost.
- `hosts`: several processes that share one run; `watch`, `watch_leader`, `watch_helper`, `wire`:
  how they notice that one is lost.
- `arrays`: users' files of arrays, read by rows: `npy_rows`, `safetensors_rows`, over `array_rows`,
  `array_types` and `array_bytes`; `turned_rows`: the columns as rows.
- `provenance`, `devices`, `progress`, `exact_json`, `terminal`, `errors`: what the names say.
"""
