"""What the seed folders hold: the manifest of shipped seeds, and the metadata beside each upload."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from services.picture_decoder.picture_decoder import (
    MEDIA_TYPES,
    PICTURE_SUFFIXES,
    PictureDecoder,
    PictureError,
    PictureFactsPayload,
    PictureFormat,
)
from services.seed_store.seed_store import SeedFilePayload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_logger = structlog.stdlib.get_logger(__name__)

_MANIFEST: Final = "seeds.json"
_METADATA_NAME: Final = re.compile(r"([0-9a-f]{64})\.json")


@dataclass(frozen=True, slots=True)
class SeedFile:
    """A seed and where its picture lies."""

    seed: SeedFilePayload
    path: Path


class UploadMetadata(BaseModel):
    """The JSON beside an upload."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str
    width: int
    height: int
    size_bytes: int
    format: PictureFormat
    created_at: float
    prompt: str | None = None
    view_of: str | None = None


class _ShippedEntry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    file: str
    title: str
    description: str = ""
    view_of: str | None = None


_MANIFEST_ENTRIES: Final = TypeAdapter(list[_ShippedEntry])


def metadata_path(folder: Path, seed_hash: str) -> Path:
    return folder / f"{seed_hash}.json"


def upload_metadata(
    facts: PictureFactsPayload,
    *,
    title: str,
    size_bytes: int,
    created_at: float,
    prompt: str | None,
    view_of: str | None,
) -> UploadMetadata:
    return UploadMetadata(
        title=title,
        width=facts.width,
        height=facts.height,
        size_bytes=size_bytes,
        format=facts.format,
        created_at=created_at,
        prompt=prompt,
        view_of=view_of,
    )


def uploaded_seed(folder: Path, seed_hash: str, metadata: UploadMetadata) -> SeedFile:
    seed = SeedFilePayload(
        hash=seed_hash,
        title=metadata.title,
        description="",
        origin="uploaded",
        width=metadata.width,
        height=metadata.height,
        size_bytes=metadata.size_bytes,
        media_type=MEDIA_TYPES[metadata.format],
        created_at=metadata.created_at,
        prompt=metadata.prompt,
        view_of=metadata.view_of,
    )
    return SeedFile(seed, folder / f"{seed_hash}{PICTURE_SUFFIXES[metadata.format]}")


def load_uploaded_seeds(folder: Path, known: Mapping[str, SeedFile] = MappingProxyType({})) -> list[SeedFile]:
    """The uploads in `folder`, oldest first; damaged ones are logged and left out. Those that are `known` by their
    hashes are not read again."""
    return sorted(_uploads(folder, known), key=lambda file: (file.seed.created_at, file.seed.hash))


def _uploads(folder: Path, known: Mapping[str, SeedFile]) -> Iterator[SeedFile]:
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return
    except OSError as error:
        _logger.warning("The folder of uploaded seeds cannot be read", reason=error.strerror)
        return
    for name in names:
        match = _METADATA_NAME.fullmatch(name)
        if match is None:
            continue
        if (file := known.get(match[1])) is not None:
            yield file
            continue
        try:
            metadata = UploadMetadata.model_validate_json((folder / name).read_bytes())
            file = uploaded_seed(folder, match[1], metadata)
            if file.path.stat().st_size != metadata.size_bytes:
                _logger.warning("An uploaded seed is damaged and left out", file=file.path.name)
                continue
        except (OSError, ValidationError) as error:
            _logger.warning("An uploaded seed is damaged and left out", file=name, reason=type(error).__name__)
            continue
        yield file


def load_shipped_seeds(folder: Path, decoder: PictureDecoder) -> list[SeedFile]:
    """The seeds of the manifest, in its order; none without one. Damaged ones are logged and left out."""
    try:
        entries = _MANIFEST_ENTRIES.validate_json((folder / _MANIFEST).read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        _logger.warning("The manifest of shipped seeds cannot be read", reason=type(error).__name__)
        return []
    return [file for entry in entries if (file := _shipped_seed(folder, entry, decoder))]


def _shipped_seed(folder: Path, entry: _ShippedEntry, decoder: PictureDecoder) -> SeedFile | None:
    path = folder / Path(entry.file).name
    try:
        data = path.read_bytes()
        facts = decoder.describe(data)
        created_at = path.stat().st_mtime
    except (OSError, PictureError) as error:
        _logger.warning("A shipped seed is left out", file=entry.file, reason=str(error))
        return None
    seed = SeedFilePayload(
        hash=hashlib.sha256(data).hexdigest(),
        title=entry.title,
        description=entry.description,
        origin="shipped",
        width=facts.width,
        height=facts.height,
        size_bytes=len(data),
        media_type=facts.media_type,
        created_at=created_at,
        view_of=entry.view_of,
    )
    return SeedFile(seed, path)
