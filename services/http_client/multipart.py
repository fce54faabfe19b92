"""Encodes multipart/form-data bodies (RFC 7578) for the few requests that send a file."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def encode_form(fields: Mapping[str, str], file_field: str, file: bytes, media_type: str) -> tuple[str, bytes]:
    """The content type and the body of a form with one file.

    Field names are not quoted, so they must not contain quotes or line breaks.
    """
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{file_field}"; filename="picture"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    body = b"".join((*parts, head.encode(), file, f"\r\n--{boundary}--\r\n".encode()))
    return f"multipart/form-data; boundary={boundary}", body
