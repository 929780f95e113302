"""The dataset `folder`: which files are found, how they are divided, and what is kept of them."""

from __future__ import annotations

import logging
import os
import threading
import time
import unicodedata
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench import cache_folder
from ganbench.errors import MissingError
from ganbench.evaluation.data_contract import check_data
from ganbench_datasets.folder import Folder
from ganbench_datasets.image_files import read_picture

SIDE = 6


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


def draw(root: Path, names: Sequence[str], seed: int = 0) -> list[bytes]:
    """Pictures of noise under these names; returns the contents of their files."""
    noise = np.random.default_rng(seed)
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(path)
    return [(root / name).read_bytes() for name in names]


def made(root: Path, **settings: Any) -> Folder:
    return Folder(**{"root": str(root), "size": SIDE, **settings})


def counts(dataset: Folder) -> tuple[int, int]:
    return len(dataset.load("train").samples), len(dataset.load("test").samples)


def numbered(count: int, of: str = "{:03}.png") -> list[str]:
    return [of.format(i) for i in range(count)]


def test_a_share_is_held_out_by_the_hash_of_the_contents(root: Path) -> None:
    contents = draw(root, numbered(50))
    held = sorted(range(50), key=lambda i: sha256(contents[i]).hexdigest())[:10]
    pixels = [np.asarray(Image.open(root / f"{i:03}.png")).transpose(2, 0, 1) for i in range(50)]
    data = made(root, test_share=0.2)
    train, test = data.load("train").samples.numpy(), data.load("test").samples.numpy()
    assert (test == np.stack([pixels[i] for i in sorted(held)])).all()
    assert (train == np.stack([pixels[i] for i in range(50) if i not in held])).all()


def test_every_class_is_held_out_alike_and_copies_stay_together(root: Path) -> None:
    draw(root, [*numbered(40, "a/{:03}.png"), *numbered(20, "b/{:03}.png")])
    data = made(root)
    for labels, wanted in ((data.load("train").labels, [36, 18]), (data.load("test").labels, [4, 2])):
        assert labels is not None
        assert labels.bincount().tolist() == wanted
    for i in range(40):
        (root / "b" / f"copy{i}.png").write_bytes((root / "a" / f"{i:03}.png").read_bytes())
    known = {row.tobytes() for row in made(root).load("train").samples.numpy()}
    assert not any(row.tobytes() in known for row in made(root).load("test").samples.numpy())


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Train", "val"), ("train", "validation")])
def test_folders_of_splits_are_the_splits(train: str, test: str, root: Path) -> None:
    draw(root, [*numbered(5, f"{train}/x/{{}}.png"), *numbered(4, f"{train}/y/{{}}.png"), f"{test}/y/0.png"])
    data = made(root)
    assert counts(data) == (9, 1)
    assert data.classes == data.modes == 2
    labels = data.load("train").labels, data.load("test").labels
    assert [None if one is None else one.tolist() for one in labels] == [[0] * 5 + [1] * 4, [1]]


def test_validation_data_beside_test_data_are_left_out(root: Path) -> None:
    draw(root, [*numbered(5, "train/{}.png"), "test/0.png", "test/1.png", "val/0.png"])
    assert counts(made(root)) == (5, 2)


def test_train_alone_is_divided_and_train_among_classes_is_a_class(root: Path, tmp_path: Path) -> None:
    draw(root, [*numbered(10, "train/cat/{}.png"), *numbered(10, "train/dog/{}.png")])
    assert (counts(made(root)), made(root).classes) == ((18, 2), 2)
    transport = tmp_path / "transport"
    draw(transport, [*numbered(10, "train/{}.png"), *numbered(10, "car/{}.png")])
    assert (counts(made(transport)), made(transport).classes) == ((18, 2), 2)


def test_a_picture_that_belongs_to_no_split_is_named(root: Path) -> None:
    draw(root, ["train/0.png", "test/0.png", "0.png", "more/0.png"])
    with pytest.raises(MissingError, match=r"0\.png lies beside train/ and test/, which .*: move it \(2 such files\)"):
        made(root).fingerprint()


@pytest.mark.parametrize(
    ("names", "settings", "classes"),
    [
        (numbered(10), {}, None),
        (numbered(10, "one/{}.png"), {}, None),
        ([*numbered(10, "a/{}.png"), "b/c/d.png", "ü/0.png"], {}, 3),
        ([*numbered(10, "a/{}.png"), *numbered(10, "b/{}.png")], {"labels": False}, None),
        ([*numbered(10, "a/{}.png"), "b/0.png", "0.png"], {}, None),
    ],
)
def test_first_folders_are_classes_if_every_picture_has_one(
    names: list[str], settings: dict[str, object], classes: int | None, root: Path
) -> None:
    draw(root, names)
    data = made(root, **settings)
    assert data.classes == data.modes == classes
    labels = data.load("train").labels
    assert (labels is None) == (classes is None)
    assert made(root, **settings).classes == classes  # from the cache


def test_labels_may_stand_in_a_table(root: Path) -> None:
    draw(root, numbered(10))
    (root / "labels.csv").write_text("file,label\n" + "".join(f"{i:03}.png,{i % 4}\n" for i in range(10)))
    data = made(root)
    found = data.load("train").labels
    assert found is not None
    assert (data.classes, len(found)) == (4, 9)
    (root / "labels.csv").write_text("file,label\n000.png,0\n")
    with pytest.raises(MissingError, match=r"labels\.csv has no line for 001\.png"):
        made(root).classes  # noqa: B018
    (root / "labels.csv").write_text("name,class\n000.png,cat\n")
    with pytest.raises(MissingError, match=r"labels\.csv cannot be read as lines of file,label"):
        made(root).classes  # noqa: B018


def test_what_systems_leave_behind_is_ignored_and_links_do_not_hang(root: Path) -> None:
    draw(root, [*numbered(10), "B.JPEG", "C.WebP", "D.Jpg", "ä ö/日本.png"])
    for name in ("Thumbs.db", ".DS_Store", "._000.png", "notes.txt", "desktop.ini"):
        (root / name).write_bytes(b"no picture")
    draw(root, [".hidden/0.png", "@eaDir/000.png", "__MACOSX/0.png"], seed=1)
    (root / "loop").symlink_to(root)
    (root / "ä ö" / "up").symlink_to(root)
    assert sum(counts(made(root))) == 14


def test_a_link_that_leads_nowhere_is_named(root: Path) -> None:
    draw(root, numbered(10))
    (root / "gone.png").symlink_to(root / "nowhere.png")
    with pytest.raises(MissingError, match=r"gone\.png cannot be read: No such file"):
        made(root).fingerprint()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_does_not_hang(root: Path) -> None:
    draw(root, numbered(10))
    os.mkfifo(root / "pipe.png")
    with pytest.raises(MissingError, match=r"pipe\.png cannot be read: it is not a file"):
        made(root).fingerprint()


def test_the_same_pictures_elsewhere_are_the_same_data(root: Path, tmp_path: Path) -> None:
    names = [*numbered(6, "a/{}.png"), *numbered(6, "é/{}.png")]
    draw(root, names)
    first = made(root)
    again = tmp_path / "copy"
    draw(again, [unicodedata.normalize("NFD", name) for name in reversed(names)])
    for name in names:  # the same contents, written in another order under names of another system
        (again / unicodedata.normalize("NFD", name)).write_bytes((root / name).read_bytes())
    second = made(again)
    assert first.fingerprint() == second.fingerprint()
    assert torch.equal(first.load("train").samples, second.load("train").samples)
    (again / "a" / "0.png").rename(again / unicodedata.normalize("NFD", "é") / "z.png")
    assert made(again).fingerprint() != first.fingerprint()  # another class
    (root / "a" / "1.png").write_bytes((root / "a" / "2.png").read_bytes())
    assert made(root).fingerprint() != first.fingerprint()


def cached(kind: str = ".npy") -> list[Path]:
    return sorted(path for path in (cache_folder() / "pixels").iterdir() if path.name.endswith(kind))


def test_what_was_decoded_is_mapped_from_the_cache(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(root, numbered(20))
    before = made(root).load("train").samples.clone()
    monkeypatch.setattr("ganbench_datasets.picture_tree.read_picture", lambda path: pytest.fail("decoded again"))
    again = made(root).load("train")
    assert torch.equal(again.samples, before)
    (file,) = cached()
    stored = np.load(file)
    assert (stored.dtype, stored.shape) == (np.uint8, (20, 3, SIDE, SIDE))
    again.samples.zero_()  # in memory only
    assert torch.equal(made(root).load("train").samples, before)


def test_other_settings_are_decoded_anew(root: Path) -> None:
    draw(root, numbered(20))
    for settings in ({}, {"size": 5}, {"filter": "box"}, {"fit": "pad"}, {"channels": 1}, {"test_share": 0.3}):
        made(root, **settings).prepare()
    assert len(cached()) == 6


def test_what_a_killed_process_left_is_removed_after_a_day(root: Path) -> None:
    draw(root, numbered(20))
    folder = cache_folder() / "pixels"
    folder.mkdir(parents=True)
    for name, age in ((".old.npy.x1", 25 * 3600), (".new.npy.x2", 60)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    made(root).prepare()
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == [".new.npy.x2"]


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "seal"])
def test_a_damaged_cache_is_made_again(damage: str, root: Path) -> None:
    draw(root, [*numbered(20, "a/{}.png"), *numbered(20, "b/{}.png")])
    test = made(root).load("test")
    before, labels = test.samples.clone(), test.labels
    file = cached()[-1]
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[:-5])
    elif damage == "changed":
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "gone":
        file.unlink()
    else:
        cached(".json")[0].write_text("{")
    after = made(root).load("test")
    assert torch.equal(before, after.samples)
    assert labels is not None
    assert after.labels is not None
    assert torch.equal(labels, after.labels)


def test_processes_may_decode_at_the_same_time(root: Path) -> None:
    draw(root, numbered(60))
    found: list[torch.Tensor] = []
    threads = [threading.Thread(target=lambda: found.append(made(root).load("train").samples)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(torch.equal(found[0], one) for one in found)
    assert [path for path in (cache_folder() / "pixels").iterdir() if path.name.startswith(".")] == []


def test_a_cache_that_cannot_be_written_is_named(root: Path) -> None:
    draw(root, numbered(20))
    cache_folder().mkdir()
    (cache_folder() / "pixels").write_bytes(b"a file where the folder should be")
    with pytest.raises(MissingError, match=r"pixels cannot be written \(File exists\)"):
        made(root).prepare()


def test_a_full_disk_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    draw(root, numbered(20))
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MissingError, match=r"No space left on device\): decoded pictures need 0 MiB .*GANBENCH_CACHE"):
        made(root).prepare()
    assert not any((cache_folder() / "pixels").iterdir())


def test_files_that_change_while_they_are_read_are_not_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(root, numbered(20))
    calls = iter(range(1000))

    def changing(path: Path) -> Image.Image:
        if next(calls) == 3:
            draw(root, ["000.png"], seed=9)
        return read_picture(path)

    monkeypatch.setattr("ganbench_datasets.picture_tree.read_picture", changing)
    with pytest.raises(MissingError, match="changed while they were read"):
        made(root).prepare()
    assert cached() == []


def test_slow_reading_says_how_far_it_is(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    draw(root, numbered(20))
    monkeypatch.setattr("ganbench.notices.INTERVAL_S", 0.0)
    with caplog.at_level(logging.INFO, "ganbench.progress"):
        made(root).prepare()
    assert f"hashing the files of {root}: 19 of 20" in caplog.messages
    assert f"reading the pictures of {root}: 19 of 20" in caplog.messages


def test_too_few_or_no_pictures(root: Path) -> None:
    with pytest.raises(MissingError, match=r"there is no folder or file .*pictures; set 'root'"):
        made(root).fingerprint()
    root.mkdir()
    with pytest.raises(MissingError, match="there are no pictures in"):
        made(root).classes  # noqa: B018
    draw(root, ["0.png"])
    with pytest.raises(MissingError, match="holds 0 pictures to train with and 1 to test with"):
        made(root).prepare()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"root": ""}, "set 'root' to the folder of your pictures"),
        ({"size": 0}, "size must be 1 to 4096 pixels, got 0"),
        ({"fit": "stretch"}, "fit must be crop or pad, got 'stretch'"),
        ({"channels": 4}, "channels must be 1 .* or 3"),
        ({"filter": "cubic"}, "filter must be lanczos, bicubic"),
        ({"background": "clear"}, "background must be a color"),
        ({"background": "#ff000080"}, "background must be a color"),
        ({"test_share": 1.0}, "test_share must be above 0 and below 1, got 1"),
        ({"order": "hwc"}, "order must be auto, nhwc, nchw"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], text: str, root: Path) -> None:
    with pytest.raises(ValueError, match=text):
        Folder(**{"root": str(root), **settings})  # type: ignore[arg-type]


def test_pictures_that_become_equal_are_found_before_training(root: Path) -> None:
    """Files that differ, of pictures that do not: the existing check of every dataset names them."""
    for i in range(40):
        path = root / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        content: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = np.full((SIDE, SIDE + 2, 3), i % 5, np.uint8)
        content[:, 0] = i  # which the crop cuts off
        Image.fromarray(content).save(path)
    (problem,) = check_data("folder", made(root)).problems
    assert "4 of 4 test samples (100.0%) are training samples, byte for byte" in problem
