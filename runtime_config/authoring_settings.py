"""What was said about scene authoring at start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_config.endpoint_settings import check_endpoint
from runtime_config.runtime_config import AuthoringConfig

if TYPE_CHECKING:
    from runtime_config.launch_settings import LaunchSettings


def authoring_config(settings: LaunchSettings) -> AuthoringConfig:
    """Raises: LaunchError, an endpoint will not do."""
    return AuthoringConfig(
        writer=check_endpoint("WRITER", settings.writer_endpoint, settings.writer_model, settings.writer_key),
        writer_sees=settings.writer_sees,
        local_writer=settings.local_writer,
        local_writer_folder=settings.local_writer_folder,
        local_writer_revision=settings.local_writer_revision,
        local_writer_quant=settings.local_writer_quant,
        images=check_endpoint("IMAGE", settings.image_endpoint, settings.image_model, settings.image_key),
        image_size=settings.image_size,
        local_images=settings.local_images,
        local_image_folder=settings.local_image_folder,
        local_images_quant=settings.local_images_quant,
        unload_engine=settings.unload_engine,
    )
