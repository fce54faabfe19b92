"""What one segment is like: the shape of its pictures, and what its file says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_config.constants import VERSION
from services.recording_store.recording_notes import RecordingNotes, write_notes
from services.video_writer.video_writer import RecordingPlan, VideoMetadata

if TYPE_CHECKING:
    from handlers.session.active_world import ActiveWorld


def plan_segment(
    active: ActiveWorld,
    *,
    play_session: str,
    segment: int,
    started_at: float,
    with_authoring: bool,
    client_version: str | None,
) -> RecordingPlan:
    """The plan for recording `active` from now on. `with_authoring`: its player may change scenes in words."""
    spec = active.engine.spec
    notes = RecordingNotes(
        biome_version=_short(client_version or f"Terrarium {VERSION}"),
        model=active.key.model_id,
        quant=active.key.quant,
        seed=None if active.seed.name is None else _short(active.seed.name),
        scene_authoring_enabled=with_authoring,
        server_version=VERSION,
        play_session=play_session,
        segment=segment,
        started_at=started_at,
        seed_hash=active.seed.hash,
        model_hash=spec.weights_hash,
        rng_seed=active.rng_seed,
    )
    metadata = VideoMetadata(title="Terrarium Recording", artist=f"Terrarium v{VERSION}", comment=write_notes(notes))
    return RecordingPlan(spec.width, spec.height, float(spec.fps), metadata)


def _short(text: str) -> str:
    """Clients choose these; the notes take so much."""
    return text[:200]
