"""High-dimensional geometry and packings: mathematics only, arrays in and arrays out.

Conventions. `vectors` is `[n, d]`: rows are vectors. `dim` is d, `count` is n. `eps` is the
allowed |inner product| of unit vectors, in [0, 1), and is kept exact (`exact.Cosine`). A line is
a direction up to sign, so a packing of lines has all pairwise |cos| <= eps. Bounds say lower or
upper. Random numbers take a `key` first. float32 on devices, float64 and integers on the host.

Index
    exact           exact |cosines|, their comparison, and how eps and angles are read
    sphere          sampling, normalising; the exact laws of random directions
    coherence       the largest entry of a Gram matrix: kernels that trace
    closest         the closest pairs of rows, with a proof that no other pair is closer
    spectrum        the law of all cosines: histogram, quantiles, each row's largest
    rounding        how far a computed cosine can be from the true one
    rows            rows on demand, of matrices that need not fit in memory
    panels          a sweep over all pairs of such rows, shared by devices and processes
    tiles           tiles of a Gram matrix: blocks, masks, devices
    baseline        random and greedy packings, as simulated
    dictionaries    random directions, tight frames and packings, as matrices
    signals         sparse activity of features, and its superposition
    readout         linear read-out in blocks: histograms, false alarms, misses
    interference    its laws, thresholds, guarantees and the widths needed
    decoders        matched filter, pursuit, FISTA, message passing, basis pursuit
    donoho_tanner   the phase transition of l1 recovery
    state_evolution what message passing does in large random dictionaries
    gram_moments    exact moments of all pairwise cosines, without the pairs
    marchenko_pastur  eigenvalues of random directions' frame operator
    duplicates      rows that are equal
    capacity        feature dimensionality, leverage, sharing, worst cases
    monosemanticity whether a unit responds to one feature alone
    allocation      the best division of dimensions among features, of a quadratic model
    steering        what scaling one feature does to the others
    recovery        how well a learned dictionary recovers a true one, and what chance would
    recovery_failures  dead, split and merged latents; merged and missed features
    absorption      a child feature's latent standing in for its parent's
    bounds          proved upper bounds on the size of a packing
    packing         what an explicit packing is: rows by index, exact coherence, recipe
    constructions   explicit packings, one family a file
    moves           packings from packings: subset, zero-pad, direct sum
    optimised       packings that a search found, held as rows in float64
    catalogue       the best explicit packing known here for (dim, eps)
    comparison      the largest |cos| of all pairs, exact or with its error
    certify         proof that a packing has the stated coherence
"""
