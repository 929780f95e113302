"""Suites that make no sense are refused before anything is trained, with one sentence at their place."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli

from ganbench.errors import UsageError
from ganbench.registry.choice import Kind
from ganbench.registry.registry import Registry, WrongHyperparameter
from ganbench.suite.expand import expand
from ganbench.suite.load import load
from ganbench.suite.specs import Plan

PLUGINS = '''
from dataclasses import dataclass
from ganbench import hookimpl

@dataclass(frozen=True)
class Beside:
    """Samples side by side, by a name that the core has never heard."""
    count: int = 3
    def shape(self, shape): return (self.count * shape[0], *shape[1:])
    def __call__(self, discriminator, x, noise, memory): return discriminator(x.reshape(-1, *self.shape(x.shape[1:])))

class Crop:
    """Not packed: each sample is smaller."""
    def shape(self, shape): return (shape[0], shape[1] - 1, shape[2] - 1)
    def __call__(self, discriminator, x, noise, memory): return discriminator(x[..., 1:, 1:])

@hookimpl
def register_transforms(): return {"beside": Beside, "crop": Crop}
'''


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    path = tmp_path_factory.mktemp("plugins") / "beside.py"
    path.write_text(PLUGINS)
    return Registry.load([path])


def _plan(folder: Path, registry: Registry, losses: str, rest: str = "", data: str = "ring8") -> Plan:
    path = folder / "suite.yaml"
    path.write_text(f"losses: {losses}\narchitectures: [mlp]\ndatasets: [{data}]\n{rest}\n")
    return expand(load(path), registry)


def _said(folder: Path, registry: Registry, losses: str, rest: str = "", data: str = "ring8") -> list[str]:
    with pytest.raises(UsageError) as caught:
        _plan(folder, registry, losses, rest, data)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("transforms", "said"),
    [
        ("beside", "beside takes 3 samples as one, so that train.batch must be a multiple of 3, got 32"),
        ("{packing: {k: 5}}", "packing takes 5 samples as one, so that train.batch must be a multiple of 5, got 32"),
        ("packing, beside", "packing and beside together take 6 samples as one, so that train.batch must be a "
         "multiple of 6, got 32"),
    ],
)  # fmt: skip
def test_a_batch_that_cannot_be_packed(tmp_path: Path, plugins: Registry, transforms: str, said: str) -> None:
    (found,) = _said(
        tmp_path, plugins, f"[minimax, {{loss: minimax, transforms: [{transforms}]}}]", "train: {batch: 32}"
    )
    assert found.startswith("suite.yaml:1:19: minimax with ")
    assert found.endswith(f" x mlp x ring8: {said}")


def test_a_batch_that_can_be_packed(tmp_path: Path, plugins: Registry) -> None:
    losses = "[{loss: minimax, transforms: [packing, beside], train: {batch: 36}}, {loss: minimax, transforms: [crop]}]"
    plan = _plan(tmp_path, plugins, losses, "train: {batch: 31}", "digits")
    assert len(plan.cells) == 2


def test_a_smaller_sample_is_not_packed_and_keeps_its_label(tmp_path: Path, plugins: Registry) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(
        "losses: [{loss: minimax, transforms: [crop]}]\narchitectures: [{mlp: {conditional: true}}]\n"
        "datasets: [digits]\ntrain: {batch: 31}\n"
    )
    plan = expand(load(path), plugins)
    assert [cell.title for cell in plan.cells] == ["minimax with crop x mlp x digits"]


def test_a_dry_run_refuses_a_batch_that_cannot_be_packed(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "losses: [{loss: minimax, transforms: [packing]}]\narchitectures: [mlp]\ndatasets: [ring8]\n"
    )
    done = inside("run", "--suite", "s.yaml", "--dry-run", "--set", "train.batch=33")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "packing takes 2 samples as one, so that train.batch must be a multiple of 2, got 33" in done.err


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ("[rpgan-r1r2]", "1:10: unknown loss 'rpgan-r1r2'. Did you mean the sum 'rpgan + r1 + r2'?"),
        ("[{rpgan-r1r2: {gamma: 1}}]", "1:10: unknown loss 'rpgan-r1r2'. Did you mean the sum 'rpgan + r1 + r2'?"),
        ("['hinge, lecam']", "1:10: unknown loss 'hinge, lecam'. Did you mean the sum 'hinge + lecam'?"),
        ("[WassersteinGradientPenalty]", "Did you mean the sum 'wasserstein + gradient-penalty'?"),
        ("[rpgan + r1r2]", "1:10: unknown loss 'r1r2'. Did you mean the sum 'r1 + r2'?"),
        ("[rpgan-r3]", "1:10: unknown loss 'rpgan-r3'. Did you mean 'rpgan'?"),
        ("[r1-r1]", "1:10: unknown loss 'r1-r1'. Known: acgan"),
        ("[{loss: {r3: {gamma: 1}}}]", "1:17: unknown loss 'r3'. Did you mean 'r2'?"),
        ("[{mmd: {bandwidths: {from: 1, to: 2}}}]", "1:29: loss 'mmd': bandwidths cannot have a schedule, because it "
         "is not a float; no hyperparameter of mmd can"),
        ("[{mmd: {bandwidths: [1, {from: 1, to: 2}]}}]", "1:29: loss 'mmd': bandwidths[1] must be of type float"),
        ("[{loss: [minimax, {dragan: {every: {from: 1, to: 2}}}]}]", "1:44: loss 'dragan': every cannot have a "
         "schedule, because it is not a float; weight, scale can"),
    ],
)  # fmt: skip
def test_a_loss_that_there_is_not(tmp_path: Path, registry: Registry, losses: str, said: str) -> None:
    (found,) = _said(tmp_path, registry, losses)
    assert said in found


def test_a_plugin_that_is_not_in_the_suite_has_no_hyperparameters(tmp_path: Path, registry: Registry) -> None:
    for losses in ("[rpgan + r1]", "[rpgan]"):
        rest = "overrides: [{when: {dataset: ring8}, loss: {r3: {gamma: 1}}, architecture: {mpl: {width: 4}}}]"
        found = _said(tmp_path, registry, losses, rest)
        assert "suite.yaml:4:45: the suite has no loss 'r3'." in found[0]
        assert found[1:] == ["suite.yaml:4:77: the suite has no architecture 'mpl'. Did you mean 'mlp'?"]


def test_an_override_of_nothing(tmp_path: Path, registry: Registry) -> None:
    rest = "overrides: [{when: {dataset: []}, train: {steps: 4}}]"
    assert _said(tmp_path, registry, "[minimax]", rest) == [
        "suite.yaml:4:30: 'when' names no dataset, so that the override would apply to nothing"
    ]


OWN = "which holds for all variants"


@pytest.mark.parametrize("key", ["ema: 0.9", "ema_half_life: 100"])
def test_an_average_of_one_variant_is_reported_where_it_stands(tmp_path: Path, registry: Registry, key: str) -> None:
    (found,) = _said(tmp_path, registry, f"[minimax, {{loss: minimax, label: M, train: {{{key}}}}}]")
    assert found.startswith("suite.yaml:1:53: M x mlp x ring8 and minimax x mlp x ring8 appear in the same table")
    name = key.partition(":")[0]
    assert found.endswith(f"the train block of M sets {name!r}: set it in the suite's 'train', {OWN}")
    rest = f"overrides: [{{when: {{loss: hinge}}, train: {{{key}}}}}]"
    (found,) = _said(tmp_path, registry, "[minimax, hinge]", rest)
    assert found.endswith("; let overrides of 'ema' depend only on the dataset")


def test_the_most_moves_that_are_unrolled(tmp_path: Path, registry: Registry) -> None:
    for number in (0, 10_000, 123_456_789_012):
        (found,) = _said(tmp_path, registry, "[minimax]", f"train: {{play: unrolled({number})}}")
        assert found.startswith("suite.yaml:4:15: play must be one of alternating, simultaneous, unrolled(K) with ")
        assert f"1 <= K <= 9999, got 'unrolled({number})'" in found
    (cell,) = _plan(tmp_path, registry, "[minimax]", "train: {play: unrolled(9999)}").cells
    assert cell.spec.train.unrolled == 9999


def test_a_subset_of_0_is_the_whole_data_in_name_too(tmp_path: Path, registry: Registry) -> None:
    (cell,) = _plan(tmp_path, registry, "[minimax]", data="{ring8: {subset: 0}}").cells
    assert (cell.dataset.text, cell.spec.dataset.params.get("subset")) == ("ring8", None)
    (found,) = _said(tmp_path, registry, "[minimax]", data="{ring8: {subset: 0}}, ring8")
    assert "are the same runs; list only one of them" in found


NEGATIVE: dict[Kind, dict[str, list[str]]] = {
    "loss": {
        "acgan": ["weight"], "consistency": ["weight", "sigma", "shift"], "zcr": ["d_weight", "g_weight", "sigma"],
        "mode-seeking": ["weight"], "feature-matching": ["weight"], "began": ["gamma", "rate"],
        "ebgan": ["margin", "pulling_away"], "gradient-penalty": ["weight", "every"],
        "dragan": ["weight", "scale", "every"], "lecam": ["weight", "decay"],
        "path-length": ["weight", "decay", "every"], "weight-clipping": ["bound"],
        "orthogonal": ["weight"], "historical-averaging": ["weight"],
        "historical-averaging-g": ["weight"], "r1": ["gamma", "every"], "r2": ["gamma", "every"],
    },
    "transform": {
        "instance-noise": ["sigma"], "augment": ["p", "blit", "color", "cutout"], "packing": ["k"],
        "ada": ["images", "interval"],
    },
}  # fmt: skip
"""The hyperparameters that must not be negative, by kind and plugin."""
FREE = {("loss", "lsgan"), ("transform", "ada", "target")}


def test_a_number_that_no_shipped_plugin_can_use_is_refused(registry: Registry) -> None:
    for kind, plugins in NEGATIVE.items():
        for name, keys in plugins.items():
            for key in keys:
                default = registry.find(kind, name).defaults()[key]
                with pytest.raises(WrongHyperparameter, match=f"{kind} {name!r}: .*{key}.* -1") as caught:
                    registry.choose(kind, name, {key: -1.0 if isinstance(default, float) else -1})
                assert "\n" not in str(caught.value)


def test_every_number_of_the_shipped_penalties_and_transforms_has_limits(registry: Registry) -> None:
    for kind, limited in NEGATIVE.items():
        for name in registry.names(kind):
            numbers = {
                key
                for key, default in registry.find(kind, name).defaults().items()
                if isinstance(default, int | float) and not isinstance(default, bool)
            }
            free = {key for key in numbers if (kind, name) in FREE or (kind, name, key) in FREE}
            assert numbers - free == set(limited.get(name, ())), name


def test_the_labels_of_least_squares_differ(registry: Registry) -> None:
    with pytest.raises(WrongHyperparameter, match="a and b, what D fits to fake and to real samples, must differ"):
        registry.choose("loss", "lsgan", {"a": 1})
    assert registry.choose("loss", "lsgan", {"a": -1, "c": 0}).params == {"a": -1.0, "b": 1.0, "c": 0.0}


def test_samples_made_elsewhere_that_are_not_there_are_all_named(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "losses: [minimax]\narchitectures: [mlp]\ndatasets: [ring8]\ntrain: {steps: 5}\n"
        "external: [{label: a, samples: a.npz}, {label: b, samples: [b.npz, a.npz]}]\n"
    )
    planned = inside("run", "--suite", "s.yaml", "--dry-run")
    assert planned.code == 0
    for name in ("a.npz", "b.npz"):
        said = f"Before anything is trained: samples '{name}' cannot be read: No such file or directory\n"
        assert planned.out.count(said) == 1
    assert "minimax x mlp x ring8  1 seed: 1 new; 5 steps of 64" in planned.out
    done = inside("run", "--suite", "s.yaml")
    assert (done.code, done.out) == (3, "")
    assert all(f"samples '{name}' cannot be read" in done.err for name in ("a.npz", "b.npz"))
    assert not (tmp_path / "results").exists()


def test_samples_made_elsewhere_that_are_none_are_refused_before_training(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "losses: [minimax]\narchitectures: [mlp]\ndatasets: [ring8]\ntrain: {steps: 5}\n"
        "external: [{label: theirs, samples: a.npz}]\n"
    )
    (tmp_path / "a.npz").write_text("no numbers")
    done = inside("run", "--suite", "s.yaml", "--device", "cpu", "--jobs", 1)
    assert (done.code, done.out) == (2, "")
    assert "s.yaml: samples 'theirs': a.npz" in done.err.replace(f"{tmp_path}/", "")
    assert not (tmp_path / "results" / "runs").exists()


@pytest.mark.parametrize("command", [("run", "--suite", "quick"), ("run", "--suite", "sensitivity", "--search", "1")])
def test_a_results_folder_is_not_named_as_a_file(inside: Cli, tmp_path: Path, command: tuple[str, ...]) -> None:
    for more in ((), ("--dry-run",)):
        done = inside(*command, "--results", "out.json", *more)
        assert (done.code, done.out) == (2, "")
        assert done.err == "ganbench: results folder 'out.json' has the name of a file; name one without .json\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("train", "said"),
    [
        (
            "{play: simultaneous, n_dis: 3}",
            "play: simultaneous moves each player once a step, so n_dis must be 1, not 3",
        ),
        ("{weight_decay: .1}", "ring8: weight_decay is a setting of optimizer adamw alone, not of adam"),
        ("{g: {weight_decay: .1}}", "ring8: g: weight_decay is a setting of optimizer adamw alone, not of adam"),
        ("{d: {weight_decay: .1}, g: {optimizer: sgd, weight_decay: .1}}", "ring8: d: weight_decay is a setting of"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(tmp_path: Path, plugins: Registry, train: str, said: str) -> None:
    (line,) = _said(tmp_path, plugins, "[minimax]", f"train: {train}")
    assert said in line
