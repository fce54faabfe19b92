"""What all requests to endpoints in the OpenAI format share: the key's header, and texts for error statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_config.authoring_config import EndpointConfig


def key_header(endpoint: EndpointConfig) -> Mapping[str, str]:
    return {} if endpoint.key is None else {"Authorization": f"Bearer {endpoint.key}"}


def complaint(endpoint: EndpointConfig, status: int) -> str:
    """The predicate of a sentence about an error status. The server's own text is left out, as it is not trusted."""
    match status:
        case 401 | 403:
            return "does not accept the key in the settings."
        case 404:
            return f"does not know the model “{endpoint.model}”, or has a different address than the settings say."
        case 429:
            return "gets too many requests at the moment. Try again later."
        case _:
            return f"refused the request (status {status})."
