"""ganbench on a GPU, compared with what people write by hand: `python -m benchmarks.gpu`."""

import os

from ganbench.engine.devices import CUBLAS_WORKSPACE

os.environ |= {**CUBLAS_WORKSPACE, "TORCHINDUCTOR_COMPILE_THREADS": "1", **os.environ}  # as in a worker, before torch
