"""What a person is told, and can do, when a hub refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.model_hub.model_hub import HubFault, ModelHubError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.model_hub.hub_access import HubAccess

_LONGEST_PAUSE_S: Final = 60.0
_SETTING: Final = "put a token of that account into the setting hub_token"


class TryAgainError(ModelHubError):
    """The same request may be answered a little later. `after_s`: the hub asks for this pause, in seconds."""

    def __init__(self, fault: HubFault, message: str, after_s: float = 0.0) -> None:
        super().__init__(fault, message)
        self.after_s = after_s


def refusal(status: int, headers: Mapping[str, str], model_id: str, access: HubAccess) -> ModelHubError:
    """The hub's own text is left out, as it is not trusted."""
    page = f"{access.endpoint}/{model_id}"
    is_gated = headers.get("x-error-code") == "GatedRepo"
    match status:
        case 401 | 403 if is_gated:
            message = f"{model_id} is gated. Sign in at {page}, accept its terms there, {_SETTING}, and pull again."
            return ModelHubError(HubFault.NOT_ALLOWED, message)
        case 401 if access.token is None:
            message = (
                f"The hub has no model {model_id} for everybody. Check its name at {page}; if you may see it there, "
                f"{_SETTING}, and pull again."
            )
            return ModelHubError(HubFault.NOT_ALLOWED, message)
        case 401:
            message = "The hub does not accept the token. Make a new one there, and put it into the setting hub_token."
            return ModelHubError(HubFault.NOT_ALLOWED, message)
        case 403:
            message = (
                f"The account of the token may not read {model_id}. Ask for access at {page}, or use another token, "
                "and pull again."
            )
            return ModelHubError(HubFault.NOT_ALLOWED, message)
        case 404 | 410:
            return ModelHubError(HubFault.UNKNOWN, f"The hub has no such model, revision or file of {model_id}.")
        case 408 | 429:
            message = "The hub gets too many requests at the moment. Pull again later to go on from here."
            return TryAgainError(HubFault.BUSY, message, _asked_pause_s(headers))
        case _ if status >= 500:
            message = f"The hub is out of order (status {status}). Pull again later to go on from here."
            return TryAgainError(HubFault.BUSY, message, _asked_pause_s(headers))
        case _:
            return ModelHubError(HubFault.BROKEN, f"The hub refused the request (status {status}).")


def _asked_pause_s(headers: Mapping[str, str]) -> float:
    """Seconds of `Retry-After`; a date there, or more than a minute, is not waited for."""
    text = headers.get("retry-after", "")
    return min(float(text), _LONGEST_PAUSE_S) if text.isascii() and text.isdecimal() and len(text) < 9 else 0.0
