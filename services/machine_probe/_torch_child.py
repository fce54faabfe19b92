"""Says what torch can do here, as one line of JSON. It runs in a process of its own, as torch may crash or hang."""

from __future__ import annotations

import json
import sys
from typing import Any


def describe(*, try_card: bool) -> dict[str, Any]:
    import torch

    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if try_card else []
    fault = None
    if devices:
        try:
            if int((torch.ones(2, device="cuda") + 1).sum().item()) != 4:
                fault = "the sum was wrong"
        except RuntimeError as error:
            fault = str(error).strip().splitlines()[0]
    elif torch.cuda.is_available():
        devices = ["a card"] * torch.cuda.device_count()
    return {"version": torch.__version__, "cuda": torch.version.cuda, "devices": devices, "fault": fault}


def main() -> None:
    try:
        answer = describe(try_card="--try-card" in sys.argv)
    except Exception as error:  # noqa: BLE001 - whatever a broken installation raises is the answer
        first_line = next(iter(str(error).strip().splitlines()), "")
        answer = {"broken": f"{type(error).__name__}: {first_line}"}
    print(json.dumps(answer))  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
