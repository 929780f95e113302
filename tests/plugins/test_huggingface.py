"""The dataset `huggingface`: sets of Hugging Face `datasets` on this disk, made by pyarrow and by the library."""

from __future__ import annotations

import io
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from conftest import Cli
from numpy.typing import NDArray
from PIL import Image

from ganbench import cache_folder
from ganbench.errors import MissingError
from ganbench.testing import check_dataset
from ganbench_datasets.folder import Folder
from ganbench_datasets.huggingface import HuggingFace

REQUIRED = os.environ.get("GANBENCH_HF") == "required"
"""In CI the extra is installed, and these tests may not be skipped."""
if not REQUIRED and find_spec("datasets") is None:
    pytest.skip("the extra hf is not installed: pip install -e '.[hf]'", allow_module_level=True)
SIDE = 6
SPLITS: tuple[Literal["train", "test"], ...] = ("train", "test")
PAGE = (Path(__file__).parent.parent.parent / "docs" / "datasets.md").read_text()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "my [set]"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The network is not even asked for; a library might pass over that it is not there."""
    asked: list[object] = []

    def refuse(*given: object, **_: object) -> None:
        asked.append(given)
        raise OSError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    assert not asked


def pixels(count: int, seed: int = 0) -> list[NDArray[np.uint8]]:
    noise = np.random.default_rng(seed)
    return [noise.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(count)]


def pngs(count: int, seed: int = 0) -> list[bytes]:
    found = []
    for one in pixels(count, seed):
        buffer = io.BytesIO()
        Image.fromarray(one).save(buffer, "PNG")
        found.append(buffer.getvalue())
    return found


def plain(file: Path, columns: Mapping[str, list[Any]]) -> None:
    """A Parquet file by pyarrow alone, without what Hugging Face notes in it."""
    import pyarrow
    from pyarrow import parquet

    file.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.table(dict(columns)), file)


def rows_of(contents: list[bytes], **columns: Any) -> Any:
    """A `datasets.Dataset` of pictures, and other columns each with its feature and values."""
    from datasets import Dataset, Features
    from datasets import Image as Feature

    features = {"image": Feature(), **{name: feature for name, (feature, _) in columns.items()}}
    values = {name: list(given) for name, (_, given) in columns.items()}
    images = [{"bytes": content, "path": None} for content in contents]
    return Dataset.from_dict({"image": images, **values}, features=Features(features))


def labeled(count: int, seed: int = 0) -> Any:
    from datasets import ClassLabel

    return rows_of(pngs(count, seed), label=(ClassLabel(names=["cat", "dog"]), [i % 2 for i in range(count)]))


def made(path: Path | str, **settings: Any) -> HuggingFace:
    return HuggingFace(**{"path": str(path), "size": SIDE, **settings})


def counts(dataset: HuggingFace) -> tuple[int, int]:
    return len(dataset.load("train").samples), len(dataset.load("test").samples)


def stacked(images: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.stack([one.transpose(2, 0, 1) for one in images])


def labels_of(dataset: HuggingFace) -> list[list[int] | None]:
    found = dataset.load("train").labels, dataset.load("test").labels
    return [None if one is None else one.tolist() for one in found]


def test_a_file_holds_its_pictures_and_labels_and_a_share_is_held_out_by_content(root: Path) -> None:
    root.mkdir()
    labeled(40).to_parquet(root / "a.parquet")
    data = made(root / "a.parquet", labels=False, test_share=0.2)
    held = sorted(sorted(range(40), key=lambda i: sha256(pngs(40)[i]).hexdigest())[:8])
    kept = [i for i in range(40) if i not in held]
    assert (data.load("test").samples.numpy() == stacked([pixels(40)[i] for i in held])).all()
    assert (data.load("train").samples.numpy() == stacked([pixels(40)[i] for i in kept])).all()
    assert data.load("train").samples.dtype == torch.uint8
    assert (data.classes, labels_of(data)) == (None, [None, None])


def test_the_same_pictures_in_a_folder_are_divided_and_decoded_alike(root: Path, tmp_path: Path) -> None:
    root.mkdir()
    labeled(30).to_parquet(root / "a.parquet")
    for i, content in enumerate(pngs(30)):
        path = tmp_path / "tree" / ("dog" if i % 2 else "cat") / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    settings: dict[str, Any] = {"size": 4, "channels": 1, "filter": "box", "test_share": 0.3}
    mine, its = HuggingFace(path=str(root / "a.parquet"), **settings), Folder(root=str(tmp_path / "tree"), **settings)
    for split in SPLITS:
        found, wanted = mine.load(split), its.load(split)
        assert found.labels is not None
        assert wanted.labels is not None
        order = found.labels.argsort(stable=True)  # in the tree, cats come before dogs
        assert torch.equal(found.samples[order], wanted.samples)
        assert torch.equal(found.labels[order], wanted.labels)
    assert mine.classes == mine.modes == 2


def test_splits_are_told_by_the_names_of_files(root: Path) -> None:
    (root / "data").mkdir(parents=True)
    for name, count in (("train-00000-of-00002", 5), ("train-00001-of-00002", 4), ("test-00000-of-00001", 3)):
        labeled(count, seed=count).to_parquet(root / "data" / f"{name}.parquet")
    labeled(2, seed=9).to_parquet(root / "data" / "validation-00000-of-00001.parquet")
    data = made(root)
    assert (data.load("train").samples.numpy() == stacked([*pixels(5, 5), *pixels(4, 4)])).all()
    assert (data.load("test").samples.numpy() == stacked(pixels(3, 3))).all()
    assert labels_of(data) == [[0, 1, 0, 1, 0, 0, 1, 0, 1], [0, 1, 0]]
    assert counts(made(root, test="validation")) == (9, 2)
    assert counts(made(root, train="test", test="validation")) == (3, 2)
    assert counts(made(root, config="data")) == (9, 3)
    with pytest.raises(MissingError, match=r"my \[set\] has no split 'tset'; it has train, validation, test$"):
        made(root, test="tset").prepare()
    (root / "data" / "test-00000-of-00001.parquet").unlink()
    assert counts(made(root)) == (9, 2)


def test_without_a_training_split_the_splits_are_listed(root: Path) -> None:
    root.mkdir()
    for name in ("validation", "test"):
        labeled(5).to_parquet(root / f"{name}.parquet")
    with pytest.raises(MissingError, match=r"has the splits validation, test: set 'train' to one of them, and 'test'"):
        made(root).prepare()
    (root / "validation.parquet").unlink()
    assert counts(made(root, test_share=0.4)) == (3, 2)


def test_what_save_to_disk_wrote_is_read(root: Path) -> None:
    from datasets import DatasetDict

    DatasetDict(train=labeled(9), test=labeled(4, 1)).with_format("torch").save_to_disk(root / "both")
    data = made(root / "both")
    assert (data.load("train").samples.numpy() == stacked(pixels(9))).all()
    assert (data.load("test").samples.numpy() == stacked(pixels(4, 1))).all()
    labeled(20).select(range(10, 20)).save_to_disk(root / "one")
    one = made(root / "one")
    assert counts(one) == (9, 1)
    found = {row.numpy().tobytes() for split in SPLITS for row in one.load(split).samples}
    assert found == {row.tobytes() for row in stacked(pixels(20)[10:])}
    with pytest.raises(MissingError, match=r"was written by save_to_disk and has no configurations; leave out"):
        made(root / "one", config="x").fingerprint()


CARD = """---
configs:
- config_name: small
  data_files: [{split: train, path: "a.parquet"}, {split: test, path: "b.parquet"}]
- config_name: large
  data_files: "*.parquet"
---
# A set
"""


def test_the_card_of_a_set_names_its_configurations(root: Path) -> None:
    root.mkdir()
    labeled(8).to_parquet(root / "a.parquet")
    labeled(3, 1).to_parquet(root / "b.parquet")
    (root / "README.md").write_text(CARD)
    small = made(root, config="small")
    assert counts(small) == (8, 3)
    assert sum(counts(made(root, config="large"))) == 11
    for config, text in (
        ("", "several configurations: set 'config' to small, large$"),
        ("x", r"'x'; it has large, sm"),
    ):
        with pytest.raises(MissingError, match=text):
            made(root, config=config).prepare()
    (root / "README.md").write_text(CARD + "other words")
    assert made(root, config="small").fingerprint() == small.fingerprint()
    (root / "README.md").write_text(CARD.replace("b.parquet", "a.parquet"))
    assert made(root, config="small").fingerprint() != small.fingerprint()
    (root / "README.md").write_text(CARD.replace("small", "default"))
    assert counts(made(root)) == (8, 3)


@pytest.mark.parametrize(
    ("card", "text"),
    [
        (CARD.replace("a.parquet", "https://somewhere/a.parquet"), "names files that are not in the folder; copy them"),
        (CARD.replace("a.parquet", "/etc/a.parquet"), "cannot be read as a set of datasets: "),
        ("---\nconfigs: [\n---\n", "has no valid header of a dataset card: .*; correct or delete it"),
        ("---\nconfigs: [{data_files: a.parquet}]\n---\n", "has no valid header of a dataset card: 'config_name'"),
    ],
)
def test_a_card_that_points_elsewhere_or_is_damaged_is_refused(card: str, text: str, root: Path) -> None:
    root.mkdir()
    labeled(8).to_parquet(root / "b.parquet")
    (root / "README.md").write_text(card)
    with pytest.raises(MissingError, match=text):
        made(root, config="small").prepare()


def test_files_of_other_programs_are_read_and_their_labels_named(root: Path) -> None:
    names = ["owl", "ant", "owl", "bee", "bee"]
    as_struct = [{"bytes": content, "path": f"{i}.png"} for i, content in enumerate(pngs(5))]
    plain(root / "train.parquet", {"picture": as_struct, "kind": names, "id": [3, 0, 1, 1, 3]})
    plain(root / "test.parquet", {"picture": as_struct[:2], "kind": ["cat", "bee"], "id": [0, 2]})
    assert labels_of(made(root)) == [None, None]
    assert (made(root).load("train").samples.numpy() == stacked(pixels(5))).all()
    by_name, by_number = made(root, label="kind"), made(root, label="id")
    assert (by_name.classes, labels_of(by_name)) == (4, [[3, 0, 3, 1, 1], [2, 1]])
    assert (by_number.classes, labels_of(by_number)) == (4, [[3, 0, 1, 1, 3], [0, 2]])
    plain(root / "binary" / "x.parquet", {"image": pngs(10), "size": [1.5] * 10})
    assert counts(made(root / "binary")) == (9, 1)
    with pytest.raises(MissingError, match=r"column 'size' of .* must hold whole numbers from 0 on, or texts"):
        made(root / "binary", label="size").prepare()


COLUMNS: dict[str, tuple[dict[str, list[Any]], dict[str, Any], str]] = {
    "no pictures": (
        {"text": ["a", "b"], "n": [1, 2]}, {},
        r"split train of .*x\.parquet has no column of pictures; the columns are text \(string\), n \(int64\)$",
    ),
    "several": (
        {"a": [b"1", b"2"], "b": [b"1", b"2"]}, {},
        r"has several columns of pictures: set 'image' to one of them; the columns are a \(binary\), b \(binary\)$",
    ),
    "not there": ({"a": [b"1"]}, {"image": "b"}, r"has no column 'b'; it has a \(binary\)$"),
    "no picture column": (
        {"a": [b"1"], "n": [1]}, {"image": "n"}, r"column 'n' of .* holds no pictures; the columns are a .*n \(int64\)"
    ),
    "no such label": ({"a": [b"1"]}, {"label": "b"}, r"x\.parquet has no column 'b'; it has a \(binary\)$"),
    "unknown label": (
        {"a": [b"1", b"2"], "n": [1, -1]}, {"label": "n"}, r"row 1 of split train of .* has no label in column 'n': set"
    ),
    "no label": ({"a": [b"1", b"2"], "n": [None, "x"]}, {"label": "n"}, r"row 0 of split train of .* has no label in"),
    "no classes": (
        {"a": [b"1", b"2"], "n": [5, 10**12]}, {"label": "n"}, r"column 'n' of .* holds numbers up to 10{12} for 2 p"
    ),
    "a wrong split": ({"a": [b"1"]}, {"train": "test"}, r"has no split 'test'; it has train$"),
}  # fmt: skip


@pytest.mark.parametrize("case", COLUMNS)
def test_wrong_columns_are_one_sentence(case: str, root: Path) -> None:
    columns, settings, text = COLUMNS[case]
    plain(root / "x.parquet", columns)
    with pytest.raises(MissingError, match=text) as caught:
        made(root / "x.parquet", **settings).prepare()
    assert "\n" not in str(caught.value)


def test_of_several_columns_of_classes_one_must_be_named(root: Path) -> None:
    from datasets import ClassLabel

    fine, coarse = (ClassLabel(num_classes=4), [0, 1, 2, 3, 0]), (ClassLabel(num_classes=2), [0, 1] * 2 + [1])
    root.mkdir()
    rows_of(pngs(5), fine=fine, coarse=coarse).to_parquet(root / "x.parquet")
    with pytest.raises(MissingError, match=r"several columns of classes: set 'label' to one .*coarse \(ClassLabel\)$"):
        made(root / "x.parquet").prepare()
    assert made(root / "x.parquet", label="fine").classes == 4
    assert made(root / "x.parquet", label="coarse").classes == 2
    assert made(root / "x.parquet", labels=False).classes is None


FAULTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda content: content[:-200], r"x\.parquet is truncated or damaged, or no Parquet file: "),
    "empty": (lambda _: b"", r"x\.parquet is truncated or damaged, or no Parquet file: "),
    "text": (lambda _: b"<html>not found</html>", r"x\.parquet is truncated or damaged, or no Parquet file: "),
    "rot": (lambda content: content[:30] + bytes(900) + content[930:], r"x\.parquet cannot be read as a set of datas"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_files_are_named(fault: str, root: Path) -> None:
    change, text = FAULTS[fault]
    file = root / "x.parquet"
    plain(file, {"image": pngs(20)})
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(MissingError, match=text) as caught:
        made(file).prepare()
    assert "\n" not in str(caught.value)
    assert str(cache_folder()) not in str(caught.value)


@pytest.mark.parametrize("empty", SPLITS)
def test_an_empty_split_is_named(empty: str, root: Path) -> None:
    for split in SPLITS:
        plain(
            root / f"{split}.parquet",
            {"image": pngs(20)[: 0 if split == empty else None], "n": [1] * (0 if split == empty else 20)},
        )
    with pytest.raises(MissingError, match=rf"split '{empty}' of .*my \[set\] is empty; name another by"):
        made(root).prepare()


def test_a_path_that_holds_no_set_is_named(root: Path) -> None:
    with pytest.raises(MissingError, match=r"there is no file or folder .*my \[set\]; set 'path' to that of the set"):
        made(root).fingerprint()
    root.mkdir()
    with pytest.raises(MissingError, match=r"holds no Parquet files \(\.parquet\) and was not written by save_to_disk"):
        made(root).fingerprint()
    (root / "a.png").write_bytes(pngs(1)[0])
    with pytest.raises(MissingError, match=r"a\.png is no Parquet file"):
        made(root / "a.png").fingerprint()


def test_faulty_rows_are_named_and_end_a_run_before_it_trains(inside: Cli, tmp_path: Path) -> None:
    contents: list[bytes | None] = [*pngs(20)]
    contents[3], contents[7], contents[12], contents[13] = b"", None, pngs(1)[0][:60], b"GIF89a"
    plain(tmp_path / "set" / "train.parquet", {"image": contents})
    plain(tmp_path / "set" / "test.parquet", {"image": pngs(5, 1)})
    (tmp_path / "s.yaml").write_text(
        "losses: [minimax]\narchitectures: [mlp]\ndatasets: [{huggingface: {path: set, size: 8}}]\n"
        "train: {steps: 1}\nevaluation: {metrics: [spread], samples: 10}\n"
    )
    assert inside("run", "--suite", "s.yaml", "--dry-run").code == 0
    done = inside("run", "--suite", "s.yaml")
    assert done.code == 3, done.err
    where = r"of split train of \S*set"
    assert re.search(
        rf"row 3 {where} is empty \(0 bytes\); row 7 {where} holds no picture in column 'image' ", done.err
    )
    assert re.search(rf"; row 12 {where} is .*; 1 more is faulty\. Replace or remove what is faulty$", done.err.strip())
    assert not (tmp_path / "results" / "runs").exists()


def test_nothing_is_written_beside_the_data_and_no_bar_is_shown(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor into the library's own cache; what it converted is gone when the pictures are decoded."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "its-cache")
    root.mkdir()
    labeled(20).to_parquet(root / "train.parquet")
    labeled(5, 1).save_to_disk(root / "saved")
    before = sorted(root.rglob("*"))
    capfd.readouterr()
    for path in (root / "train.parquet", root / "saved"):
        made(path).prepare()
        assert made(path).fingerprint() == made(path).fingerprint()
    assert sorted(root.rglob("*")) == before
    assert capfd.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "my [set]"]
    assert not list((cache_folder() / "huggingface").iterdir())


def test_what_a_killed_process_left_is_deleted_after_a_day(root: Path) -> None:
    old, new = (cache_folder() / "huggingface" / name for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "x.arrow").touch()
    os.utime(old, (time.time() - 90_000,) * 2)
    root.mkdir()
    labeled(20).to_parquet(root / "x.parquet")
    made(root / "x.parquet").prepare()
    assert (old.exists(), new.exists()) == (False, True)


def test_decoded_pictures_are_mapped_and_follow_the_content(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.mkdir()
    labeled(20).to_parquet(root / "x.parquet")
    first = made(root / "x.parquet")
    first.prepare()
    (root / "x.parquet").rename(tmp_path / "y.parquet")
    with monkeypatch.context() as patch:
        patch.setattr("ganbench_datasets.image_table.LocalTables", None)  # nothing is opened again
        moved = made(tmp_path / "y.parquet")
        assert (moved.fingerprint(), moved.classes) == (first.fingerprint(), 2)
        assert torch.equal(moved.load("train").samples, first.load("train").samples)
    labeled(20, seed=1).to_parquet(root / "x.parquet")
    changed = made(root / "x.parquet")
    assert changed.fingerprint() != first.fingerprint()
    assert not torch.equal(changed.load("train").samples, first.load("train").samples)


def test_files_that_change_while_they_are_read_are_noticed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root.mkdir()
    labeled(20).to_parquet(root / "x.parquet")

    def read(content: bytes) -> Image.Image:
        plain(root / "x.parquet", {"image": pngs(3)})
        return Image.open(io.BytesIO(content))

    monkeypatch.setattr("ganbench_datasets.image_table.picture_in", read)
    with pytest.raises(MissingError, match=r"the files of .*x\.parquet changed while they were read; run again when"):
        made(root / "x.parquet").prepare()


@pytest.mark.parametrize("kind", ["file", "saved"])
def test_the_contract_of_datasets_is_kept(kind: str, root: Path) -> None:
    root.mkdir()
    if kind == "file":
        labeled(60).to_parquet(root / "x.parquet")
    else:
        labeled(60).save_to_disk(root / "x.parquet")
    check_dataset(made(root / "x.parquet"))


def _hub(monkeypatch: pytest.MonkeyPatch, files: list[str], failing: Exception | None = None) -> list[dict[str, Any]]:
    """A hub that has these files; returns what is asked of it."""
    import huggingface_hub

    asked: list[dict[str, Any]] = []

    def fetch(**given: Any) -> None:
        asked.append(given)
        folder = Path(given["local_dir"])
        for file in given["allow_patterns"]:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            if file.endswith(".parquet"):
                labeled(5, seed=len(file)).to_parquet(folder / file)
        if failing:
            raise failing

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", lambda *_, **__: files)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    return asked


def test_a_set_of_the_hub_is_fetched_once_and_only_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ["README.md", "big/train/0.parquet", "small/train/0.parquet", "small/test/0.parquet", "x.zip"]
    asked = _hub(monkeypatch, files)
    settings = {"config": "small", "revision": "refs/convert/parquet"}
    waiting, asking = (made("hf://datasets/user/set", download=load, **settings) for load in (False, True))
    for call in (waiting.prepare, waiting.fingerprint, asking.fingerprint):
        with pytest.raises(
            MissingError, match=r"user/set is not in .*user--set@.*\. Download it with 'download: true'"
        ):
            call()
    assert not asked
    asking.prepare()
    (one,) = asked
    assert (one["repo_id"], one["repo_type"], one["revision"]) == ("user/set", "dataset", "refs/convert/parquet")
    assert one["allow_patterns"] == ["small/train/0.parquet", "small/test/0.parquet", "README.md"]
    assert Path(one["local_dir"]).parent == tmp_path / "data" / "huggingface"
    again = made("hf://datasets/user/set", **settings)
    assert (counts(again), again.fingerprint()) == ((5, 5), asking.fingerprint())
    made("hf://datasets/user/set", download=True, **settings).prepare()
    assert len(asked) == 1


def test_a_download_that_failed_is_no_set(monkeypatch: pytest.MonkeyPatch) -> None:
    _hub(monkeypatch, ["train.parquet"], failing=OSError("no route\nmore"))
    data = made("hf://datasets/user/set", download=True)
    with pytest.raises(MissingError, match=r"user/set cannot be downloaded from the Hugging Face hub: no route$"):
        data.prepare()
    with pytest.raises(MissingError, match="is not in"):
        data.fingerprint()
    _hub(monkeypatch, ["README.md", "pictures.zip"])
    with pytest.raises(MissingError, match=r"user/set has no Parquet files .* try 'revision: refs/convert/parquet'"):
        data.prepare()
    _hub(monkeypatch, ["train.parquet"])
    data.prepare()
    assert counts(data) == (4, 1)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            "GatedRepoError",
            "it is gated: accept its terms on its page of the hub, then log in with `hf auth lo",
        ),
        ("RepositoryNotFoundError", "there is no such set, or it is private; if it is yours, log in with"),
        ("RevisionNotFoundError", "it has no revision 'v9'$"),
    ],
)
def test_what_the_hub_refuses_is_said_in_words(error: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import errors

    kind = getattr(errors, error)
    _hub(monkeypatch, ["train.parquet"], failing=kind.__new__(kind))
    with pytest.raises(MissingError, match=rf"^user/set cannot be downloaded from the Hugging Face hub: {text}"):
        made("hf://datasets/user/set", download=True, revision="v9").prepare()


def test_the_suite_of_the_documentation_is_a_plan(inside: Cli, tmp_path: Path) -> None:
    (suite,) = re.findall(r'```yaml title="hf.yaml"\n(.*?)```', PAGE, re.DOTALL)
    assert len(suite.splitlines()) <= 10
    (tmp_path / "hf.yaml").write_text(suite)
    (file,) = re.findall(r"path: (\S+\.parquet)", suite)
    labeled(700).to_parquet(tmp_path / file)
    done = inside("run", "--suite", "hf.yaml", "--dry-run")
    assert done.code == 0, done.err
    assert "x huggingface" in done.out
    assert "unknown" not in done.out
