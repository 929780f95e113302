"""The losses that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_losses() -> dict[str, type]:
    from ganbench_losses.minimax import Minimax
    from ganbench_losses.nonsaturating import NonSaturating
    from ganbench_losses.rpgan import RpGANR1R2

    return {"minimax": Minimax, "nonsaturating": NonSaturating, "rpgan-r1r2": RpGANR1R2}
