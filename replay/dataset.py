"""A replay as a data set: every frame as a PNG, and the actions that led from each to the next."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from replay.plan import ReplayError, ReplayPlan
from services.files import write_whole
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from replay.player import ReplayedPass
    from services.world_engine.world_engine import Picture

ACTIONS: Final = "actions.jsonl"
FACTS: Final = "dataset.json"
FORMAT: Final = "terrarium.frames"
_FRAMES: Final = "frames"
_THREADS: Final = 4
_MAX_WAITING: Final = 64  # pictures in memory


class Dataset:
    """A `Sink`. The folder must be missing or empty; `dataset.json` is written last, and says that it is whole."""

    def __init__(self, folder: Path, plan: ReplayPlan, *, pictures: bool = True) -> None:
        """Without `pictures` only the actions are written: the frames are in a film."""
        self._folder = folder
        self._plan = plan
        self._has_pictures = pictures
        self._frames = 0
        self._names = {code: name for name, code in KEY_CODES.items()}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="png")
        self._waiting: list[Future[None]] = []
        with self._told():
            (folder / _FRAMES if pictures else folder).mkdir(parents=True, exist_ok=True)
            self._actions = (folder / ACTIONS).open("x", encoding="utf-8")

    def begin(self, picture: Picture) -> None:
        if self._has_pictures:
            self._row(picture, {"pass": self._plan.first_pass, "sub_frame": None})

    def take(self, replayed: ReplayedPass) -> None:
        given = replayed.given
        codes = sorted(given.control.buttons)
        action = {
            "pass": replayed.number,
            "buttons": [self._names.get(code, str(code)) for code in codes],
            "codes": codes,
            "mouse_dx": given.control.mouse_dx,
            "mouse_dy": given.control.mouse_dy,
            "played_at": given.ts,
        }
        for sub_frame, frame in enumerate(replayed.frames):
            self._row(frame, {**action, "sub_frame": sub_frame})

    def finish(self) -> str:
        self._wait(0)
        self._threads.shutdown()
        model = self._plan.model
        facts: dict[str, Any] = {
            "format": FORMAT,
            "version": 1,
            "title": self._plan.title,
            "frames": self._frames,
            "has_pictures": self._has_pictures,
            "fps": model.fps,
            "frames_per_pass": model.frames_per_pass,
            "width": model.width,
            "height": model.height,
            "model": model.id,
            "weights_hash": model.weights_hash,
            "rng_seed": self._plan.rng_seed,
            "versions": self._plan.made_with.versions,
        }
        with self._told():
            self._actions.close()
            write_whole(self._folder / FACTS, (json.dumps(facts, indent=2) + "\n").encode())
        return f"{self._folder}: {self._frames} frames with their actions"

    def abandon(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        with suppress(OSError):  # what could not be written has been told
            self._actions.close()

    def _row(self, frame: Picture, action: dict[str, Any]) -> None:
        row: dict[str, Any] = {"frame": self._frames, "time_s": self._frames / self._plan.model.fps, **action}
        if self._has_pictures:
            row["file"] = f"{_FRAMES}/{self._frames:08d}.png"
            path = self._folder / row["file"]
            self._waiting.append(self._threads.submit(_write_png, path, frame))
            self._wait(_MAX_WAITING)
        with self._told():
            self._actions.write(json.dumps(row) + "\n")
        self._frames += 1

    def _wait(self, allowed: int) -> None:
        """Until at most so many pictures are not written yet."""
        while len(self._waiting) > allowed:
            with self._told():
                self._waiting.pop(0).result()

    @contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise ReplayError(f"{self._folder} cannot be written: {error.strerror}.") from error


def _write_png(path: Path, frame: Picture) -> None:
    Image.fromarray(frame).save(path, "PNG", compress_level=1)
