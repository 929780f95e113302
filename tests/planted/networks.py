"""Broken transforms and architectures."""

from __future__ import annotations

from textwrap import dedent, indent

from planted.base import Planted


def _transform(rule: str, said: str, body: str, more: str = "") -> Planted:
    code = f"class Mine:\n    'A transform.'\n{indent(dedent(more), '    ')}\n"
    code += f"    def __call__(self, discriminator, x, noise, memory):\n{indent(dedent(body), ' ' * 8)}\n"
    return Planted("transform", rule, said, code)


TRANSFORMS = {
    "undeclared noise": _transform("undeclared-noise", "draws random numbers with randn_like", """\
        return discriminator(x + torch.randn_like(x))"""),
    "another shape": _transform("shape", "keep the shape of samples, or declare shape(shape)", """\
        return discriminator(torch.cat([x, x], dim=1))"""),
    "no gradient": _transform("gradient", "its logits have no gradient, so G cannot learn", """\
        return discriminator(x.round())"""),
    "no call of D": _transform("logits", "it does not call the discriminator", "return x.flatten(1).mean(dim=1)"),
    "a mean": _transform("logits", "it returns () for 32 samples", "return discriminator(x).mean()"),
    "changes samples": _transform("in-place", "changes what it was given, with clamp_", """\
        return discriminator(x.clamp_(-1, 1))"""),
    "an undeclared draw": _transform("noise", "it reads noise['eps'], which is not declared", """\
        return discriminator(x + noise["eps"])"""),
    "supports nothing": _transform("supports", "it supports none of", "return discriminator(x)", """\
        def supports(self, shape): return 'no'"""),
    "keeps a count": _transform("state", "it changes an attribute of its own", """\
        type(self).calls += 1
        return discriminator(x * (1 + self.calls))""", "calls = 0"),
}  # fmt: skip


def _architecture(rule: str, said: str, g: str, d: str, more: str = "", latent: str = "4") -> Planted:
    return Planted(
        "architecture",
        rule,
        said,
        f"""
class Mine:
    'Networks.'
    latent = {latent}
    def supports(self, shape): return None if len(shape) == 3 and shape[0] == 1 else 'it is for grey images'
    def generator(self, shape): return nn.Sequential(nn.Linear(4, int(np.prod(shape))), {g}nn.Unflatten(1, shape))
    def discriminator(self, shape): return nn.Sequential(nn.Flatten(), {d})
{indent(dedent(more), "    ")}
""",
    )


PIXELS = "nn.Linear(int(np.prod(shape)), 1)"
WIDE = "nn.Linear(int(np.prod(shape)), 2)"
ARCHITECTURES = {
    "no tanh": _architecture("image-range", "wanted -1 to 1; end G with tanh", "", PIXELS),
    "two logits": _architecture("logits", "D returns (4, 2) for 4 samples", "nn.Tanh(), ", WIDE),
    "latent": _architecture("latent", "latent is 4.0", "nn.Tanh(), ", PIXELS, latent="4.0"),
    "float64": _architecture("float32", "0.weight is torch.float64", "nn.Tanh(), ", PIXELS, """
        def generator(self, shape):
            return nn.Sequential(nn.Linear(4, int(np.prod(shape))).double(), nn.Unflatten(1, shape))
        """),
    "in place": _architecture("in-place", "D changes the samples that it is given", "nn.Tanh(), ", PIXELS, """
        def discriminator(self, shape):
            first = nn.LeakyReLU(-0.5, inplace=True)
            return nn.Sequential(first, nn.Flatten(), nn.Linear(int(np.prod(shape)), 1))
        """),
    "numpy weights": _architecture("same-weights", "other weights for the same seed", "nn.Tanh(), ", PIXELS, """
        def discriminator(self, shape):
            layer = nn.Linear(int(np.prod(shape)), 1)
            layer.weight.data = torch.tensor(np.random.randn(1, int(np.prod(shape)))).float()
            return nn.Sequential(nn.Flatten(), layer)
        """),
    "a hidden tensor": _architecture("hidden-tensor", "a random tensor that is neither", "nn.Tanh(), ", PIXELS, """
        def discriminator(self, shape):
            class Scaled(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.scale, self.layer = torch.rand(1), nn.Linear(int(np.prod(shape)), 1)
                def forward(self, x): return self.layer(x.flatten(1)) * self.scale
            return Scaled()
        """),
    "keeps a count": _architecture("network-state", "other values when it is called again", "nn.Tanh(), ", PIXELS, """
        def discriminator(self, shape):
            class Counting(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.calls, self.layer = 0, nn.Linear(int(np.prod(shape)), 1)
                def forward(self, x):
                    self.calls += 1
                    return self.layer(x.flatten(1)) * self.calls
            return Counting()
        """),
    "supports": _architecture("supports", "returns True; return None if it can", "nn.Tanh(), ", PIXELS, """
        def supports(self, shape): return True
        """),
    "networks by number": _architecture("pretrained", "pretrained is (1,)", "nn.Tanh(), ", PIXELS, """
        pretrained = (1,)
        """),
    "undeclared extras": _architecture("extras", "D returns the extras ['features'], but", "nn.Tanh(), ", PIXELS, """
        def discriminator(self, shape):
            class Two(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.layer = nn.Linear(int(np.prod(shape)), 1)
                def forward(self, x): return self.layer(x.flatten(1)), {"features": x.flatten(1)}
            return Two()
        """),
    "conditional": Planted("architecture", "conditional", "generator takes no number of classes", """
@dataclass(frozen=True)
class Mine:
    'Networks.'
    conditional: bool = False
    latent = 4
    def supports(self, shape): return None if len(shape) == 1 else 'no'
    def generator(self, shape): return nn.Linear(4, shape[0])
    def discriminator(self, shape): return nn.Linear(shape[0], 1)
"""),
}  # fmt: skip
