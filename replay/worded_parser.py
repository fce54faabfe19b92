"""Arguments of a command, whose mistakes are told as sentences."""

from __future__ import annotations

import argparse
from typing import NoReturn

from replay.plan import ReplayError


class WordedParser(argparse.ArgumentParser):
    """Raises a ReplayError for what it cannot read, instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise ReplayError(f"{message[:1].upper()}{message[1:]}. Run with --help to see every flag.")
