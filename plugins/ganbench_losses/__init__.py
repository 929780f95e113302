"""The losses that ship with ganbench: games, and parts that are added to a game."""

from ganbench import hookimpl


@hookimpl
def register_losses() -> dict[str, type]:
    from ganbench_losses import classes, contrastive, energy, fgan, hinge, lsgan, mmd, rpgan, wasserstein
    from ganbench_losses.consistency import Consistency, LatentConsistency
    from ganbench_losses.diversity import FeatureMatching, ModeSeeking
    from ganbench_losses.gradient_penalty import Dragan, GradientPenalty
    from ganbench_losses.lecam import LeCam
    from ganbench_losses.minimax import Minimax
    from ganbench_losses.nonsaturating import NonSaturating
    from ganbench_losses.path_length import PathLength
    from ganbench_losses.weights import HistoricalAveraging, HistoricalAveragingG, Orthogonal
    from ganbench_losses.zero_centered import R1, R2

    return {
        "minimax": Minimax,
        "nonsaturating": NonSaturating,
        "rpgan": rpgan.RpGAN,
        "ragan": rpgan.RaGAN,
        "lsgan": lsgan.LSGAN,
        "hinge": hinge.Hinge,
        "wasserstein": wasserstein.Wasserstein,
        "weight-clipping": wasserstein.WeightClipping,
        "fgan": fgan.FGAN,
        "began": energy.BEGAN,
        "ebgan": energy.EBGAN,
        "mmd": mmd.MMD,
        "dual-contrastive": contrastive.DualContrastive,
        "multi-hinge": classes.MultiHinge,
        "acgan": classes.ACGAN,
        "r1": R1,
        "r2": R2,
        "gradient-penalty": GradientPenalty,
        "dragan": Dragan,
        "lecam": LeCam,
        "consistency": Consistency,
        "zcr": LatentConsistency,
        "mode-seeking": ModeSeeking,
        "feature-matching": FeatureMatching,
        "path-length": PathLength,
        "orthogonal": Orthogonal,
        "historical-averaging": HistoricalAveraging,
        "historical-averaging-g": HistoricalAveragingG,
    }
