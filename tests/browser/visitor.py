"""A person in front of the page: enters worlds, holds keys, looks at the picture, and notes what the console says."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from playwright.sync_api import TimeoutError as BrowserTimeoutError

from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray
    from playwright.sync_api import ConsoleMessage, Locator, Page

Screen: TypeAlias = Literal["gallery", "loading", "playing", "paused", "lost"]

# Of 255, the mean over all pixels: below the first two pictures are the same view, above the second they are not.
SAME_VIEW: Final = 3.5  # frames of one view differ by so much when the server lowers their quality on a busy machine
_OTHER_VIEW: Final = 6.0

_AT_REST_MS: Final = deadline_s(1.5) * 1000  # without a frame; a busy machine leaves gaps between frames that come

_FIRST_THINGS: Final = ":is([data-testid=seed-card], [data-testid=entrance-title], input[name=token]):visible"

_READ_PICTURE: Final = """(element) => {
  const small = document.createElement("canvas");
  [small.width, small.height] = [96, 54];
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";  // else single pixels are sampled, and the noise of JPEG counts
  context.drawImage(element, 0, 0, small.width, small.height);
  return [...context.getImageData(0, 0, small.width, small.height).data];
}"""

# Resolves once no frame was drawn for so long.
_COME_TO_REST: Final = """(quietMs) => new Promise((resolve) => {
  let [drawn, since] = [terrarium.figures.framesDrawn, performance.now()];
  const timer = setInterval(() => {
    if (terrarium.figures.framesDrawn !== drawn) [drawn, since] = [terrarium.figures.framesDrawn, performance.now()];
    if (performance.now() - since < quietMs) return;
    clearInterval(timer);
    resolve(drawn);
  }, 40);
})"""


@dataclass(frozen=True)
class Figures:
    """What the page measured of the stream."""

    fps: float
    frames_drawn: int
    latency: dict[str, float] | None


class Visitor:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        # A violated content security policy arrives here as well.
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def excuse(self, words: str) -> None:
        """Forget complaints of the browser itself that a test provokes."""
        self.complaints = [complaint for complaint in self.complaints if words not in complaint]

    def by_id(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    def open(self, url: str) -> None:
        """To where there is something to do: in the gallery, or before a server that wants to know who comes."""
        self.page.goto(url)
        self.page.locator(_FIRST_THINGS).first.wait_for()

    def enter(self, title: str | None = None) -> None:
        """Start the first world of the gallery, or the one of this title, and wait for its first frame."""
        cards = self.by_id("seed-card")
        (cards.filter(has_text=title) if title else cards).first.click()
        self.wait_for("playing")

    def wait_for(self, screen: Screen) -> None:
        self.page.wait_for_selector(f"body[data-screen={screen}]", state="attached")
        self.page.wait_for_function("(name) => terrarium.state === name", arg=screen)

    def pause(self) -> None:
        """As a person does it: a key that a busy browser swallowed is pressed again."""
        deadline = time.monotonic() + deadline_s()
        self.page.keyboard.press("Escape")
        while time.monotonic() < deadline:
            try:
                self.page.wait_for_selector("body[data-screen=paused]", state="attached", timeout=4000)
                break
            except BrowserTimeoutError:
                if self.page.evaluate("terrarium.state") == "playing":
                    self.page.keyboard.press("Escape")
        self.wait_for("paused")

    def figures(self) -> Figures:
        read: dict[str, Any] = self.page.evaluate("terrarium.figures")
        return Figures(read["fps"], read["framesDrawn"], read["latency"])

    def wait_for_frames(self, count: int) -> None:
        """So many more than were drawn by now."""
        goal = self.figures().frames_drawn + count
        self.page.wait_for_function("(goal) => terrarium.figures.framesDrawn >= goal", arg=goal)

    def come_to_rest(self) -> int:
        """Wait until no more frames come; the number of frames drawn until then."""
        return self.page.evaluate(_COME_TO_REST, _AT_REST_MS)

    @contextmanager
    def holding(self, key: str) -> Generator[None]:
        self.page.keyboard.down(key)
        try:
            yield
        finally:
            self.page.keyboard.up(key)

    def walk(self, frames: int = 30) -> None:
        with self.holding("w"):
            self.wait_for_frames(frames)

    def walk_away(self, view: NDArray[np.float64]) -> None:
        """Until another view is seen: how many frames that takes depends on how fast the machine plays."""
        with self.holding("w"):
            self.wait_for_other_view(view)

    def stand(self, frames: int = 40) -> None:
        """Let the world run without moving: the key has no meaning, but frames come as long as it is held."""
        with self.holding("h"):
            self.wait_for_frames(frames)

    def settle(self) -> None:
        """Stand until nothing moves after a walk: 0.3 s to a halt, then 0.9 s for ground that dissolves."""
        self.stand(100)

    def see(self, test_id: str = "canvas") -> NDArray[np.float64]:
        """What the canvas shows, or another picture of the page, made small: [54, 96, 3]."""
        pixels: list[int] = self.by_id(test_id).evaluate(_READ_PICTURE)
        return np.array(pixels, dtype=np.float64).reshape(54, 96, 4)[:, :, :3]

    def wait_for_same_view(self, picture: NDArray[np.float64]) -> None:
        self._wait_for_difference(picture, lambda measured: measured < SAME_VIEW)

    def wait_for_other_view(self, picture: NDArray[np.float64]) -> None:
        self._wait_for_difference(picture, lambda measured: measured > _OTHER_VIEW)

    def _wait_for_difference(self, picture: NDArray[np.float64], wanted: Callable[[float], bool]) -> None:
        deadline = time.monotonic() + deadline_s()
        while not wanted(measured := difference(picture, self.see())):
            assert time.monotonic() < deadline, f"The views differ by {measured:.1f} of 255."
            self.page.wait_for_timeout(50)

    def rewind_to(self, picture: NDArray[np.float64]) -> None:
        """Step back until the view is this one again: how far that is depends on how fast the machine plays."""
        deadline = time.monotonic() + deadline_s()
        told = self.by_id("toasts").get_by_text("Went back")
        while difference(picture, self.see()) >= SAME_VIEW:
            assert time.monotonic() < deadline, "Rewinding does not lead there."
            self.page.keyboard.press("Backspace")
            told.first.wait_for()
            self.come_to_rest()

    def text_of(self, code: str) -> str:
        """The page's words for an error code."""
        return self.words(f"codes.{code}")

    def words(self, key: str) -> str:
        """What the page says by that key."""
        return self.page.evaluate("async (key) => (await import('/texts/texts.js')).phrase(key)", key)


def difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The mean over all pixels, 0 to 255."""
    return float(np.abs(one - other).mean())
