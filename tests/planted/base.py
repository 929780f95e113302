"""A broken plugin as a file."""

from __future__ import annotations

from textwrap import dedent
from typing import NamedTuple

HEAD = """\
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganbench import Data, Fault, Features, Limit, hookimpl, normal, uniform
from ganbench.errors import MissingError

"""
HOOKS = {
    "loss": "register_losses", "transform": "register_transforms", "architecture": "register_architectures",
    "dataset": "register_datasets", "extractor": "register_extractors", "metric": "register_metrics",
    "suite": "register_suites", "published": "register_published", "tracker": "register_trackers",
}  # fmt: skip


class Planted(NamedTuple):
    """One broken plugin: its kind, the rule, what is said of it, and the code of the class `Mine`."""

    kind: str
    rule: str
    said: str
    code: str

    def text(self) -> str:
        """The whole file."""
        hook = f"\n\n@hookimpl\ndef {HOOKS[self.kind]}():\n    return {{'mine': Mine}}\n"
        return HEAD + dedent(self.code) + hook
