"""Decoders: from x = s W back to the sparse code s, in batches, one algorithm a file.

Throughout `vectors` `[n, d]` are the unit rows of the dictionary W, `inputs` `[b, d]` the signals
and codes `[b, n]`.  A batch shares its dictionary, so that every step is a matrix product.

Index
    matched_filter  y = x Wᵀ with a threshold, a ReLU with bias, or the k largest
    pursuit         orthogonal matching pursuit
    fista           l1-penalised least squares, signed or nonnegative
    basis_pursuit   is the true code the l1 minimiser?  Decided trial by trial
    amp             approximate message passing with soft threshold
    batch           what decoders share: their arguments, and the soft threshold
"""
