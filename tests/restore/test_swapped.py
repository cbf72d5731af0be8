"""Somebody who may write beside the folder restored to puts something else in its place meanwhile: that is not what was restored."""

import pytest

from strongroom.core.errors import DestinationError
from strongroom.usecases.export.place import Place
from strongroom.usecases.restore import RestoreRequest, restore
from strongroom.usecases.restore import run as module
from tests.restore.builder import seal_bag


@pytest.mark.parametrize("by", ["a folder", "a link"])
@pytest.mark.parametrize("when", ["before anything is written", "before it appears"])
def test_another_folder_in_place_of_the_one_that_is_written_is_not_called_restored(tmp_path, store, context, runner, monkeypatch, by, when):
    seal_bag(store, "site/v1", [], [], [], {"data/good.txt": b"good"})
    (tmp_path / "precious").mkdir()
    fill = module.fill

    def swapping(bag, plan, root, *rest):
        used = fill(bag, plan, root, *rest) if when == "before it appears" else None
        root.rename(root.with_name("stolen"))
        if by == "a link":
            root.symlink_to(tmp_path / "precious")
        else:
            root.mkdir()
            (root / "good.txt").write_text("evil")
        return fill(bag, plan, root, *rest) if used is None else used

    monkeypatch.setattr(module, "fill", swapping)
    with pytest.raises(DestinationError, match="in its place"):
        restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert not (tmp_path / "out").exists() and list((tmp_path / "precious").iterdir()) == []


def test_the_note_of_an_incomplete_restore_overwrites_nothing_through_a_link(tmp_path, store, context, runner, monkeypatch):
    seal_bag(store, "site/v1", [], [], [], {"data/good.txt": b"good", "data/../bad.txt": b"x"})
    (tmp_path / "precious").write_text("precious")
    give_up = module.Workplace.give_up

    def planting(place, *rest):
        place.note.symlink_to(tmp_path / "precious")
        return give_up(place, *rest)

    monkeypatch.setattr(module.Workplace, "give_up", planting)
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert report.exit_status == 1 and (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("folder", [True, False])
def test_nor_is_it_called_exported(tmp_path, folder):
    with Place(tmp_path / "out", folder=folder, say=print) as place:
        place.partial.rename(tmp_path / "stolen")
        place.partial.mkdir() if folder else place.partial.write_text("evil")
        with pytest.raises(DestinationError, match="in the place"):
            place.publish()
    assert not (tmp_path / "out").exists()
