"""High-dimensional geometry and packings: mathematics only, arrays in and arrays out.

Conventions. `vectors` is `[n, d]`: rows are vectors. `dim` is d, `count` is n. `eps` is the
allowed |inner product| of unit vectors, in [0, 1), and is kept exact (`exact.Cosine`). A line is
a direction up to sign, so a packing of lines has all pairwise |cos| <= eps. Bounds say lower or
upper. Random numbers take a `key` first. float32 on devices, float64 and integers on the host.

Index, a line a module:

Numbers and rows
    exact             exact |cosines|, their comparison, and how eps and angles are read
    intervals         interval arithmetic, and its ends as rationals
    rounding          how far a computed cosine can be from the true one
    products          the matrix product of everything that is reported, decoded or trained
    sphere            sampling, normalising; the exact laws of random directions
    rows              rows on demand, of matrices that need not fit in memory
    tables            tables shipped with the package, results of long computations

All pairs of rows
    tiles             tiles of a Gram matrix: blocks, masks, devices
    coherence         the largest entry of a Gram matrix: kernels that trace
    panels            a sweep over all pairs of rows, shared by devices and processes
    closest           the closest pairs of rows, with a proof that no other pair is closer
    spectrum          the law of all cosines: histogram, quantiles, each row's largest
    gram_moments      exact moments of all pairwise cosines, without the pairs
    marchenko_pastur  eigenvalues of random directions' frame operator
    duplicates        rows that are equal
    polytopes         the shapes that directions form, block by block

Packings
    bounds            proved upper bounds on the size of a packing
    packing           what an explicit packing is: rows by index, exact coherence, recipe
    character_sums    true maxima of exponential sums, by FFTs
    constructions     explicit packings, one family a file
    moves             packings from packings: subset, zero-pad, direct sum, ...
    knapsack          the best direct sums and tensor products, in every dimension at once
    catalogue         the best explicit packing known here for (dim, eps)
    comparison        the largest |cos| of all pairs, exact or in float64
    spot_check        random pairs of a packing's rows
    certify           proof that a packing has the stated coherence
    baseline          random and greedy packings, as simulated
    optimise          the least coherent lines that many numerical starts find
    polish            from near a local optimum to the optimum itself, in float64
    kernel_clip       few more lines than dimensions, by clipping Gram matrices
    excess            room made for further lines beside a packing
    optimised         packings that a search found, held as rows in float64

Superposition
    dictionaries      random directions, tight frames and packings, as matrices
    signals           sparse activity of features, and its superposition
    readout           linear read-out in blocks: histograms, false alarms, misses
    interference      its laws, thresholds, guarantees and the widths needed
    decoders          matched filter, pursuit, FISTA, message passing, basis pursuit
    donoho_tanner     the phase transition of l1 recovery
    state_evolution   what message passing does in large random dictionaries
    capacity          feature dimensionality, leverage, sharing, worst cases
    allocation        the best division of dimensions among features, of a quadratic model
    two_in_one        two features in one dimension: the exact loss and its optimum
    sharing           neurons that several features share, and what chance would give
    sparsification    how an l1 penalty turns a random vector into a single weight
    steering          what scaling one feature does to the others
    monosemanticity   whether a unit responds to one feature alone
    recovery          how well a learned dictionary recovers a true one, and what chance would
    recovery_failures dead, split and merged latents; merged and missed features
    absorption        a child feature's latent standing in for its parent's
"""
