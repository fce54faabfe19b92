"""What a client keeps of its world, so that it can bring it back after its connection broke.

Two ways lead back. By the server's token the world goes on as it is, whatever was done in it. Where the server has not
kept it, the same start and the same steps give the same world anew, as long as they are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from terrarium_client.protocol import ExtendedInitResponseData, ResumedWorld

_LONGEST_REPLAY: Final = 20_000  # steps; a longer way is not gone again


class StepPath:
    """The steps that led from where a world began to where it is. None: they are not known, or too many."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] | None = []

    def begin(self, steps: list[dict[str, Any]] | None = None) -> None:
        """The world is at its beginning, or as many steps after it."""
        self.steps = [] if steps is None else list(steps)

    def stepped(self, fields: dict[str, Any]) -> None:
        if self.steps is not None:
            self.steps.append(fields)
            if len(self.steps) > _LONGEST_REPLAY:
                self.steps = None

    def lose(self) -> None:
        self.steps = None


class WayBack:
    """`start` has the fields of the `init` that the world began with; None: there was none."""

    def __init__(self) -> None:
        self.start: dict[str, Any] | None = None
        self.path = StepPath()
        self.token: str | None = None
        self._passes: int | None = 0  # that the server has made and this client knows of; None: not known
        self._is_settled = True

    # -------------------------------------------------------------------------------------- what happens to the world

    def began(self, start: dict[str, Any], answer: ExtendedInitResponseData) -> None:
        self.start, self.token = start, answer.resume_token
        self.path.begin()
        self.answered()

    def asked(self) -> None:
        """Something is asked for that may change the world, and is not answered yet."""
        self._is_settled = False

    def answered(self) -> None:
        """Requests are taken in order, so all that were sent before have been settled too."""
        self._is_settled = True

    def stepped(self, fields: dict[str, Any]) -> None:
        """A step has been made and seen."""
        self.path.stepped(fields)
        if self._passes is not None:
            self._passes += 1
        self.answered()

    def lose_count(self) -> None:
        """Nobody knows whether a step has been made that was asked for."""
        self.path.lose()
        self._passes = None

    # ------------------------------------------------------------------------------------------------- the way back

    @property
    def leads_back(self) -> bool:
        """Whether the world may be had again."""
        return self.token is not None or self.path.steps is not None

    def passes_lost(self, resumed: ResumedWorld, *, is_step: bool) -> int | None:
        """How many steps the world has made whose answers never came: one at most, which `is_step` says was asked for.

        None: the world is not where this client believes, for all that it knows.
        """
        if resumed.lost_s or not self._is_settled:
            return None
        if self._passes is None:
            return None if is_step else 0
        lost = resumed.passes - self._passes
        return lost if lost == 0 or (lost == 1 and is_step) else None

    def steps_missing(self, resumed: ResumedWorld) -> list[dict[str, Any]] | None:
        """The steps that a copy of the world has not made yet, to be made again. None: they are not known.

        They are known where the world has never gone back: each step of its path is then one of its passes.
        """
        steps = self.path.steps
        if steps is None or not self._is_settled or self._passes != len(steps) or resumed.passes > len(steps):
            return None
        return steps[resumed.passes :]

    def resumed(self, answer: ExtendedInitResponseData, resumed: ResumedWorld, lost: int) -> None:
        """The world goes on over a new connection. The lost step, if there is one, is told by `stepped` next."""
        self.token, self._passes = answer.resume_token, resumed.passes - lost
        self.answered()

    def begins_anew(self, answer: ExtendedInitResponseData) -> None:
        """The world has begun once more, and `step_again` follows for each step that led to where it was."""
        self.token, self._passes = answer.resume_token, 0
        self.answered()

    def stepped_again(self) -> None:
        """A step of the path was made once more."""
        if self._passes is not None:
            self._passes += 1
