"""Losses that are sums: how they are written, labeled, matched, overridden, checked, and when they do not apply."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.api.suites import parse_filters
from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.registry.schedules import Schedule
from ganbench.suite.entries import Entry, labels_of, losses_of
from ganbench.suite.expand import expand
from ganbench.suite.from_plain import run_spec
from ganbench.suite.labels import Label, picked
from ganbench.suite.load import adjusted, load
from ganbench.suite.specs import Cell, Plan, RunSpec, resolved_evaluation
from ganbench.suite.yaml import Node, Problems

PLUGINS = '''
from dataclasses import dataclass
from ganbench import hookimpl

class Game:
    """A game without saying so."""
    def d_loss(self, critic): return (critic.fake - critic.real).mean()
    def g_loss(self, critic): return -critic.fake.mean()

@dataclass(frozen=True)
class Strong(Game):
    gamma: float = 1.0

class NoGame(Game):
    """Both methods, but added to a game."""
    game = False

@dataclass(frozen=True)
class Lazy:
    gamma: float = 1.0
    weight: float = 0.5
    count: int = 3
    every: int = 16
    def __post_init__(self):
        if self.gamma < 0:
            raise ValueError("gamma must be >= 0")
    def d_loss(self, critic): return critic.real.mean() * self.gamma

class Other(Lazy):
    pass

class Features:
    needs = ("features",)
    def g_loss(self, critic): return critic.fake.mean()

class Labels:
    needs = ("labels",)
    def d_loss(self, critic): return critic.real.mean()

@dataclass(frozen=True)
class Pack:
    """Two samples as one."""
    sigma: float = 0.1
    def shape(self, shape): return (2 * shape[0], *shape[1:])
    def supports(self, shape): return "it packs points" if len(shape) > 1 else None
    def __call__(self, discriminator, x, noise, memory): return discriminator(x)

@dataclass(frozen=True)
class Net:
    conditional: bool = False
    extras = ("hidden",)
    latent = 2
    def supports(self, shape): return None if shape == (2,) else f"it takes pairs, not {shape}"
    def generator(self, shape, classes=0): ...
    def discriminator(self, shape, classes=0): ...

@hookimpl
def register_losses():
    return {"game": Game, "strong": Strong, "no-game": NoGame, "lazy": Lazy, "other": Other, "features": Features,
            "labels": Labels}

@hookimpl
def register_transforms(): return {"pack": Pack}

@hookimpl
def register_architectures(): return {"net": Net}
'''


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    path = tmp_path_factory.mktemp("plugins") / "sums.py"
    path.write_text(PLUGINS)
    return Registry.load([path])


def _plan(folder: Path, registry: Registry, losses: str, rest: str = "", network: str = "mlp", **options: Any) -> Plan:
    path = folder / "suite.yaml"
    path.write_text(f"losses: [{losses}]\narchitectures: [{network}]\ndatasets: [ring8]\n{rest}")
    return expand(adjusted(load(path), **options), registry)


def _cells(plan: Plan) -> dict[str, Cell]:
    return {cell.variant.loss.text: cell for cell in plan.cells}


def _params(spec: RunSpec) -> dict[str, dict[str, Any]]:
    return {part.name: dict(part.params) for part in spec.loss}


SUMS = ("game + lazy", "'game+lazy'", "{loss: [game, lazy]}", "{loss: game + lazy}", "{loss: [game + lazy]}")


@pytest.mark.parametrize("written", SUMS)
def test_a_sum_is_the_same_however_it_is_written(tmp_path: Path, plugins: Registry, written: str) -> None:
    (cell,) = _plan(tmp_path, plugins, written).cells
    assert [part.name for part in cell.spec.loss] == ["game", "lazy"]
    assert cell.variant.loss == Label("game + lazy", "game + lazy")
    assert cell.spec.composition == "game + lazy"
    (first,) = _plan(tmp_path, plugins, SUMS[0]).cells
    assert cell.spec.id == first.spec.id
    assert [part["name"] for part in cell.spec.resolved()["loss"]] == ["game", "lazy"]
    assert {key for key in cell.spec.code() if key.startswith("loss:")} == {"loss:game", "loss:lazy"}


def test_a_variant_has_label_transforms_and_settings_of_its_own(tmp_path: Path, plugins: Registry) -> None:
    written = "{loss: [game, {lazy: {gamma: 2}}], label: Mine, transforms: [{pack: {sigma: 0.3}}], train: {n_dis: 5}}"
    cells = _cells(_plan(tmp_path, plugins, f"game, {written}", "train: {n_dis: 2, steps: 7}"))
    mine = cells["Mine"]
    assert mine.variant.loss == Label("Mine", "game + lazy", given=True)
    assert (mine.spec.train.n_dis, mine.spec.train.steps, cells["game"].spec.train.n_dis) == (5, 7, 2)
    assert mine.spec.resolved()["transforms"] == [{"name": "pack", "params": {"sigma": 0.3}}]
    assert "transform:pack" in mine.spec.code()
    assert replace(mine.spec, transforms=()).id != mine.spec.id


def test_a_variants_own_settings_go_over_overrides_and_the_command_line_over_both(
    tmp_path: Path, plugins: Registry
) -> None:
    losses = "{loss: game, label: A, train: {steps: 5, d: {lr: 0.5}}}, {loss: strong, label: B}"
    rest = "train: {steps: 1}\noverrides: [{when: {architecture: mlp}, train: {steps: 2, lr: 0.1}}]"
    plan = _cells(_plan(tmp_path, plugins, losses, rest))
    assert [plan[one].spec.train.steps for one in "AB"] == [5, 2]
    assert [plan["A"].spec.train.d.lr, plan["A"].spec.train.g.lr] == [0.5, 0.1]
    over = _cells(_plan(tmp_path, plugins, losses, rest, sets=("train.steps=9", "train.d.lr=0.7")))
    assert [over[one].spec.train.steps for one in "AB"] == [9, 9]
    assert [(over[one].spec.train.d.lr, over[one].spec.train.g.lr) for one in "AB"] == [(0.7, 0.1), (0.7, 0.1)]


def test_names_match_the_label_or_without_one_the_name(tmp_path: Path, plugins: Registry) -> None:
    losses = "game + lazy, {loss: [game, other], label: Long name}, {loss: game, transforms: [pack]}, game"
    plan = _plan(tmp_path, plugins, losses, "reference: {loss: game+lazy}")
    assert plan.family.reference == {"loss": "game + lazy"}
    for asked, texts in {
        "game+lazy": ["game + lazy"], "game  + lazy": ["game + lazy"], "Long name": ["Long name"], "game + other": [],
        "game": ["game"], "game with pack": ["game with pack"], "lazy": [],
    }.items():  # fmt: skip
        assert [cell.variant.loss.text for cell in plan.filtered({"loss": (asked,)}).cells] == texts, asked
    rest = "overrides: [{when: {loss: [Long name, game+lazy]}, train: {steps: 4}}]"
    steps = {text: cell.spec.train.steps for text, cell in _cells(_plan(tmp_path, plugins, losses, rest)).items()}
    assert steps == {"game + lazy": 4, "Long name": 4, "game with pack": 3000, "game": 3000}
    with pytest.raises(UsageError, match=r"has no loss 'game \+ other'"):
        _plan(tmp_path, plugins, losses, "overrides: [{when: {loss: game + other}, train: {steps: 4}}]")


def test_hyperparameters_stand_beside_a_sum_that_occurs_twice(tmp_path: Path, plugins: Registry) -> None:
    plan = _plan(tmp_path, plugins, "{loss: [game, {lazy: {gamma: 1}}]}, {loss: [game, {lazy: {gamma: 2}}]}")
    assert list(_cells(plan)) == ["game + lazy(gamma=1)", "game + lazy(gamma=2)"]


def test_hyperparameters_of_a_sum_are_overridden_by_part(tmp_path: Path, plugins: Registry) -> None:
    losses = "game, strong + lazy, game + lazy"
    rest = "overrides: [{when: {dataset: ring8}, loss: {lazy: {gamma: 0.3}}}]"
    cells = _cells(_plan(tmp_path, plugins, losses, rest, sets=("loss.lazy.count=8",)))
    assert _params(cells["strong + lazy"].spec)["strong"] == {"gamma": 1.0}
    for name in ("strong + lazy", "game + lazy"):
        assert _params(cells[name].spec)["lazy"] == {"gamma": 0.3, "weight": 0.5, "count": 8, "every": 16}
    alone = _cells(_plan(tmp_path, plugins, "strong + lazy", sets=("loss.weight=2",)))
    assert _params(alone["strong + lazy"].spec)["lazy"]["weight"] == 2.0


@pytest.mark.parametrize(
    ("losses", "rest", "said"),
    [
        ("lazy", "", "1:10: lazy is added to a game, as in "),
        ("game + strong", "", "1:10: game and strong are games of their own, and a sum has exactly one; a penalty"),
        ("lazy + game", "", "1:10: the game comes first: write game + lazy"),
        ("no-game", "", "1:10: no-game is added to a game"),
        ("game + lazy + lazy", "", "1:10: 'lazy' is named twice in game + lazy + lazy"),
        ("{loss: game, transforms: [pack, pack]}", "", "1:10: 'pack' is named twice"),
        ("game + ", "", "1:10: 'game +' is no sum of losses"),
        ("{loss: [game, {lazy: {every: 4}}, other]}", "", "1:10: the lazy parts of a sum are computed at the same "
         "steps, not lazy every 4 steps, other every 16 steps"),
        ("{loss: [game, {lazy: {every: 0}}]}", "", "1:10: lazy: 'every' must be an integer >= 1, got 0"),
        ("{loss: [game, lasy]}", "", "1:24: unknown loss 'lasy'. Did you mean 'lazy'?"),
        ("{loss: game, transforms: [pac]}", "", "1:36: unknown transform 'pac'. Did you mean 'pack'?"),
        ("{loss: [game, {lazy: {gama: 2}}]}", "", "1:38: loss 'lazy' has no hyperparameter 'gama'"),
        ("{loss: game, label: ''}", "", "1:30: label must be one line of text"),
        ("{loss: game, label: 'a, b'}", "", "1:30: label must be one line of text"),
        ("{loss: game, labl: x}", "", "1:23: unknown key 'labl'. Did you mean 'label'?"),
        ("{label: x}", "", "1:10: a loss with settings of its own needs 'loss'"),
        ("{loss: []}", "", "1:17: the list is empty"),
        ("{loss: game, train: {stepz: 3}}", "", "1:31: unknown key 'stepz'. Did you mean 'steps'?"),
        ("{loss: game, train: 3}", "", "1:30: 'train' must be a mapping"),
        ("{loss: game, train: {n_dis: 2}}, game", "", "two variants are called game x mlp x ring8; give the loss of "
         "one of them a label"),
        ("{loss: strong, label: game}, game", "", "two variants are called game x mlp x ring8"),
        ("game + lazy, {loss: game + lazy, label: X}", "", "are the same runs"),
        ("strong + lazy", "overrides: [{when: {dataset: ring8}, loss: {gamma: 3}}]", "4:45: strong and lazy have a "
         "hyperparameter 'gamma': write loss: {strong: {gamma: ...}}"),
        ("strong + lazy", "overrides: [{when: {dataset: ring8}, loss: {gam: 3}}]", "4:45: no part of strong + lazy has "
         "a hyperparameter 'gam'"),
        ("strong + lazy", "overrides: [{when: {dataset: ring8}, loss: {lazy: 3}}]", "4:51: 'lazy' is a part of a loss"),
        ("{loss: [game, {lazy: {gamma: {from: 1}}}]}", "", "a schedule needs a finite number as 'to', got None"),
        ("{loss: [game, {lazy: {gamma: {from: 1, to: -1}}}]}", "", "gamma must be >= 0"),
        ("{loss: [game, {lazy: {count: {from: 1, to: 2}}}]}", "", "1:39: loss 'lazy': count cannot have a schedule"),
    ],
)  # fmt: skip
def test_a_wrong_sum_is_reported_at_its_place(
    tmp_path: Path, plugins: Registry, losses: str, rest: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        _plan(tmp_path, plugins, losses, rest)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("loss", "network", "reason"),
    [
        ("game + features", "net", "features needs features from D, and net gives hidden alone"),
        ("game + features", "mlp", "features needs features from D, and mlp gives "),
        ("game + labels", "net", "labels needs labels, and net is not conditional"),
        ("game", "{net: {conditional: true}}", "net is conditional, and ring8 has no classes"),
        ("{loss: game, transforms: [pack]}", "net", "D would see samples of shape (4,): it takes pairs, not (4,)"),
    ],
)
def test_a_combination_that_lacks_something_does_not_apply(
    tmp_path: Path, plugins: Registry, loss: str, network: str, reason: str
) -> None:
    plan = _plan(tmp_path, plugins, f"{loss}, strong", network=network if network == "mlp" else f"{network}, mlp")
    skipped = {(one.variant.loss.name, one.variant.architecture.name): one.reason for one in plan.skipped}
    assert any(reason in found for found in skipped.values()), skipped
    assert ("strong", "mlp") in {(cell.variant.loss.name, cell.variant.architecture.name) for cell in plan.cells}


def test_a_transform_names_the_samples_that_it_cannot_change(tmp_path: Path, plugins: Registry) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text("losses: [{loss: game, transforms: [pack]}]\narchitectures: [mlp]\ndatasets: [ring8, digits]\n")
    plan = expand(load(path), plugins)
    assert [cell.texts for cell in plan.cells] == [("game with pack", "mlp", "ring8")]
    assert [one.reason for one in plan.skipped] == ["pack: it packs points"]


def test_a_hyperparameter_may_change(tmp_path: Path, plugins: Registry) -> None:
    losses = "{loss: [game, {lazy: {gamma: {from: 1, to: 0.1, over: 0.5, shape: cosine}}}]}"
    (cell,) = _plan(tmp_path, plugins, losses).cells
    lazy = cell.spec.loss[1]
    assert lazy.schedules() == {"gamma": Schedule(1.0, 0.1, 0.5, "cosine")}
    assert lazy.identity()["params"]["gamma"] == {"from": 1.0, "to": 0.1, "over": 0.5, "shape": "cosine"}  # type: ignore[index]
    assert getattr(plugins.create("loss", lazy), "gamma") == 1.0  # noqa: B009


def test_add_takes_a_sum(tmp_path: Path, plugins: Registry) -> None:
    plan = _plan(tmp_path, plugins, "game", adds=("loss=strong + lazy", "loss={loss: [game, lazy], label: Mine}"))
    assert list(_cells(plan)) == ["game", "strong + lazy", "Mine"]
    assert [cell.added for cell in plan.cells] == [False, True, True]
    with pytest.raises(UsageError, match=r"--add loss=game \+ nope: unknown loss 'nope'"):
        _plan(tmp_path, plugins, "game", adds=("loss=game + nope",))


def test_a_spec_comes_back_from_its_plain_data(tmp_path: Path, plugins: Registry) -> None:
    losses = (
        "{loss: [game, {lazy: {gamma: {from: 1, to: 2}}}], label: X, transforms: [pack], "
        "train: {ema_half_life: 100, play: unrolled(5), lr: {from: 0, to: 1}, g: {optimizer: rmsprop}}}"
    )
    (cell,) = _plan(tmp_path, plugins, losses).cells
    plain = {**cell.spec.resolved(), "evaluation": resolved_evaluation(cell.spec.evaluation)}
    assert run_spec(plain, plugins) == cell.spec


names = st.text("abcdefgh-123", min_size=1, max_size=6).filter(lambda text: text.strip("-123"))


@given(st.lists(names, min_size=1, max_size=4), st.sampled_from(["+", " + ", "  +", "+ "]))
def test_any_names_joined_by_pluses_are_the_list_of_them(parts: list[str], plus: str) -> None:
    problems = Problems("file")
    (text,) = losses_of(Node([Node(plus.join(parts))]), problems)
    (listed,) = losses_of(Node.of([{"loss": parts}]), problems)
    assert not problems.found
    assert [part.name for part in text.parts] == [part.name for part in listed.parts] == parts
    assert text.name == listed.name == " + ".join(parts)
    labels = labels_of([text])
    assert picked(labels, plus.join(parts)) == labels


plain = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "a + b", "+", "loss", "label"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["loss", "label", "transforms", "train", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(plain)
def test_any_content_is_an_entry_or_a_problem(content: object) -> None:
    problems = Problems("file")
    found = losses_of(Node.of([content]), problems)
    assert found or problems.found
    assert all(isinstance(entry, Entry) and entry.parts for entry in found)
    labels_of(found)


def test_packed_samples_have_no_label_for_a_conditional_d(tmp_path: Path, plugins: Registry) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(
        "losses: [minimax, {loss: minimax, transforms: [packing]}]\n"
        "architectures: [mlp, {mlp: {conditional: true}}]\ndatasets: [digits]\n"
    )
    plan = expand(load(path), plugins)
    assert len(plan.cells) == 3
    assert [one.reason for one in plan.skipped] == [
        "packing makes one sample of several, which have no label in common for a conditional D"
    ]


def test_a_schedule_stands_in_a_label_in_words() -> None:
    plain = [{"loss": ["game", {"lazy": {"gamma": {"from": 1, "to": 0.1, "over": 0.5}}}]}, "game + lazy"]
    labels = labels_of(losses_of(Node.of(plain), Problems("suite.yaml")))
    assert labels[0].text == "game + lazy(gamma=1 to 0.1 over 0.5 (linear))"


def test_a_filter_takes_names_with_commas(tmp_path: Path, plugins: Registry) -> None:
    losses = (
        "{loss: [game, {lazy: {gamma: 1, every: 4}}]}, game + lazy, {loss: game, transforms: [pack, instance-noise]}"
    )
    plan = _plan(tmp_path, plugins, losses)
    texts = [cell.variant.loss.text for cell in plan.cells]
    assert texts == ["game + lazy(gamma=1, every=4)", "game + lazy", "game with pack, instance-noise"]
    for text in (texts[0], texts[2]):
        wanted = parse_filters([f"loss={text},dataset=ring8"], plan)
        assert wanted == {"loss": (text,), "dataset": ("ring8",)}
        assert [cell.variant.loss.text for cell in plan.filtered(wanted).cells] == [text]
    with pytest.raises(UsageError, match="the suite has no loss 'game, ring8'"):
        parse_filters(["loss=game, ring8"], plan)


@pytest.mark.parametrize("part", ["consistency", "dragan"])
def test_a_part_that_alters_real_samples_is_for_a_conditional_d_too(
    tmp_path: Path, plugins: Registry, part: str
) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(
        f"losses: [nonsaturating + {part}]\narchitectures: [dcgan, {{dcgan: {{conditional: true}}}}]\n"
        "datasets: [digits]\n"
    )
    plan = expand(load(path), plugins)
    assert len(plan.cells) == 2
    assert not plan.skipped
