"""Conditions and ranges of stored files, as RFC 9110 has them."""

from __future__ import annotations

from contextlib import contextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from _routes._files import satisfiable_ranges
from tests._routes.test_recordings import film, gallery
from tests.play.harness import picture
from tests.rest_client import rest_client

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from starlette.testclient import TestClient

VIDEO = "/api/recordings/one/video"


@contextmanager
def one_video(folder: Path) -> Generator[tuple[TestClient, bytes]]:
    data = film(folder, "one")
    with gallery(folder) as client:
        yield client, data


def test_a_client_that_has_the_file_is_sent_nothing(tmp_path: Path) -> None:
    with one_video(tmp_path) as (client, _):
        whole = client.get(VIDEO)
        etag, modified = whole.headers["etag"], whole.headers["last-modified"]
        for headers in (
            {"If-None-Match": etag},
            {"If-None-Match": f'"other,tag", W/{etag}'},
            {"If-None-Match": "*"},
            {"If-Modified-Since": modified},
            {"If-Modified-Since": formatdate(usegmt=True)},
            {"If-None-Match": etag, "Range": "bytes=0-9"},
        ):
            for answer in (client.get(VIDEO, headers=headers), client.head(VIDEO, headers=headers)):
                assert (answer.status_code, answer.content) == (304, b""), headers
                assert (answer.headers["etag"], answer.headers["cache-control"]) == (etag, "private, no-cache")
                assert "content-length" not in answer.headers


def test_a_client_that_has_another_file_is_sent_this_one(tmp_path: Path) -> None:
    with one_video(tmp_path) as (client, data):
        modified = client.get(VIDEO).headers["last-modified"]
        for headers in (
            {"If-None-Match": '"other"'},
            {"If-None-Match": '"other"', "If-Modified-Since": modified},
            {"If-Modified-Since": formatdate(0, usegmt=True)},
            {"If-Modified-Since": "yesterday"},
        ):
            answer = client.get(VIDEO, headers=headers)
            assert (answer.status_code, answer.content) == (200, data), headers


def test_a_condition_that_fails_is_told(tmp_path: Path) -> None:
    with one_video(tmp_path) as (client, data):
        whole = client.get(VIDEO)
        etag, modified = whole.headers["etag"], whole.headers["last-modified"]
        for headers, status in (
            ({"If-Match": '"other"'}, 412),
            ({"If-Match": f"W/{etag}"}, 412),
            ({"If-Unmodified-Since": formatdate(0, usegmt=True)}, 412),
            ({"If-Match": etag, "If-Unmodified-Since": formatdate(0, usegmt=True)}, 200),
            ({"If-Match": "*"}, 200),
            ({"If-Unmodified-Since": modified}, 200),
        ):
            answer = client.get(VIDEO, headers=headers)
            assert answer.status_code == status, headers
            assert answer.json()["code"] == "invalidRequest" if status == 412 else answer.content == data


def test_a_picture_is_sent_once() -> None:
    with rest_client() as client:
        seed = client.post("/api/seeds", content=picture(200)).json()
        for url in (seed["image_url"], seed["thumbnail_url"]):
            first = client.get(url)
            again = client.get(url, headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert "immutable" in again.headers["cache-control"]
            assert client.get(url, headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize(
    "header", ["bytes=9-1", "bytes=", "bytes=-", "bytes=a-b", "lines=0-9", "nonsense", "bytes=0-1,x"]
)
def test_a_range_that_says_nothing_is_ignored(tmp_path: Path, header: str) -> None:
    with one_video(tmp_path) as (client, data):
        answer = client.get(VIDEO, headers={"Range": header})
        assert (answer.status_code, answer.content) == (200, data)


def test_several_ranges_come_in_parts_without_those_beyond_the_end(tmp_path: Path) -> None:
    with one_video(tmp_path) as (client, data):
        answer = client.get(VIDEO, headers={"Range": f"bytes=0-3,10-13,{len(data)}-"})
        assert answer.status_code == 206
        assert answer.headers["content-type"].startswith("multipart/byteranges")
        assert len(answer.content) == int(answer.headers["content-length"])
        assert answer.content.count(b"Content-Range: bytes") == 2
        assert data[10:14] in answer.content
        single = client.get(VIDEO, headers={"Range": f"bytes={len(data)}-,4-7"})
        assert (single.status_code, single.content) == (206, data[4:8])


def test_a_range_beyond_the_end_is_told_the_size(tmp_path: Path) -> None:
    with one_video(tmp_path) as (client, data):
        for header in (f"bytes={len(data)}-", "bytes=-0", f"bytes={'9' * 5000}-", f"bytes={len(data)}-,-0"):
            answer = client.get(VIDEO, headers={"Range": header})
            assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(data)}"), header
            assert answer.json()["code"] == "invalidRequest"
        stale = client.get(VIDEO, headers={"Range": f"bytes={len(data)}-", "If-Range": '"other"'})
        assert stale.status_code == 200, "the range is of another file"


def test_a_range_is_for_get_alone(tmp_path: Path) -> None:
    with one_video(tmp_path) as (client, data):
        head = client.head(VIDEO, headers={"Range": "bytes=0-9"})
        assert (head.status_code, head.headers["content-length"]) == (200, str(len(data)))


@pytest.mark.parametrize(
    ("header", "ranges"),
    [
        ("bytes=0-0", [(0, 0)]),
        ("BYTES = 5 - 7", [(5, 7)]),
        ("bytes=-3", [(97, 99)]),
        ("bytes=-300", [(0, 99)]),
        ("bytes=98-", [(98, 99)]),
        (f"bytes=0-{'9' * 5000}", [(0, 99)]),
        ("bytes=100-", []),
    ],
)
def test_ranges_of_a_hundred_bytes(header: str, ranges: list[tuple[int, int]]) -> None:
    assert satisfiable_ranges(header, 100) == ranges


def test_an_empty_file_has_no_ranges() -> None:
    assert satisfiable_ranges("bytes=0-", 0) == []
    assert satisfiable_ranges("bytes=-5", 0) == []
