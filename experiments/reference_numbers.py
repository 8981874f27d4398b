"""Numbers that the program is held to: brackets that close, upper bounds, packings."""

from __future__ import annotations

from geometry import exact
from geometry.exact import Cosine

__all__ = ["BEST_ANGLES", "LARGE_UPPER", "LOWER", "TIGHT", "UPPER", "threshold"]

# Brackets (d, eps, N) that close: both sides proved, each from a paper of its own.
TIGHT = (
    (3, "1/sqrt(5)", 6),
    (4, "1/2", 12),
    (4, "36°", 60),
    (6, "1/2", 36),
    (7, "1/2", 63),
    (8, "1/2", 120),
    (7, "1/3", 28),
    (23, "1/5", 276),
    (23, "1/3", 2300),
    (24, "1/2", 98280),
    (16, "1/4", 144),
    (64, "1/8", 2112),
    (256, "1/16", 33024),
    (1024, "1/32", 525312),
    (100, "89°", 102),
)
# The best upper bounds, to the last line, and to the digits given.
UPPER = (
    (100, "0.1", 5100),
    (100, "0.2", 346691),
    (500, "0.01", 525),
    (500, "0.0157", 570),
    (500, "0.05", 143479),
    (500, "0.1", 138234855),
    (512, "1/16", 264204),
    (768, "0.05", 548727),
    (1000, "0.05", 2019181),
    (1024, "0.05", 2409189),
)
LARGE_UPPER = ((4096, "0.05", 4.3136e16), (4096, "0.1", 1.8211e42), (12288, "0.05", 3.249e40))
# What explicit packings reach at least.
LOWER = (
    (500, "0.01", 524),
    (500, "0.0157", 562),
    (500, "0.05", 13020),
    (500, "0.1", 313120),
    (500, "0.0785", 126000),
    (512, "0.0625", 262656),
    (768, "0.05", 28914),
    (1000, "0.05", 499002),
    (1024, "0.05", 525312),
    (4096, "0.05", 17179873280),
    (4096, "0.1", 70488151969272494),
    (12288, "0.05", 2 * 6143**4),
    (100, "0.2", 10301),
    (100, "0.1", 549),
)
# The largest known angles, in degrees, between the closest two of n lines in R^d: n to angle
# (Conway, Hardin and Sloane, Packing lines, planes, etc., 1996, and their tables since).
BEST_ANGLES: dict[int, dict[int, float]] = {
    3: {
        4: 70.529,
        5: 63.435,
        6: 63.435,
        7: 54.736,
        8: 49.64,
        9: 47.982,
        10: 46.675,
        11: 44.403,
        12: 41.882,
        13: 39.813,
        14: 38.682,
        15: 38.135,
        16: 37.377,
    },
    4: {
        5: 75.522,
        6: 70.529,
        7: 67.021,
        8: 65.53,
        9: 64.262,
        10: 64.262,
        11: 60,
        12: 60,
        13: 55.465,
        14: 53.838,
        15: 52.502,
        16: 51.827,
    },
    5: {
        6: 78.463,
        7: 73.369,
        8: 70.804,
        9: 70.529,
        10: 70.529,
        11: 67.254,
        12: 67.021,
        13: 65.732,
        14: 65.724,
        15: 65.53,
        16: 63.435,
    },
}


def threshold(words: str) -> Cosine:
    """An eps, or an angle where the words end with a degree sign."""
    return exact.angle(words[:-1]) if words.endswith("°") else exact.eps(words)
