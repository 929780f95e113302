"""The architectures that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_architectures():  # type: ignore[no-untyped-def]
    from ganbench_architectures.dcgan import Dcgan
    from ganbench_architectures.mlp import Mlp

    return {"dcgan": Dcgan, "mlp": Mlp}
