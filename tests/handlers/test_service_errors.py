"""Every error of a service reaches a person as a sentence and a code."""

from __future__ import annotations

import pytest

from error_types import DomainError, ErrorCode
from handlers.service_errors import RECORDING_CODES, ServiceError, service_errors_translated
from services.image_editor.image_editor import ImageEditorError
from services.local_models.model_error import ModelFault
from services.model_hub.model_hub import HubFault, ModelHubError
from services.picture_decoder.picture_decoder import PictureError, PictureFault
from services.prompt_writer.prompt_writer import PromptWriterError
from services.recording_store.recording_store import RecordingStoreError, StoreFault
from services.seed_store.seed_store import SeedStoreError
from services.video_writer.video_writer import RecordingFault, VideoError
from services.world_engine.world_engine import EngineDiedError
from services.world_files.world_file import WorldFileError, WorldFileFault
from services.world_files.world_store import WorldStoreError

SENTENCE = "This is what is wrong."


@pytest.mark.parametrize(
    ("error", "code"),
    [
        *(
            (ImageEditorError(fault, SENTENCE), code)
            for fault, code in zip(
                ModelFault,
                ("authoringLoadFailed", "authoringLoadFailed", "authoringSceneRefused", "authoringFailed"),
                strict=True,
            )
        ),
        (EngineDiedError(SENTENCE), "engineFailed"),
        *(
            (PictureError(fault, SENTENCE), code)
            for fault, code in zip(
                PictureFault, ("seedEmpty", "seedNotAPicture", "seedTooLarge", "serverBusy"), strict=True
            )
        ),
        *(
            (PromptWriterError(fault, SENTENCE), code)
            for fault, code in zip(
                ModelFault,
                ("authoringLoadFailed", "authoringLoadFailed", "authoringSceneRefused", "authoringFailed"),
                strict=True,
            )
        ),
        *(
            (RecordingStoreError(SENTENCE, fault), code)
            for fault, code in zip(
                StoreFault,
                (
                    "recordingUnknown",
                    "recordingNameInvalid",
                    "recordingNameTaken",
                    "recordingInUse",
                    "recordingFolderUnusable",
                ),
                strict=True,
            )
        ),
        *(
            (WorldFileError(fault, SENTENCE), code)
            for fault, code in zip(
                WorldFileFault, ("worldNotAWorld", "worldDamaged", "worldTooLarge", "worldOtherVersion"), strict=True
            )
        ),
        *(
            (ModelHubError(fault, SENTENCE), code)
            for fault, code in zip(
                HubFault,
                (
                    "invalidRequest",
                    "modelHubUnavailable",
                    "modelAccessNeeded",
                    "unknownModel",
                    "modelHubUnavailable",
                    "modelUnusable",
                    "modelUnusable",
                    "modelNotKept",
                    "modelInUse",
                    "modelNotKept",
                    "invalidRequest",
                ),
                strict=True,
            )
        ),
        (SeedStoreError(SENTENCE), "seedNotKept"),
        (VideoError(SENTENCE), "recordingDamaged"),
        (WorldStoreError(SENTENCE), "worldNotKept"),
    ],
)
def test_an_error_keeps_its_sentence_and_gets_a_code(error: ServiceError, code: str) -> None:
    with pytest.raises(DomainError) as raised, service_errors_translated():
        raise error
    assert (raised.value.message, raised.value.code, raised.value.__cause__) == (SENTENCE, code, error)


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(LookupError), service_errors_translated():
        raise LookupError(SENTENCE)


def test_every_fault_of_a_recording_has_a_code() -> None:
    assert set(RECORDING_CODES) == set(RecordingFault)
    assert RECORDING_CODES[RecordingFault.DISK_FULL] is ErrorCode.RECORDING_DISK_FULL
