"""Changes single settings in the text of a settings file, and leaves the rest as its owner wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS_HEAD: Final = (
    "# Settings of this Terrarium server. What is left out has its default; docs/settings.md says what there is.\n"
)
SECRETS_HEAD: Final = "# Secrets of this Terrarium server. Nobody else may read this file.\n"


def edited(data: bytes | None, changes: Mapping[str, object], *, head: str) -> bytes | None:
    """The file with every setting in `changes` at its new value; None takes it out. Comments and order stay.

    A file that is missing or empty begins with `head`. Returns `data` itself where nothing changes.

    Raises:
        ValueError: `data` is no TOML.
    """
    if not changes or (data is None and all(value is None for value in changes.values())):
        return data
    import tomlkit  # when somebody changes a setting, and not at every start

    text = "" if data is None else data.decode("utf-8-sig")
    document = tomlkit.parse(text or head)
    for name, value in changes.items():
        if value is None:
            if name in document:
                document.remove(name)
        else:
            document[name] = value
    written = tomlkit.dumps(document)
    if written and not written.endswith("\n"):
        written += "\n"
    return (written or head).encode()
