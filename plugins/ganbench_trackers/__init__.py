"""The trackers that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_trackers() -> dict[str, type]:
    from ganbench_trackers.tensorboard import TensorBoard

    return {"tensorboard": TensorBoard}
