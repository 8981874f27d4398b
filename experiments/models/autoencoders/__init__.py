"""Sparse autoencoders, an architecture a file; the names by which they are asked for."""

from collections.abc import Mapping

from experiments.models.autoencoders.base import SparseAutoencoder
from experiments.models.autoencoders.batch_top_k import BatchTopKAutoencoder
from experiments.models.autoencoders.gated import GatedAutoencoder
from experiments.models.autoencoders.jump_relu import JumpReluAutoencoder
from experiments.models.autoencoders.matryoshka import MatryoshkaAutoencoder
from experiments.models.autoencoders.relu import ReluAutoencoder
from experiments.models.autoencoders.top_k import TopKAutoencoder

__all__ = ["ARCHITECTURES"]

ARCHITECTURES: Mapping[str, type[SparseAutoencoder]] = {
    "topk": TopKAutoencoder,
    "batch-topk": BatchTopKAutoencoder,
    "matryoshka": MatryoshkaAutoencoder,
    "jumprelu": JumpReluAutoencoder,
    "gated": GatedAutoencoder,
    "relu": ReluAutoencoder,
}
"""A new architecture is a file and a line here."""
