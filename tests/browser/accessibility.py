"""What a page has to keep to for everybody: names, contrast in both themes, no overflow, a focus that can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.web.node_tools import WEB, require_node_modules

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

DESK: Final[ViewportSize] = {"width": 1280, "height": 800}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
LANDSCAPE: Final[ViewportSize] = {"width": 844, "height": 390}

_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
# Animations that end are over before colours are measured.
_CHECK: Final = """async (tags) => {
  const ending = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < Infinity);
  await Promise.all(ending.map((animation) => animation.finished.catch(() => {})));
  const view = document.querySelector("dialog[open]:last-of-type") ?? document.body;
  const { violations, passes } = await axe.run(view, { runOnly: tags });
  if (passes.length < 5) throw new Error(`axe has checked next to nothing: ${passes.length}`);
  const told = ({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`);
  return violations.flatMap(told);
}"""
_OVERFLOW: Final = """() => {
  const places = [...document.querySelectorAll("html, dialog[open], dialog[open] :is(form, .tall-body)")];
  return places.filter((place) => place.scrollWidth > place.clientWidth + 1).map((place) => {
    const edge = place.getBoundingClientRect().left + place.clientWidth;
    const widest = [...place.querySelectorAll("*")].find((one) => one.getBoundingClientRect().right > edge + 1);
    return `${place.id || place.className}: ${widest?.outerHTML.slice(0, 200)}`;
  });
}"""
_FOCUS: Final = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return {
    name: element.dataset.testid ?? element.id,
    isVisible: right > 0 && bottom > 0 && left < innerWidth && top < innerHeight && style.outlineStyle !== "none",
    isInside: document.querySelector("dialog[open]")?.contains(element) ?? true,
  };
}"""


def faults_of(page: Page) -> list[str]:
    """What axe-core finds in the dialog that is open, or else in the whole page, and what is wider than its place.

    In both themes; the light one is left behind.
    """
    require_node_modules()
    page.evaluate((WEB / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    faults: list[str] = []
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        faults += [f"{theme}: {fault}" for fault in page.evaluate(_CHECK, _RULES)]
    return [*faults, *(f"overflow: {name}" for name in page.evaluate(_OVERFLOW))]


def go_round(page: Page, most: int = 400) -> list[str]:
    """Press Tab until the focus is where it was. The names of what had it; it must be visible and inside throughout."""
    names: list[str] = []
    page.keyboard.press("Tab")  # browsers show no focus to whoever used the mouse last
    first = page.evaluate_handle("document.activeElement")
    for _ in range(most):
        focus = page.evaluate(_FOCUS)
        assert focus["isVisible"], f"The focus cannot be seen at {focus['name']}, after {names[-3:]}."
        assert focus["isInside"], f"The focus has left the dialog to {focus['name']}, after {names[-3:]}."
        names.append(focus["name"])
        page.keyboard.press("Tab")
        if page.evaluate("(first) => document.activeElement === first", first):
            return names
    raise AssertionError("Tab never comes back.")
