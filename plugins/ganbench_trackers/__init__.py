"""The trackers that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_trackers():  # type: ignore[no-untyped-def]
    from ganbench_trackers.tensorboard import TensorBoard

    return {"tensorboard": TensorBoard}
