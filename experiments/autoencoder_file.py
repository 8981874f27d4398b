"""The `.safetensors` file of a sparse autoencoder: what `sae --save` writes.

Tensors, float32, in the names and shapes that autoencoder libraries share: `W_dec` `[m, d]`, a
latent's direction in each row; `W_enc` `[d, m]`; `b_enc` `[m]`; `b_dec` `[d]`.  For BatchTopK also
`threshold` `[m]`, of (x - b_dec)·W_enc + b_enc times the length of the latent's row of `W_dec`.

    f = relu((x - b_dec) @ W_enc + b_enc), and 0 but for the k latents of a sample with the largest
        f |W_dec| (TopK), or those past their threshold (BatchTopK)
    x̂ = f @ W_dec + b_dec

The directions that were to be found lie beside them, `dictionary` `[n, d]`.  Metadata, text:
`format`, `architecture`, `k`, `seed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.harness.errors import InputError
from experiments.harness.markup import write_whole

if TYPE_CHECKING:
    from experiments.sae_config import Config

__all__ = ["FORMAT", "write"]

FORMAT = "superposition-geometry autoencoder 1"


def write(path: Path, config: Config, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Write the arrays of a run, whole or not at all; return what to print.

    Raises InputError where the folder cannot be written to.
    """
    from safetensors.numpy import save

    decoder = arrays["weights.decoder"]
    tensors = {
        "W_dec": decoder,
        "W_enc": arrays["weights.encoder"].T,
        "b_enc": arrays["weights.encoder_bias"],
        "b_dec": arrays["weights.decoder_bias"],
        "dictionary": arrays["dictionary"],
    }
    if "weights.threshold" in arrays:
        tensors["threshold"] = np.full(len(decoder), arrays["weights.threshold"], np.float32)
    content = save(
        {key: np.ascontiguousarray(value, np.float32) for key, value in tensors.items()},
        metadata={
            "format": FORMAT,
            "architecture": config.architectures[0],
            "k": str(config.active),
            "seed": str(config.seed),
        },
    )
    try:
        write_whole(path, content)
    except OSError as error:
        raise InputError(
            f"--save must name a file that can be written; got {path}: {error.strerror}."
        ) from None
    latents, dim = decoder.shape
    return f"Saved {latents:,} latents of {dim:,} dimensions: {path}"
