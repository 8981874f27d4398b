"""Draft."""

import json
import time

from experiments import sae_arms
from experiments.harness.progress import Progress
from experiments.sae_config import Config

if __name__ == "__main__":
    b = time.time()
    found, shown = sae_arms.measure(Config(), Progress(quiet=True))
    print(time.time() - b)
    json.dump([found, shown], open("/tmp/w7/sae.json", "w"))
