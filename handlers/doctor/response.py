"""The doctor's report as JSON, the same from the server and from the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

from api_types import DoctorCheck, DoctorResponse
from handlers.doctor.check import Bad, Good, Warned

if TYPE_CHECKING:
    from handlers.doctor.check import Finding, Report

State: TypeAlias = Literal["good", "warning", "bad"]


def response_of(report: Report) -> DoctorResponse:
    return DoctorResponse(
        ok=report.is_good,
        checks=[
            DoctorCheck(
                id=check.id,
                title=check.title,
                state=state_of(check.finding),
                found=check.finding.found,
                mend=None if isinstance(check.finding, Good) else check.finding.mend,
            )
            for check in report.checks
        ],
    )


def state_of(finding: Finding) -> State:
    match finding:
        case Good():
            return "good"
        case Warned():
            return "warning"
        case Bad():
            return "bad"
        case _:
            assert_never(finding)
