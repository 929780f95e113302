"""The architectures that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_architectures() -> dict[str, type]:
    from ganbench_architectures.cnn32 import Cnn32
    from ganbench_architectures.dcgan import Dcgan
    from ganbench_architectures.mlp import Mlp
    from ganbench_architectures.r3gan import R3gan, R3ganTiny
    from ganbench_architectures.resnet import Resnet

    return {"mlp": Mlp, "dcgan": Dcgan, "cnn32": Cnn32, "resnet": Resnet, "r3gan": R3gan, "r3gan-tiny": R3ganTiny}
