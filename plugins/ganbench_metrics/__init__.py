"""The metrics that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_metrics() -> dict[str, type]:
    from ganbench_metrics.by_class import ClassCoverage, ClassFid, LabelAccuracy
    from ganbench_metrics.fidelity import Fid, InceptionScore, Kid, PrecisionRecall
    from ganbench_metrics.known_density import KnownDensity
    from ganbench_metrics.mode_shapes import ModeShapes
    from ganbench_metrics.modes import Modes
    from ganbench_metrics.neighbours import CoverageDensity, Memorisation
    from ganbench_metrics.spread import Spread
    from ganbench_metrics.stacked_modes import StackedModes
    from ganbench_metrics.transport import SlicedWasserstein

    return {
        "fid": Fid,
        "inception-score": InceptionScore,
        "kid": Kid,
        "precision-recall": PrecisionRecall,
        "coverage-density": CoverageDensity,
        "memorisation": Memorisation,
        "modes": Modes,
        "mode-shapes": ModeShapes,
        "stacked-modes": StackedModes,
        "known-density": KnownDensity,
        "sliced-wasserstein": SlicedWasserstein,
        "spread": Spread,
        "class-fid": ClassFid,
        "class-coverage": ClassCoverage,
        "label-accuracy": LabelAccuracy,
    }
