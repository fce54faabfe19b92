"""Sealing a recording: turning its work files into the complete MP4 file."""

from __future__ import annotations

import os
from bisect import bisect_left
from contextlib import contextmanager
from itertools import chain, count, dropwhile
from typing import TYPE_CHECKING, Final

from services.video_writer._captions import Captions
from services.video_writer._encoders import copy_arguments, encode_arguments, seal_arguments
from services.video_writer._errors import RecordingError, from_os_error
from services.video_writer._ffmpeg_process import FfmpegProcess
from services.video_writer._matroska import frame_bytes, stream_header
from services.video_writer._mp4_facts import frame_times_us, read_facts, whole_fragments_end
from services.video_writer._spool import read_spooled
from services.video_writer._timeline import TimedFrame
from services.video_writer.video_writer import Discarded, Finished, RecordingFault, VideoError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from services.video_writer._ffmpeg_tools import FfmpegTools
    from services.video_writer._work_files import Job, WorkFiles
    from services.video_writer.video_writer import RecordingPlan, VideoMetadata

_TICK_US: Final = 12  # the precision of times in the file, whose time base is 1/90,000 s


class SealingStoppedError(Exception):
    """`stop` was called. The work files are intact, so the recording can be sealed later."""


class Sealer:
    """Seals one recording. `stop` may be called from any thread."""

    def __init__(self, files: WorkFiles, tools: FfmpegTools, free_bytes: Callable[[Path], int]) -> None:
        """`free_bytes` says how much is free on the disk of a folder."""
        self._files = files
        self._tools = tools
        self._free_bytes = free_bytes
        self._running: FfmpegProcess | None = None
        self._is_stopped = False

    def stop(self) -> None:
        """Interrupt `seal` at once. Later calls of `seal` fail as well."""
        self._is_stopped = True
        if (running := self._running) is not None:
            running.kill()

    def seal(self, job: Job | None) -> Finished | Discarded:
        """Write the complete file from the encoded part and the frames that still wait on disk.

        Without a job only the part is used, and it keeps its own metadata.

        Raises:
            RecordingError: sealing failed. The work files stay.
            SealingStoppedError: `stop` was called. The work files stay.
        """
        try:
            self._has_part()  # what is there plays from here on, also if there is no room for more
            self._require_room()
            if job is None or not self._files.spools():
                return self._seal_part(job.plan.metadata if job else None)
            return self._seal_with_rest(job)
        except OSError as error:
            raise from_os_error(error) from error
        except VideoError as error:
            raise RecordingError(
                RecordingFault.ENCODER_FAILED, f"The file that ffmpeg wrote is damaged: {error}"
            ) from error
        finally:
            self._files.remove_attempt()

    def _require_room(self) -> None:
        """Whoever tries again and again must not copy hours of video just to find the disk full at their end."""
        spools = self._files.spools()
        recorded = sum(file.stat().st_size for file in (self._files.part, *spools) if file.exists())
        copies = 2 if spools else 1  # those in the spool are encoded and then joined
        if self._free_bytes(self._files.path.parent) < copies * recorded:
            raise RecordingError(RecordingFault.DISK_FULL, f"Completing it takes {copies * recorded} bytes.")

    def _seal_part(self, metadata: VideoMetadata | None) -> Finished | Discarded:
        if not self._has_part():
            self._files.remove()
            return Discarded(self._files.path)
        return self._publish(("-i", str(self._files.part)), metadata)

    def _seal_with_rest(self, job: Job) -> Finished | Discarded:
        kept_us = self._copy_kept(job) if self._has_part() else ()
        first_us = self._encode_rest(job, after_us=kept_us[-1] if kept_us else None)
        if first_us is None:
            return self._seal_part(job.plan.metadata)
        inputs = ("-i", str(self._files.rest))
        if kept_us:
            self._files.joining.write_text(_listing(self._files, first_us), encoding="utf-8")
            inputs = ("-f", "concat", "-safe", "0", "-i", str(self._files.joining))
        return self._publish(inputs, job.plan.metadata)

    def _copy_kept(self, job: Job) -> Sequence[int]:
        """Copy the packets of the part that are kept before the spooled frames. Returns the times of their frames."""
        self._run(copy_arguments(self._files.part, self._files.first))
        decoded_us = frame_times_us(self._files.first)
        kept = packets_before(_first_missing(self._spooled(job), sorted(decoded_us)), decoded_us)
        if 0 < kept < len(decoded_us):
            self._run(copy_arguments(self._files.part, self._files.first, packets=kept))
        return sorted(decoded_us[:kept])

    def _has_part(self) -> bool:
        """Whether the part contains a complete fragment. An incomplete one at its end is cut off."""
        end = whole_fragments_end(self._files.part)
        if end and end < self._files.part.stat().st_size:
            dates = self._files.part.stat()
            os.truncate(self._files.part, end)
            os.utime(self._files.part, ns=(dates.st_atime_ns, dates.st_mtime_ns))
        return end > 0

    def _encode_rest(self, job: Job, *, after_us: int | None) -> int | None:
        """Encode the spooled frames after a time, or all. Returns the time of the first, or None if there is none."""
        plan = job.plan
        frames = self._spooled(job)
        if after_us is not None:
            frames = dropwhile(lambda frame: frame.at_us <= after_us + _TICK_US, frames)
        first = next(frames, None)
        if first is None:
            return None
        captions = Captions(self._tools, job.captions)
        encoder = self._tools.encoder_named(job.encoder_name, plan)
        with self._ffmpeg(encode_arguments(plan, encoder, self._files.rest), takes_input=True) as process:
            process.write(_head(plan))
            for frame in chain((first,), frames):
                process.write(_shifted(captions.burn_in(frame), -first.at_us))
        return first.at_us

    def _spooled(self, job: Job) -> Iterator[TimedFrame[bytes]]:
        return iter(read_spooled(self._files, _head(job.plan)))

    def _publish(self, inputs: Sequence[str], metadata: VideoMetadata | None) -> Finished | Discarded:
        """Write the complete file under another name and rename it, so that readers see either a whole file or none."""
        new = self._files.new
        recorded = next(file for file in (self._files.part, *self._files.spools()) if file.exists()).stat()
        self._run(seal_arguments(inputs, metadata, new))
        facts = read_facts(new)
        if facts.frames == 0:
            self._files.remove()
            return Discarded(self._files.path)
        path = _free_name(self._files.path)
        # The file gets the date of the recording, because galleries sort by it.
        os.utime(new, ns=(recorded.st_atime_ns, recorded.st_mtime_ns))
        new.replace(path)
        self._files.remove()
        return Finished(path, facts.duration_s, facts.frames, facts.size_bytes)

    def _run(self, arguments: Sequence[str]) -> None:
        with self._ffmpeg(arguments, takes_input=False):
            pass

    @contextmanager
    def _ffmpeg(self, arguments: Sequence[str], *, takes_input: bool) -> Generator[FfmpegProcess]:
        """Run ffmpeg during the block, and wait at the end of the block until it exits."""
        process = FfmpegProcess(self._tools.executable(), arguments, takes_input=takes_input)
        self._running = process
        try:
            if self._is_stopped:
                raise SealingStoppedError
            yield process
            process.finish()
        except RecordingError:
            if self._is_stopped:
                raise SealingStoppedError from None
            raise
        finally:
            self._running = None
            process.close()


def _free_name(path: Path) -> Path:
    """`path`, or `path` with a number appended if another file has taken the name meanwhile."""
    names = chain((path,), (path.with_stem(f"{path.stem} ({number})") for number in count(2)))
    return next(name for name in names if not name.exists())


def _shifted(frame: TimedFrame[bytes], by_us: int) -> bytes:
    return frame_bytes(TimedFrame(frame.at_us + by_us, frame.data))


def _contains_time(times_us: Sequence[int], at_us: int) -> bool:
    """Whether `times_us`, ascending, contains the time within the precision of a file."""
    at = bisect_left(times_us, at_us - _TICK_US)
    return at < len(times_us) and times_us[at] <= at_us + _TICK_US


def _first_missing(spooled: Iterable[TimedFrame[bytes]], times_us: Sequence[int]) -> int | None:
    """The time of the first spooled frame that is not among `times_us`, ascending. None: they are all there."""
    return next((frame.at_us for frame in spooled if not _contains_time(times_us, frame.at_us)), None)


def packets_before(missing_us: int | None, decoded_us: Sequence[int]) -> int:
    """How many packets, from the first on, show every frame up to a time and none that comes after the missing one.

    `decoded_us` has the display time of each packet in the order of decoding. Encoders reorder frames, so the last
    packets may show frames on both sides of the missing one, and leave gaps that later packets would have filled.
    """
    shown, kept, newest_us = sorted(decoded_us), 0, -1
    for packets, at_us in enumerate(decoded_us, start=1):
        if missing_us is not None and at_us > missing_us:
            break
        newest_us = max(newest_us, at_us)
        if newest_us == shown[packets - 1]:
            kept = packets
    return kept


def _head(plan: RecordingPlan) -> bytes:
    return stream_header(plan.width, plan.height, plan.fps)


def _listing(files: WorkFiles, rest_begins_us: int) -> str:
    """The input of ffmpeg's concat demuxer for both files. Their names are relative to the list."""
    first, rest = (name.replace("'", "'\\''") for name in (files.first.name, files.rest.name))
    return f"file '{first}'\nduration {rest_begins_us / 1_000_000:.6f}\nfile '{rest}'\n"
