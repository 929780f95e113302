"""The architectures that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_architectures() -> dict[str, type]:
    from ganbench_architectures.dcgan import Dcgan
    from ganbench_architectures.mlp import Mlp

    return {"dcgan": Dcgan, "mlp": Mlp}
