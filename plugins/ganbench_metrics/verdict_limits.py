"""The limits from which a score is a fault, and so decides a run's verdict.

Each is a factor of the score of as many honest samples (held-out real ones), sometimes with a margin. They were chosen
on honest sets that no test uses: `python -m benchmarks.fooling --honest` prints how far those stay away from each.
"""

from __future__ import annotations

from ganbench import Limit

FID = {"FID": (Limit("low quality", factor=8),)}
"""A squared distance, so 2.8 times as far. A perfect sampler draws classes at random, and held-out data may have them
in equal shares: its FID at 450 digits is then 2.6 times theirs on average, and 5.2 times in the worst of 48 sets."""
INCEPTION_SCORE = {"IS": (Limit("low quality", factor=1.25),)}
PRECISION_RECALL = {
    "precision": (Limit("low quality", factor=1.5, severe=True), Limit("low quality", factor=1.2)),
    "recall": (Limit("too narrow", factor=3, severe=True), Limit("too narrow", factor=1.2)),
}
"""With a third of the samples outside of where real samples lie, what else they show means little."""
COVERAGE_DENSITY = {
    "coverage": (Limit("too narrow", factor=1.25),),
    "density": (Limit("low quality", factor=1.3),),
}
MODES = {
    "HQ": (Limit("low quality", factor=2, severe=True), Limit("low quality", factor=1.1)),
    "reverse KL": (Limit("imbalanced", margin=0.05),),
    "class KL": (Limit("imbalanced", margin=0.1),),
    "confidence": (Limit("low quality", factor=1.05),),
}
"""With half of the samples in no mode, mode counts say nothing. exp(-KL) is the effective share of the modes: 0.05 nats
cost 5 % of them. The histograms of 225 digits differ by 0.05, so that classes have twice the margin."""
STACKED_MODES = {
    "modes": (Limit("partial", factor=1.05),),
    "HQ": MODES["HQ"],
    "reverse KL": MODES["reverse KL"],
}
"""Of a class that the classifier is rarely sure of, a few modes stay empty by chance, so one in 20 may be lost."""
MODE_SHAPES = {
    "rarest mode": (Limit("imbalanced", factor=1.5),),
    "narrowest mode": (Limit("too narrow", factor=1.15),),
    "widest mode": (Limit("too wide", factor=1.15),),
    "mode W1": (Limit("distorted", margin=0.12),),
}
"""Beyond chance, so that honest samples have about 1, 1, 1 and 0 for any number of samples."""
KNOWN_DENSITY = {"density KS": (Limit("distorted", margin=0.03),)}
"""Beyond chance, so that honest samples have 0. If a tenth of the samples are far away, it is about 0.1."""
SPREAD = {"diversity": (Limit("collapsed", factor=4), Limit("too narrow", factor=1.1))}
"""With less than a quarter of the data's spread, the samples have collapsed."""
SLICED_WASSERSTEIN = {"SW1": (Limit("distorted", factor=4),)}

LEAST_MEMORISATION = 0.5
"""`memorisation`: if half of the samples are nearer to the training set than this part of what new data are."""
MOST_COPIES = 3.0
"""`copies`: so many times the share of new data that are as near to the training set."""
LEAST_IN_MODES = 0.5
"""`HQ`: with fewer samples in any mode, one captured mode is no sign of collapse."""
LEAST_EFFECTIVE = 2.0
"""K exp(-`reverse KL`): fewer effective modes than this are a collapse, even if a classifier's errors fill others."""
