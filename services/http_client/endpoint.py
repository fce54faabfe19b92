"""What requests to an endpoint in the OpenAI format share: the key that goes along, and words for its refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_config.runtime_config import EndpointConfig


def key_header(endpoint: EndpointConfig) -> Mapping[str, str]:
    return {} if endpoint.key is None else {"Authorization": f"Bearer {endpoint.key}"}


def complaint(endpoint: EndpointConfig, status: int) -> str:
    """The end of a sentence about a status that is no success. The server's own words stay out: they are not ours."""
    match status:
        case 401 | 403:
            return "does not accept the key it was given."
        case 404:
            return f"does not know the model “{endpoint.model}”, or is not at the address in the settings."
        case 429:
            return "is asked too much at the moment. Try again later."
        case _:
            return f"refused the request (status {status})."
