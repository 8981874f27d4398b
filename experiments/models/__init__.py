"""Flax models, and their training as pure functions of a key."""
