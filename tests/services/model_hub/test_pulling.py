"""Pulls from a hub that is honest, and from hubs that are slow, lie, refuse, break off or lead elsewhere."""

from __future__ import annotations

import asyncio
import errno
import importlib
import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from runtime_config.hub_config import HubConfig
from services.model_hub.hub_cache import CachedModel
from services.model_hub.hub_connection import followed
from services.model_hub.hugging_face_hub import HuggingFaceHub
from services.model_hub.model_hub import Absent, Damaged, HubFault, ModelHubError, OnDisk, Partly, PullProgress
from tests.full_disk import files_of_at_most, needs_file_limits
from tests.hub.models import MODEL, repository, small_model, weights, write_files
from tests.hub.stand_in_hub import (
    Append,
    BreakOff,
    Compress,
    EndEarly,
    Fault,
    Garble,
    Hold,
    OtherLength,
    OtherRange,
    Redirect,
    Refuse,
    StandInHub,
    WholeAlone,
    stand_in_hub,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from services.model_hub.repository import Repository

WEIGHTS = "transformer/model.safetensors"
TOKEN = "hf_secret"
ROOM = 10**12


@pytest.fixture(scope="module")
def running() -> Generator[StandInHub]:
    with stand_in_hub() as hub:
        yield hub


@pytest.fixture
def there(running: StandInHub) -> StandInHub:
    running.begin_anew({MODEL: small_model()})
    return running


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def plenty(_: Path) -> int:
    return ROOM


def hub_at(there: StandInHub, cache: Path, *, token: str | None = TOKEN, **options: Any) -> HuggingFaceHub:
    options = {"free_bytes": plenty, "pauses_s": (0.0, 0.0), **options}
    return HuggingFaceHub(cache, HubConfig(there.base_url, token), environ={}, **options)


def pull(
    hub: HuggingFaceHub, wanted: Repository | None = None, follow: Callable[[PullProgress], None] = lambda _: None
) -> OnDisk:
    return asyncio.run(hub.pull(wanted or repository(), follow))


def refused(hub: HuggingFaceHub, wanted: Repository | None = None) -> ModelHubError:
    with pytest.raises(ModelHubError) as caught:
        pull(hub, wanted)
    sentence = str(caught.value)
    assert sentence[0].isupper() or "/" in sentence.split()[0]
    assert sentence.endswith((".", "?"))
    assert TOKEN not in sentence
    return caught.value


# ------------------------------------------------------------------------------------------------------ as it should


def test_only_the_files_that_are_read_are_pulled_and_laid_out_as_hugging_face_does(
    there: StandInHub, cache: Path
) -> None:
    there.publish(MODEL, {**small_model(), "pytorch_model.bin": b"a pickle"})
    pulled = pull(hub_at(there, cache))
    assert pulled.revision == there.branches[MODEL]
    names = {path.relative_to(pulled.folder).as_posix() for path in pulled.folder.rglob("*") if path.is_file()}
    assert names == {"config.json", WEIGHTS, "vae/model.safetensors"}
    huggingface_hub: Any = importlib.import_module("huggingface_hub")  # its types are incomplete
    folder = huggingface_hub.snapshot_download(MODEL, cache_dir=cache, local_files_only=True)
    assert folder == str(pulled.folder)
    scanned = huggingface_hub.scan_cache_dir(cache)
    assert not scanned.warnings
    assert [(repo.repo_id, repo.size_on_disk) for repo in scanned.repos] == [(MODEL, pulled.size_bytes)]


def test_the_token_goes_to_the_hub_alone(there: StandInHub, cache: Path) -> None:
    pull(hub_at(there, cache))
    assert {asked.headers.get("authorization") for asked in there.asked} == {f"Bearer {TOKEN}"}
    assert there.kept
    assert not any("authorization" in asked.headers for asked in there.kept)


def test_a_branch_stays_at_the_commit_of_its_first_pull(there: StandInHub, cache: Path) -> None:
    first = pull(hub_at(there, cache))
    there.publish(MODEL, {**small_model(), "config.json": b"{}"})
    assert pull(hub_at(there, cache)) == first
    hub = hub_at(there, cache)
    hub.delete_cached(MODEL)
    assert pull(hub).revision == there.branches[MODEL] != first.revision


def test_a_pull_that_was_cut_goes_on_with_its_commit(there: StandInHub, cache: Path) -> None:
    first = there.branches[MODEL]
    there.always[WEIGHTS] = Refuse(503)
    refused(hub_at(there, cache))
    there.publish(MODEL, {**small_model(), "config.json": b"{}"})
    there.always.clear()
    assert pull(hub_at(there, cache)).revision == first


def test_a_pinned_revision_needs_no_branch(there: StandInHub, cache: Path) -> None:
    pinned = repository(revision=there.branches[MODEL])
    there.publish(MODEL, {"config.json": b"{}"})
    hub = hub_at(there, cache)
    pulled = pull(hub, pinned)
    assert pulled.revision == pinned.revision
    assert hub.find(pinned) == pulled
    assert hub.find(repository()) == Absent()


def test_what_is_there_is_verified_and_not_pulled_again(there: StandInHub, cache: Path) -> None:
    pulled = pull(hub_at(there, cache))
    there.asked.clear()
    assert pull(hub_at(there, cache)) == pulled
    assert not there.asked
    damaged = (pulled.folder / WEIGHTS).resolve()
    data = bytearray(damaged.read_bytes())
    data[-1] ^= 1
    damaged.write_bytes(data)
    pull(hub_at(there, cache))
    assert damaged.read_bytes() == small_model()[WEIGHTS]
    assert [asked.path.split("/resolve/")[1].split("/", 1)[1] for asked in there.asked] == [WEIGHTS]


def test_progress_is_of_bytes_and_files(there: StandInHub, cache: Path) -> None:
    told: list[PullProgress] = []
    pulled = pull(hub_at(there, cache), follow=told.append)
    assert told[0] == PullProgress(0, pulled.size_bytes, 0, 3)
    assert told[-1] == PullProgress(pulled.size_bytes, pulled.size_bytes, 3, 3)


def test_a_folder_of_ones_own_is_used_in_place(there: StandInHub, cache: Path, tmp_path: Path) -> None:
    own = tmp_path / "models"
    write_files(own / MODEL, small_model())
    hub = hub_at(there, cache)
    assert hub.find(repository()) == Absent()
    hub.use(HubConfig(there.base_url), own)
    found = hub.find(repository())
    assert isinstance(found, OnDisk)
    assert found.is_in_place
    assert pull(hub) == found
    assert not there.asked


# ----------------------------------------------------------------------------------------------------- trouble passes


@pytest.mark.parametrize(
    "fault",
    [
        Refuse(429, {"retry-after": "0"}),
        Refuse(429),
        Refuse(500),
        Refuse(503, {"retry-after": "Fri, 27 Nov 2026 10:00:00 GMT"}),
        BreakOff(0),
        BreakOff(100_000),
        EndEarly(100_000),
        Garble(),
    ],
)
def test_trouble_that_passes_costs_nothing_but_time(there: StandInHub, cache: Path, fault: Fault) -> None:
    there.faults[WEIGHTS] = [fault, fault] if not isinstance(fault, Garble) else [fault]
    there.faults[""] = [Refuse(503)]
    pulled = pull(hub_at(there, cache))
    assert (pulled.folder / WEIGHTS).read_bytes() == small_model()[WEIGHTS]


def test_a_broken_connection_goes_on_where_it_broke(there: StandInHub, cache: Path) -> None:
    there.faults[WEIGHTS] = [BreakOff(100_000), BreakOff(50_000)]
    pulled = pull(hub_at(there, cache))
    assert there.bytes_sent == pulled.size_bytes
    there_again = [asked.headers.get("range") for asked in there.kept if asked.path.endswith(WEIGHTS)]
    assert there_again == [None, "bytes=100000-", "bytes=150000-"]


def test_a_hub_without_ranges_is_read_from_the_beginning(there: StandInHub, cache: Path) -> None:
    there.faults[WEIGHTS] = [BreakOff(100_000), WholeAlone()]
    told: list[PullProgress] = []
    pulled = pull(hub_at(there, cache), follow=told.append)
    assert (pulled.folder / WEIGHTS).read_bytes() == small_model()[WEIGHTS]
    assert told[-1].done_bytes == told[-1].total_bytes


# ------------------------------------------------------------------------------------------------------ trouble stays


@pytest.mark.parametrize(
    ("fault", "expected", "remedy"),
    [
        (Refuse(401, {"x-error-code": "GatedRepo"}), HubFault.NOT_ALLOWED, "accept its terms"),
        (Refuse(403, {"x-error-code": "GatedRepo"}), HubFault.NOT_ALLOWED, "accept its terms"),
        (Refuse(401), HubFault.NOT_ALLOWED, "does not accept the token"),
        (Refuse(403), HubFault.NOT_ALLOWED, "Ask for access"),
        (Refuse(404), HubFault.UNKNOWN, "no such"),
        (Refuse(418), HubFault.BROKEN, "418"),
        (Refuse(429), HubFault.BUSY, "too many requests"),
        (Refuse(500), HubFault.BUSY, "out of order"),
        (BreakOff(0), HubFault.UNREACHABLE, "broke again"),
        (EndEarly(0), HubFault.UNREACHABLE, "before their end"),
        (Garble(), HubFault.BROKEN, "another content"),
        (OtherLength(), HubFault.BROKEN, "contradicts itself"),
        (Append(10), HubFault.BROKEN, "contradicts itself"),
        (Compress(), HubFault.BROKEN, "compresses"),
        (Redirect("file:///etc/passwd"), HubFault.BROKEN, "does not follow"),
        (Redirect("ftp://127.0.0.1/x"), HubFault.BROKEN, "does not follow"),
        (Redirect("http://192.0.2.1/x"), HubFault.BROKEN, "does not follow"),
        (Redirect("https://user:password@example.org/x"), HubFault.BROKEN, "does not follow"),
        (Redirect("http://["), HubFault.BROKEN, "does not follow"),
        (Redirect(""), HubFault.BROKEN, "more than 5 times"),
    ],
)
def test_trouble_that_stays_is_told_with_what_to_do(
    there: StandInHub, cache: Path, fault: Fault, expected: HubFault, remedy: str
) -> None:
    there.always[WEIGHTS] = fault
    hub = hub_at(there, cache)
    error = refused(hub)
    assert error.fault is expected
    assert remedy in str(error)
    assert isinstance(hub.find(repository()), Partly)
    assert len(there.asked) < 20
    there.always.clear()
    assert isinstance(pull(hub), OnDisk)


def test_a_model_that_only_some_may_see_is_told_to_who_shows_no_token(there: StandInHub, cache: Path) -> None:
    there.always[""] = Refuse(401, {"x-error-code": "RepoNotFound"})
    error = refused(hub_at(there, cache, token=None))
    assert error.fault is HubFault.NOT_ALLOWED
    assert "hub_token" in str(error)


@pytest.mark.parametrize("fault", [Redirect("file:///etc/passwd"), Refuse(404), Refuse(503), Redirect("")])
def test_a_listing_that_does_not_come_leaves_nothing(there: StandInHub, cache: Path, fault: Fault) -> None:
    there.always[""] = fault
    hub = hub_at(there, cache)
    refused(hub)
    assert hub.find(repository()) == Absent()


def test_a_part_from_another_place_is_refused(there: StandInHub, cache: Path) -> None:
    there.faults[WEIGHTS] = [BreakOff(100_000), OtherRange()]
    assert refused(hub_at(there, cache)).fault is HubFault.BROKEN


def test_a_hub_that_falls_silent_is_left_and_asked_again(there: StandInHub, cache: Path) -> None:
    until = threading.Event()
    there.faults[WEIGHTS] = [Hold(100_000, until)]
    try:
        pulled = pull(hub_at(there, cache, silence_s=0.3))
    finally:
        until.set()
    assert there.bytes_sent == pulled.size_bytes


def test_a_hub_that_stays_silent_is_given_up(there: StandInHub, cache: Path) -> None:
    until = threading.Event()
    there.always[WEIGHTS] = Hold(0, until)
    try:
        assert refused(hub_at(there, cache, silence_s=0.3)).fault is HubFault.UNREACHABLE
    finally:
        until.set()


def test_a_hub_that_is_not_there_is_told(cache: Path) -> None:
    with stand_in_hub() as gone:
        pass
    assert refused(hub_at(gone, cache)).fault is HubFault.UNREACHABLE


def listing_as(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return change


def listing_with(**changes: object) -> Callable[[dict[str, Any]], object]:
    """The listing, with something else said of its first file."""

    def changed(listing: dict[str, Any]) -> object:
        listing["siblings"][0].update(changes)
        return listing

    return changed


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (listing_as(lambda _: "nonsense"), HubFault.BROKEN),
        (listing_as(lambda listing: {**listing, "sha": "main"}), HubFault.BROKEN),
        (listing_as(lambda listing: {**listing, "siblings": None}), HubFault.BROKEN),
        (listing_as(lambda listing: {**listing, "siblings": listing["siblings"] * 2}), HubFault.BROKEN),
        (listing_with(size=-1), HubFault.BROKEN),
        (listing_with(size="7"), HubFault.BROKEN),
        (listing_with(size=10**15), HubFault.BROKEN),
        (listing_with(blobId="../../x"), HubFault.BROKEN),
        (listing_with(rfilename=7), HubFault.BROKEN),
        (listing_with(rfilename="../config.json"), HubFault.UNUSABLE),
        (listing_with(rfilename="a/../../config.json"), HubFault.UNUSABLE),
        (listing_with(rfilename="/etc/passwd"), HubFault.UNUSABLE),
        (listing_with(rfilename="a\\..\\b"), HubFault.UNUSABLE),
        (listing_with(rfilename="C:/config.json"), HubFault.UNUSABLE),
        (listing_with(rfilename="renamed.json"), HubFault.UNUSABLE),
    ],
)
def test_a_listing_that_makes_no_sense_is_refused_before_anything_is_written(
    there: StandInHub, cache: Path, listed: Callable[[dict[str, Any]], object], expected: HubFault
) -> None:
    there.listed = listed
    hub = hub_at(there, cache)
    assert refused(hub).fault is expected
    assert hub.find(repository()) == Absent()
    assert not any(path.is_file() for path in cache.rglob("*") if path.name != "terrarium.lock")


def test_a_size_that_was_a_lie_is_found_out(there: StandInHub, cache: Path) -> None:
    there.listed = listing_with(size=5)
    assert refused(hub_at(there, cache)).fault is HubFault.BROKEN


def test_another_revision_than_the_one_asked_for_is_refused(there: StandInHub, cache: Path) -> None:
    pinned = repository(revision=there.branches[MODEL])
    there.listed = lambda listing: {**listing, "sha": "f" * 40}
    assert refused(hub_at(there, cache), pinned).fault is HubFault.BROKEN


def test_a_damaged_note_of_a_pull_is_made_anew(there: StandInHub, cache: Path) -> None:
    pulled = pull(hub_at(there, cache))
    assert pulled.revision is not None
    CachedModel(cache, MODEL).listing(pulled.revision).write_bytes(b'{"commit": 7')
    assert pull(hub_at(there, cache)) == pulled


# ----------------------------------------------------------------------------------------------------- what it brings


def test_weights_as_pickles_alone_are_refused_and_not_fetched(there: StandInHub, cache: Path) -> None:
    there.begin_anew({MODEL: {"config.json": b"{}", "transformer/model.bin": b"x" * 5000}})
    error = refused(hub_at(there, cache))
    assert error.fault is HubFault.UNUSABLE
    assert "pickles" in str(error)
    assert there.bytes_sent == 0


def test_a_pickle_is_fetched_where_an_engine_names_it(there: StandInHub, cache: Path) -> None:
    there.begin_anew({MODEL: {"config.json": b"{}", "world.pt": b"x" * 5000, "other.pt": b"y"}})
    pulled = pull(hub_at(there, cache), repository(files=("*.json", "*.pt"), pickles=("world.pt",)))
    assert sorted(path.name for path in pulled.folder.iterdir()) == ["config.json", "world.pt"]


@pytest.mark.parametrize(
    "data",
    [
        weights(5000)[:-100],
        weights(5000) + b"more",
        b"\xff" * 5000,
        b"GIF89a" + bytes(2000),
        (2000).to_bytes(8, "little") + b"[" * 2000,
        weights(5000).replace(b'"U8"', b'"F4"'),
    ],
)
def test_weights_whose_header_does_not_fit_are_refused(there: StandInHub, cache: Path, data: bytes) -> None:
    there.begin_anew({MODEL: {"config.json": b"{}", WEIGHTS: data}})
    hub = hub_at(there, cache)
    error = refused(hub)
    assert error.fault is HubFault.UNUSABLE
    assert WEIGHTS in str(error)
    assert isinstance(hub.find(repository()), Damaged)


def test_an_index_that_leads_elsewhere_is_refused(there: StandInHub, cache: Path) -> None:
    index = json.dumps({"weight_map": {"w": "../../../other.safetensors"}}).encode()
    files = {"config.json": b"{}", WEIGHTS: weights(2000), "transformer/model.safetensors.index.json": index}
    wanted = repository(files=("*.json", "*.safetensors"))
    there.begin_anew({MODEL: files})
    assert refused(hub_at(there, cache), wanted).fault is HubFault.UNUSABLE


# -------------------------------------------------------------------------------------------------------------- room


def test_the_room_is_checked_before_a_byte_is_fetched(there: StandInHub, cache: Path) -> None:
    def little(_: Path) -> int:
        return 400 * 1000**2

    error = refused(hub_at(there, cache, free_bytes=little))
    assert error.fault is HubFault.NO_ROOM
    assert "Make room for 137 MB" in str(error)
    assert there.bytes_sent == 0


def test_a_disk_that_fills_meanwhile_keeps_what_came(there: StandInHub, cache: Path) -> None:
    room = iter([ROOM, ROOM, 0])

    def less_and_less(_: Path) -> int:
        return next(room, ROOM)

    hub = hub_at(there, cache, free_bytes=less_and_less)
    assert refused(hub).fault is HubFault.NO_ROOM
    assert isinstance(hub.find(repository()), Partly)
    there.asked.clear()
    assert isinstance(pull(hub), OnDisk)
    assert not any(asked.path.endswith("config.json") for asked in there.asked), "it had come before"


@needs_file_limits
def test_a_disk_that_refuses_half_way_keeps_what_came(there: StandInHub, cache: Path) -> None:
    hub = hub_at(there, cache)
    with files_of_at_most(100_000):
        error = refused(hub)
    assert error.fault is HubFault.NO_ROOM
    left = hub.find(repository())
    assert isinstance(left, Partly)
    assert left.done_bytes > 100_000
    assert isinstance(pull(hub), OnDisk)


def test_a_cache_that_cannot_be_written_is_told(there: StandInHub, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file")
    error = refused(hub_at(there, tmp_path / "cache"))
    assert error.fault is HubFault.NOT_KEPT
    assert os.strerror(errno.ENOTDIR) in str(error) or os.strerror(errno.EEXIST) in str(error)


# ----------------------------------------------------------------------------------------------------- where it leads


@pytest.mark.parametrize(
    ("endpoint", "location", "is_followed"),
    [
        ("https://hub.example", "https://store.example/x", True),
        ("https://hub.example", "/other/name", True),
        ("https://hub.example", "http://hub.example/x", False),
        ("https://hub.example", "http://127.0.0.1:8000/x", False),
        ("https://hub.example", "data:,x", False),
        ("http://mirror.example", "/other/name", True),
        ("http://mirror.example", "https://store.example/x", True),
        ("http://mirror.example", "http://mirror.example:81/x", False),
        ("http://mirror.example", "http://127.0.0.1/x", False),
        ("http://127.0.0.1:80", "http://127.0.0.1:81/x", True),
        ("http://127.0.0.1:80", "http://10.0.0.1/x", False),
    ],
)
def test_where_a_redirect_may_lead(endpoint: str, location: str, *, is_followed: bool) -> None:
    hub = httpx.URL(endpoint)
    if is_followed:
        assert followed(hub, hub.join("/x"), location).host
        return
    with pytest.raises(ModelHubError):
        followed(hub, hub.join("/x"), location)


# ------------------------------------------------------------------------------------------------------- proxies


@contextmanager
def proxy_to(hub: StandInHub) -> Generator[tuple[str, list[str]]]:
    """A proxy that knows the hub as http://hub.test; its address, and what was asked of it."""
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            url = httpx.URL(self.path)  # a proxy is asked for whole addresses
            there = httpx.URL(hub.base_url).copy_with(raw_path=url.raw_path) if url.host == "hub.test" else url
            with httpx.Client(trust_env=False) as client:
                answer = client.get(there, headers=_passed_on(dict(self.headers.items())))
            self.send_response(answer.status_code)
            for name, value in _passed_on(answer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called with
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    kept = {"authorization", "range", "accept-encoding", "content-length", "content-range", "location", "etag"}
    return {name: value for name, value in headers.items() if name.lower() in kept or name.lower().startswith("x-")}


def test_a_pull_goes_through_the_proxy_of_the_environment(
    there: StandInHub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.begin_anew({MODEL: small_model(400)})  # none of its files is kept elsewhere
    with proxy_to(there) as (address, asked):
        monkeypatch.setenv("HTTP_PROXY", address)
        monkeypatch.setenv("NO_PROXY", "another.test")
        hub = HuggingFaceHub(cache, HubConfig("http://hub.test", TOKEN), environ={}, free_bytes=plenty, pauses_s=(0.0,))
        assert pull(hub).size_bytes > 0
    assert len(asked) > 2
    assert all(url.startswith("http://hub.test/") for url in asked)


def test_what_is_named_as_reachable_without_a_proxy_is_reached_so(
    there: StandInHub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy_to(there) as (address, asked):
        monkeypatch.setenv("HTTP_PROXY", address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert pull(hub_at(there, cache)).size_bytes > 0
    assert asked == []
