"""Broken losses."""

from __future__ import annotations

from textwrap import dedent, indent

from planted.base import Planted


def _loss(rule: str, said: str, d_loss: str, more: str = "") -> Planted:
    """A game whose `d_loss` has the body given."""
    code = f"class Mine:\n    'A loss.'\n{indent(dedent(more), '    ')}\n    def d_loss(self, critic):\n"
    code += indent(dedent(d_loss), " " * 8) + "\n    def g_loss(self, critic):\n        return -critic.fake.mean()\n"
    return Planted("loss", rule, said, code)


GAME = "return critic.fake.mean() - critic.real.mean()"
LOSSES = {
    "autograd": _loss("autograd", "planted.py:19 calls torch.autograd.grad; use critic.gradient(x)", """\
        x = critic.real_samples
        slope, = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        return slope.square().mean()"""),
    "requires_grad": _loss("autograd", "calls .requires_grad_(); use critic.gradient(x)", """\
        x = critic.between().requires_grad_()
        return critic(x).mean()"""),
    "backward": _loss("autograd", "calls .backward()", f"critic.real.mean().backward()\n{GAME}"),
    "item": _loss("reads-a-value", "reads a tensor's value with item: it can be neither mapped over seeds nor", """\
        return critic.fake.mean() - critic.real.mean() * (1 + 0 * critic.real.mean().item())"""),
    "branch": _loss("reads-a-value", "decides by the value of a tensor", """\
        loss = critic.fake.mean() - critic.real.mean()
        return loss if loss > 0 else 2 * loss"""),
    "numpy": _loss("numpy", "converts to numpy; compute with torch", """\
        return critic.fake.mean() - float(critic.real.detach().numpy().mean())"""),
    "samples changed": _loss("in-place", "what it was given, with add_", f"critic.real_samples.add_(1)\n{GAME}"),
    "logits changed": _loss("in-place", "changes what it was given, with mul_", f"critic.real.mul_(2)\n{GAME}"),
    "an item set": _loss("in-place", "with __setitem__", f"critic.fake[0] = 0\n{GAME}"),
    "torch.rand": _loss("undeclared-noise", "draws random numbers with rand_like; declare the draw, such as", """\
        x = critic.real_samples
        return critic.fake.mean() - critic(x + torch.rand_like(x)).mean()"""),
    "numpy noise": _loss("undeclared-noise", "draws from numpy's random numbers", """\
        return critic.fake.mean() - critic.real.mean() * float(np.random.rand())"""),
    "random noise": _loss("undeclared-noise", "draws from Python's random numbers", """\
        return critic.fake.mean() - critic.real.mean() * random.random()"""),
    "an attribute": _loss("state", "changes an attribute of its own; keep state in `memory` and `remember`", """\
        self.mean = 0.9 * self.mean + 0.1 * critic.real.detach().mean()
        return critic.fake.mean() - (critic.real - self.mean).mean()""", "mean = 0.0"),
    "every fourth call": _loss("same-inputs", "differs from an earlier one with the same inputs", """\
        COUNT.append(1)
        return (critic.fake.mean() - critic.real.mean()) * (2 if len(COUNT) % 4 == 0 else 1)""")._replace(
        code="COUNT = []\n" + _loss("", "", """\
        COUNT.append(1)
        return (critic.fake.mean() - critic.real.mean()) * (2 if len(COUNT) % 4 == 0 else 1)""").code
    ),
    "no mean": _loss("scalar", "a scalar, got shape (32,); take the mean over the batch", "return -critic.real"),
    "a sum": _loss("mean", "sums over the batch: twice the batch gives twice the loss", "return -critic.real.sum()"),
    "a number": _loss("scalar", "d_loss returns float", "return 1.0"),
    "detached": _loss("gradient", "d_loss has no gradient, so D cannot learn", "return -critic.real.mean().detach()"),
    "nan": _loss("finite", "d_loss is nan for ordinary logits", "return critic.real.mean() * 0 / 0"),
    "device": _loss("device", "makes a tensor on the CPU with torch.ones; make it like another tensor", """\
        return (critic.fake * torch.ones(len(critic.fake))).mean() - critic.real.mean()"""),
    "moves": _loss("device", "moves a tensor between devices with .cpu()", f"critic.real.cpu()\n{GAME}"),
    "no such member": _loss("critic", "it reads critic.reel, which does not exist; did you mean 'real'?", """\
        return critic.fake.mean() - critic.reel.mean()"""),
    "undeclared draw": _loss("noise", "it reads critic.noise['eps'], which is not declared", """\
        return critic.fake.mean() - critic(critic.real_samples + critic.noise["eps"]).mean()"""),
    "altered real samples as fakes": _loss("like", "asks D about samples made of real ones, as if they", """\
        return critic.fake.mean() - critic(critic.real_samples + critic.noise["eps"]).mean()""",
        'noise = {"eps": normal("sample")}'),
    "slopes around real samples as fakes": _loss("like", 'write critic(x, like="real"), so that they have', """\
        slopes = critic.gradient(0.9 * critic.real_samples)
        return critic.fake.mean() - critic.real.mean() + slopes.square().mean()"""),
    "like no side": _loss("like", "it asks D about samples like 'reel'; write like=", """\
        return critic.fake.mean() - critic(critic.real_samples, like="reel").mean()"""),
    "undeclared extras of x": _loss("needs", "it reads critic.extras(x)['features'], which is not declared", """\
        return critic.fake.mean() - critic.extras(critic.real_samples)["features"].mean()"""),
    "undeclared extras": _loss("needs", "it reads critic.real_extras['features'], which is not declared", """\
        return critic.fake.mean() - critic.real_extras["features"].mean()"""),
    "undeclared labels": _loss("needs", "it reads labels, which its `needs` does not list", """\
        return critic.fake.mean() - (critic.real * (critic.real_labels == 0)).mean()"""),
    "needs as a text": _loss("needs", "needs is 'features'; write a tuple", GAME, 'needs = "features"'),
    "noise as a shape": _loss("noise", "noise['eps'] is (2,); declare it with", GAME, 'noise = {"eps": (2,)}'),
    "every 0": _loss("every", "every is 0", GAME, "every = 0"),
    "misspelled": _loss("misspelled", "log_ods is no member of a loss; did you mean", GAME, "log_ods = True"),
    "memory of integers": _loss("memory", "memory gives 'n' as torch.int64", GAME, """\
        def memory(self, params):
            return {"n": torch.tensor(0)}"""),
    "forgets a name": _loss("memory", "remember returns ['b'], memory ['a', 'b']", GAME, """\
        def memory(self, params):
            return {"a": torch.zeros(()), "b": torch.zeros(())}
        def remember(self, critic):
            return {"b": critic.memory["b"] + 1}"""),
    "leaves": _loss("raises", "d_loss raised SystemExit: 0 (planted.py:", "raise SystemExit(0)"),
    "a dimension too many": _loss("raises", "d_loss raised IndexError", "return critic.real.mean(dim=1).mean()"),
    "no schedule": Planted("loss", "schedule", "d_loss does not take a schedule for 'weight'", """\
        import math
        @dataclass(frozen=True)
        class Mine:
            'A loss.'
            weight: float = 2.0
            names = {2.0: 3.0}
            def d_loss(self, critic): return -self.names[self.weight] * critic.real.mean()
            def g_loss(self, critic): return -critic.fake.mean()
        """),
    "a module": Planted("loss", "class", "Mine is a torch nn.Module; make it a plain class", """\
        class Mine(nn.Module):
            'A loss.'
            def d_loss(self, critic): return -critic.real.mean()
            def g_loss(self, critic): return -critic.fake.mean()
        """),
    "a list as default": Planted("loss", "hyperparameter", "the default of weights is [1.0], which can be changed", """\
        @dataclass(frozen=True)
        class Mine:
            'A loss.'
            weights: list = field(default_factory=lambda: [1.0])
            def d_loss(self, critic): return -critic.real.mean() * self.weights[0]
            def g_loss(self, critic): return -critic.fake.mean()
        """),
    "a mutable default": Planted("loss", "loads", "mutable default", """\
        @dataclass(frozen=True)
        class Mine:
            weights: list = [1.0]
        """),
    "no type": Planted("loss", "hyperparameter", "weight = 2.0 has no type, so that it is no hyperparameter", """\
        @dataclass(frozen=True)
        class Mine:
            'A loss.'
            power: float = 1.0
            weight = 2.0
            def d_loss(self, critic): return -critic.real.mean() * self.weight
            def g_loss(self, critic): return -critic.fake.mean()
        """),
    "not frozen": Planted("loss", "frozen", "Mine can be changed after it is made", """\
        @dataclass
        class Mine:
            'A loss.'
            weight: float = 2.0
            def d_loss(self, critic): return -critic.real.mean() * self.weight
            def g_loss(self, critic): return -critic.fake.mean()
        """),
    "no docstring": Planted("loss", "docstring", "has no docstring that describes it", """\
        class Mine:
            def d_loss(self, critic): return -critic.real.mean()
            def g_loss(self, critic): return -critic.fake.mean()
        """),
    "nothing to add": Planted("loss", "members", "has none of d_loss, g_loss, project", "class Mine:\n    'x'\n"),
    "projects others": Planted("loss", "project", "project returns 'weight', which is no parameter", """\
        class Mine:
            'A part.'
            def project(self, params): return {"weight": torch.zeros(2)}
        """),
}  # fmt: skip
