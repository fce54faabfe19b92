"""What readers are told of a job's events."""

from __future__ import annotations

import mimetypes
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from services.job_store.job import JobState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.job_store.job import Job, JobFile, Json
    from services.job_store.job_store import NoticeKind

# What the system's own table may not know.
_MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {".world": "application/zip", ".ndjson": "application/x-ndjson"}
)


def notice_of(before: Job | None, job: Job) -> tuple[NoticeKind, Json] | None:
    """The kind and the data of the notice of what led from `before` to `job`; None: nobody has to know of it.

    Without `before`, the job was just accepted.
    """
    if before is not None and before.state is job.state:
        if job.stage != before.stage:
            return "stage", {"stage": job.stage}
        if job.cancel_requested_at != before.cancel_requested_at:
            return "cancelling", {}
        return None
    data: dict[str, Any] = {"state": job.state.value, "attempt": job.attempt}
    if job.fault is not None:
        data |= {"code": job.fault.code, "message": job.fault.message}
    if job.state is JobState.DONE:
        data["result"] = dict(job.result or {})
        if job.files:
            data["files"] = [described(file) for file in job.files]
    return "state", data


def described(file: JobFile) -> dict[str, Any]:
    """What clients are told of a file. Where it lies is nobody's business."""
    return {"role": file.role, "media_type": media_type_of(file.path), "bytes": file.bytes, "sha256": file.digest}


def media_type_of(name: str) -> str:
    known = _MEDIA_TYPES.get(name[name.rfind(".") :])
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"
