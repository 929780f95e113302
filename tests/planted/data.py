"""Broken datasets, feature extractors and metrics."""

from __future__ import annotations

from textwrap import dedent, indent

from planted.base import Planted


def _dataset(rule: str, said: str, load: str, more: str = "", shape: str = "(2,)") -> Planted:
    base = f"shape, modes, extractor, metrics = {shape}, None, 'mixture', ('sliced-wasserstein',)"
    code = f"class Mine:\n    'Data.'\n    {base}\n{indent(dedent(more), '    ')}\n    def load(self, split):\n"
    code += "        seeded = torch.Generator().manual_seed(len(split))\n" + indent(dedent(load), " " * 8) + "\n"
    return Planted("dataset", rule, said, code)


POINTS = "return Data(torch.randn(2000, 2, generator=seeded))"
DATASETS = {
    "dtype": _dataset("data-type", "samples are float64, wanted float32", "return Data(torch.rand(9, 2).double())"),
    "a bare tensor": _dataset("data-type", "load returned torch.Tensor, wanted", "return torch.rand(9, 2)"),
    "channels last": _dataset("data-shape", "move the channels to the front", """\
        return Data(torch.rand(9, 8, 8, 1))""", shape="(1, 8, 8)"),
    "unseeded": _dataset("same-load", "loading twice gave other values", "return Data(torch.randn(9, 2))"),
    "equal splits": _dataset("splits", "2000 of 2000 test samples", """\
        return Data(torch.randn(2000, 2, generator=torch.Generator().manual_seed(1)))"""),
    "0 to 1": _dataset("image-range", "wanted -1 to 1 for images", """\
        return Data(torch.rand(20, 1, 8, 8, generator=seeded))""", shape="(1, 8, 8)"),
    "nan": _dataset("finite", "hold NaN or infinity", "return Data(torch.full((9, 2), float('nan')))"),
    "labels": _dataset("labels", "labels are int32, wanted int64", """\
        return Data(torch.randn(9, 2, generator=seeded), torch.zeros(9, dtype=torch.int32))"""),
    "classes": _dataset("classes", "classes is 3, but there are no labels", POINTS, "classes = 3"),
    "fingerprint": _dataset("fingerprint", "gives another text when it is called again", POINTS, """\
        def fingerprint(self): return str(random.random())[2:10]"""),
    "no text": _dataset("fingerprint", "fingerprint returned 3", POINTS, "def fingerprint(self): return 3"),
    "log density": _dataset("log-density", "log_density must return one number", POINTS, """\
        def log_density(self, x): return x.sum()"""),
    "an unknown extractor": _dataset("evaluators", "unknown extractor 'mixtur'", POINTS, "extractor = 'mixtur'"),
    "an unfit extractor": _dataset("evaluators", "names extractor 'mixture', which does not support it", POINTS),
}  # fmt: skip


def _extractor(rule: str, said: str, result: str, more: str = "") -> Planted:
    return Planted(
        "extractor",
        rule,
        said,
        f"""
class Mine:
    'Features.'
    dims, canonical, gives = 2, False, ()
    def supports(self, dataset): return None if tuple(dataset.shape) == (2,) else 'no'
    def fingerprint(self): return '1'
    def open(self, dataset, device): return lambda x: {result}
{indent(dedent(more), "    ")}
""",
    )


EXTRACTORS = {
    "depends on the batch": _extractor("batch", "features depend on the batch size", "Features(x - x.mean(dim=0))"),
    "dims": _extractor("features", "features are (15, 1)", "Features(x[:, :1])"),
    "a bare tensor": _extractor("features", "it returns Tensor; return ganbench.Features", "x"),
    "gives": _extractor("gives", "lists logits in `gives` but returns None", "Features(x)", "gives = ('logits',)"),
    "gives a text": _extractor("gives", "gives is 'logits'; write a tuple", "Features(x, x)", "gives = 'logits'"),
    "modes": _extractor("modes", "modes must be int64", "Features(x, None, x[:, 0])", "gives = ('modes',)"),
    "fingerprint": _extractor("fingerprint", "return a stable, non-empty string", "Features(x)", """
        def fingerprint(self): return str(random.random())"""),
    "changes samples": _extractor("in-place", "it changes the samples that it is given", "Features(x.mul_(2))"),
    "stays on the CPU": _extractor("device", "mixes tensors of its device with others", "Features(x @ torch.eye(2))"),
}  # fmt: skip


def _metric(rule: str, said: str, scores: str, more: str = "") -> Planted:
    return Planted(
        "metric",
        rule,
        said,
        f"""
class Mine:
    'A score.'
    better, uses_extractor = {{'one': 'lower'}}, True
    def supports(self, dataset): return None if dataset.modes == 8 else 'it is for the ring'
    def __call__(self, real, fake): return {scores}
{indent(dedent(more), "    ")}
""",
    )


METRICS = {
    "nan": _metric("finite", "a score must be a finite number", "{'one': float('nan')}"),
    "undeclared": _metric("scores", "which its `better` does not list", "{'two': 1.0}"),
    "a number": _metric("scores", "it must return its scores by name", "1.0"),
    "direction": _metric("scores", "better says 'less' for 'one'", "{'one': 1.0}", "better = {'one': 'less'}"),
    "kind": _metric("kinds", "the kind of 'one' must be one of", "{'one': 1.0}", "kind = {'one': 'counts'}"),
    "kind of another": _metric("kinds", "has a kind for 'two'", "{'one': 1.0}", "kind = {'two': 'count'}"),
    "limits": _metric("limits", "must be a tuple of Limits", "{'one': 1.0}", "limits = {'one': (2.0,)}"),
    "limits of another": _metric("limits", "has limits for 'two'", "{'one': 1.0}", "limits = {'two': ()}"),
    "faults": _metric("faults", "must be a Fault of kind", "{'one': 1.0}", """
        def faults(self, scores, dataset): return ['bad']"""),
    "needs": _metric("needs", "needs is ('features',)", "{'one': 1.0}", "needs = ('features',)"),
    "random": _metric("same-scores", "returns different scores for the same samples", "{'one': random.random()}"),
    "a new tensor on the CPU": _metric("device", "some tensors of aten.add.Tensor are on another device", """\
        {'one': (real.features.mean(dim=0) + torch.zeros(2)).norm().item()}""", "on_device = True"),
    "numpy on a device": _metric("device", "call .cpu() first (planted.py:", """\
        {'one': float(np.mean(real.features.numpy()))}""", "on_device = True"),
    "other scores on a device": _metric("device", "1.0 on the CPU and 0.0 on another device", """\
        {'one': float(real.features.device.type == 'cpu')}""", "on_device = True"),
    "on_device": _metric("device", "on_device is 'cuda'", "{'one': 1.0}", "on_device = 'cuda'"),
    "raises": _metric("raises", "raised ZeroDivisionError", "{'one': 1 / 0}"),
    "changes features": _metric("in-place", "changes what it is given", "{'one': real.features.add_(1).mean().item()}"),
}  # fmt: skip
