"""Transitions of what is remembered of visitors' addresses: who had to give a place away, and what came from there."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from state._tables import To, next_state
from state.events import (
    BytesUploaded,
    DisplacementForgotten,
    PictureGivenBack,
    PictureTaken,
    PlaceLost,
    UploadsForgotten,
)
from state.visitor_states import Displaced, NotDisplaced, NothingUploaded, Uploaded

if TYPE_CHECKING:
    from state._tables import Table
    from state.app_state_types import AppState
    from state.events import DisplacementEvent, UploadEvent
    from state.visitor_states import DisplacementState, NetworkName, UploadState


def _displace(_: NotDisplaced | Displaced, event: PlaceLost) -> DisplacementState:
    return Displaced(event.at)


DISPLACEMENT_TABLE: Final[Table[DisplacementState]] = MappingProxyType(
    {
        (NotDisplaced, PlaceLost): _displace,
        (Displaced, PlaceLost): _displace,
        (Displaced, DisplacementForgotten): To(NotDisplaced()),
    }
)


def displacement_event(state: AppState, network: NetworkName, event: DisplacementEvent) -> DisplacementState:
    after = next_state(DISPLACEMENT_TABLE, state.displaced.get(network, NotDisplaced()), event)
    if isinstance(after, NotDisplaced):
        state.displaced.pop(network, None)
    else:
        state.displaced[network] = after
    return after


def _first_bytes(_: NothingUploaded, event: BytesUploaded) -> UploadState:
    return Uploaded(event.at, bytes=event.count)


def _more_bytes(state: Uploaded, event: BytesUploaded) -> UploadState:
    return replace(state, bytes=state.bytes + event.count)


def _first_picture(_: NothingUploaded, event: PictureTaken) -> UploadState:
    return Uploaded(event.at, pictures=1)


def _another_picture(state: Uploaded, _: PictureTaken) -> UploadState:
    return replace(state, pictures=state.pictures + 1)


def _give_picture_back(state: Uploaded, _: PictureGivenBack) -> UploadState:
    """It may have been taken before the count began anew."""
    return replace(state, pictures=max(0, state.pictures - 1))


UPLOAD_TABLE: Final[Table[UploadState]] = MappingProxyType(
    {
        (NothingUploaded, BytesUploaded): _first_bytes,
        (NothingUploaded, PictureTaken): _first_picture,
        (NothingUploaded, PictureGivenBack): To(NothingUploaded()),
        (Uploaded, BytesUploaded): _more_bytes,
        (Uploaded, PictureTaken): _another_picture,
        (Uploaded, PictureGivenBack): _give_picture_back,
        (Uploaded, UploadsForgotten): To(NothingUploaded()),
    }
)


def upload_event(state: AppState, network: NetworkName, event: UploadEvent) -> UploadState:
    after = next_state(UPLOAD_TABLE, state.uploads.get(network, NothingUploaded()), event)
    if isinstance(after, NothingUploaded):
        state.uploads.pop(network, None)
    else:
        state.uploads[network] = after
    return after
