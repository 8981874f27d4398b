"""One file, one question, one command: `python -m experiments` lists them."""
