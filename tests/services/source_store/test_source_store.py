"""The store of sources on real files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from services.media_probe.media_probe import MediaFacts, PictureTrack, SoundTrack
from services.source_store.directory_source_store import DirectorySourceStore
from tests.fakes.fake_clock import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

    from services.source_store.source_store import Source

FACTS = MediaFacts(2.0, PictureTrack(64, 36, 50, 25.0, is_variable=True, rotation=90), SoundTrack(44_100))


def keep(store: DirectorySourceStore, data: bytes) -> Source:
    with store.incoming() as incoming:
        incoming.write(data)
        assert incoming.complete() == hashlib.sha256(data).hexdigest()
        return incoming.keep("A clip", FACTS)


def test_a_source_is_kept_under_its_hash(tmp_path: Path) -> None:
    store = DirectorySourceStore(tmp_path / "sources", FakeClock())
    kept = keep(store, b"video")
    assert keep(store, b"video") == kept
    path = store.path(kept.hash)
    assert path is not None
    assert path.read_bytes() == b"video"
    found = DirectorySourceStore(tmp_path / "sources", FakeClock()).find(kept.hash)
    assert found is not None
    assert (found.facts, found.title, found.size_bytes) == (FACTS, "A clip", 5)
    assert (store.remove(kept.hash), store.remove(kept.hash)) == (True, False)
    assert list((tmp_path / "sources").iterdir()) == []


def test_what_is_not_kept_leaves_nothing(tmp_path: Path) -> None:
    store = DirectorySourceStore(tmp_path / "sources", FakeClock())
    with store.incoming() as incoming:
        incoming.write(b"half a video")
    assert list((tmp_path / "sources").iterdir()) == []


def test_sources_are_unused_after_a_while_unless_they_are_needed(tmp_path: Path) -> None:
    clock = FakeClock()
    store = DirectorySourceStore(tmp_path / "sources", clock)
    old, needed = keep(store, b"old"), keep(store, b"needed")
    clock.advance(100.0)
    new = keep(store, b"new")
    assert store.unused(clock.wall() - 50.0, {needed.hash}) == (old.hash,)
    store.use(old.hash)
    assert store.unused(clock.wall() - 50.0, {needed.hash}) == ()
    assert store.find(new.hash) is not None
    assert (store.find("../../etc/passwd"), store.path("")) == (None, None)
