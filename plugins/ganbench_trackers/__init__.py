"""The trackers that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_trackers() -> dict[str, type]:
    from ganbench_trackers.mlflow_runs import MLflow
    from ganbench_trackers.tensorboard import TensorBoard
    from ganbench_trackers.wandb_runs import WandB

    return {"mlflow": MLflow, "tensorboard": TensorBoard, "wandb": WandB}
