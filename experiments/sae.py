"""Draft."""

from __future__ import annotations
import sys, time, json
from experiments import sae_arms
from experiments.sae_config import Config
from experiments.harness.progress import Progress

if __name__ == "__main__":
    b = time.time()
    found = sae_arms.measure(Config(), Progress(quiet=True))
    print(time.time() - b)
    json.dump(found, open("/tmp/w7/sae.json", "w"), default=lambda a: a.tolist())
