"""The command line: its flags, and the words of --help."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final, NoReturn

from runtime_config.launch_error import LaunchError

if TYPE_CHECKING:
    from collections.abc import Sequence

_DESCRIPTION: Final = """\
Serve real-time world models on one port: open the printed address in a browser, or connect a client.
Each flag wins over the environment variable that its text names.
"""

_EPILOG: Final = """\
further environment variables:
  TERRARIUM_MAX_SESSIONS            sessions open at once, 1 to 1024 (default: 8)
  TERRARIUM_SEED_SAFETY             strict, when-available or off: what happens to seed pictures while no classifier
                                    can judge them (default: when-available on loopback, else strict; off is for
                                    loopback only)
  TERRARIUM_MAX_UPLOAD_MIB          largest seed picture file in MiB, 1 to 1024 (default: 64)
  TERRARIUM_JPEG_QUALITY            of frames, 1 to 100 (default: 85)
  TERRARIUM_JPEG_SUBSAMPLING        4:2:0 or 4:4:4 (default: 4:2:0)
  TERRARIUM_SMALL_JPEG_QUALITY      of frames below 360 lines, 1 to 100 (default: 90)
  TERRARIUM_SMALL_JPEG_SUBSAMPLING  4:2:0 or 4:4:4 (default: 4:4:4)
  TERRARIUM_MOMENTS_MIB             memory of one session for kept moments and for rewinding, in MiB, 1 to 65536; the
                                    oldest give way (default: 128)
  TERRARIUM_RECORDINGS_QUOTA_MIB    what all recordings may take up, in MiB; then no new ones are made
                                    (default: 20480)
  TERRARIUM_WRITER_ENDPOINT         base address of a chat server in the OpenAI format, such as
                                    http://127.0.0.1:11434/v1, that writes wishes out for scene authoring;
                                    with TERRARIUM_WRITER_MODEL, and TERRARIUM_WRITER_KEY if it wants one
                                    (default: none)
  TERRARIUM_WRITER_SEES             whether that model reads pictures (default: yes)
  TERRARIUM_LOCAL_WRITER            off, auto, resident, offloaded or cpu: without a chat server, whether Qwen3-VL from
                                    the Hugging Face cache writes wishes out here, and where it lives; auto chooses
                                    by what memory is free (default: off)
  TERRARIUM_LOCAL_WRITER_FOLDER     folder of that model, or of another one that calls tools, if it is not in the cache
  TERRARIUM_LOCAL_WRITER_REVISION   commit of that model in the cache (default: the one that the server was made with)
  TERRARIUM_LOCAL_WRITER_QUANT      none or int8: its weights in half the memory (default: none)
  TERRARIUM_IMAGE_ENDPOINT          the same for an images server; with TERRARIUM_IMAGE_MODEL, TERRARIUM_IMAGE_KEY
  TERRARIUM_IMAGE_SIZE              WIDTHxHEIGHT to ask it for, if it makes certain sizes alone (default: what fits)
  TERRARIUM_LOCAL_IMAGES            off, auto, resident, offloaded or cpu: without an images server, whether FLUX.2
                                    klein from the Hugging Face cache makes them here, and where it lives; auto
                                    chooses by what memory is free (default: off)
  TERRARIUM_LOCAL_IMAGE_FOLDER      folder of that model, if it is not in the cache
  TERRARIUM_LOCAL_IMAGES_QUANT      none or int8: its weights in about half the memory (default: none)
  TERRARIUM_UNLOAD_ENGINE           auto, always or never: whether a world engine on the GPU is unloaded while a model
                                    on this machine makes a scene, and loaded again afterwards; auto does so where
                                    nothing else fits, and where nobody else plays on it (default: auto)
  TERRARIUM_ENCODER_THREADS         1 to 64 (default: one for each core, at most four)

terrarium replay FILE plays a saved world again; see terrarium replay --help.

exit status: 0 after a clean stop, 1 after a failure, 2 when the server could not be started as asked
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sentence = f"{message[:1].upper()}{message[1:]}. Run with --help to see every flag."
        raise LaunchError(sentence)


def parse_arguments(arguments: Sequence[str] | None) -> dict[str, object]:
    """The flags given, by setting name; None reads the process's own command line. Values are as typed, unchecked.

    Raises:
        LaunchError: an unknown flag, or one without its value.
        SystemExit: after --help.
    """
    return vars(_build_parser().parse_args(arguments))


def _build_parser() -> argparse.ArgumentParser:
    # What was not typed stays absent, so that the environment can speak.
    parser = _Parser(
        prog="terrarium",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    _add_network_flags(parser)
    _add_engine_flags(parser)
    _add_recording_flags(parser)
    _add_process_flags(parser)
    return parser


def _add_network_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("who may connect")
    group.add_argument(
        "--host",
        help="address to listen on; 0.0.0.0 for every interface, which needs --token or --allow-anonymous"
        " (TERRARIUM_HOST, default: 127.0.0.1)",
    )
    group.add_argument(
        "--port", help="port to listen on; 0 takes any free one (TERRARIUM_PORT, default: 7987)", metavar="NUMBER"
    )
    group.add_argument(
        "--token",
        help="secret that clients must present, 16 characters or more; other users of this machine can read the"
        " command line, so prefer the variable (TERRARIUM_TOKEN, default: none)",
        metavar="SECRET",
    )
    group.add_argument(
        "--allow-anonymous",
        action="store_true",
        help="let everyone who can reach the address in without a token (TERRARIUM_ALLOW_ANONYMOUS, default: no)",
    )
    group.add_argument(
        "--allowed-origin",
        action="append",
        help="a further web origin whose pages may use the server, as scheme://host[:port]; repeatable"
        " (TERRARIUM_ALLOWED_ORIGIN, comma separated, default: none)",
        metavar="ORIGIN",
    )


def _add_engine_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the neural world in the box, terrarium/moss")
    group.add_argument(
        "--moss-steps",
        help="how often its network is asked for a frame, 1, 2 or 4: more is clearer and slower; saved worlds and"
        " replays are exact for the number that they were made with (TERRARIUM_MOSS_STEPS, default: 2)",
        metavar="NUMBER",
    )
    group.add_argument(
        "--moss-weights",
        help="folder with its weights, as training.export writes them (TERRARIUM_MOSS_WEIGHTS, default: those in the"
        " box)",
        metavar="FOLDER",
    )


def _add_recording_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("recordings")
    group.add_argument(
        "--recordings-dir",
        help="folder for recordings (TERRARIUM_RECORDINGS_DIR, default: recordings in the data folder)",
        metavar="FOLDER",
    )
    group.add_argument(
        "--client-recordings-dir",
        action="append",
        help="a folder in which, or below which, a client may have its recordings put when it asks for that;"
        " repeatable (TERRARIUM_CLIENT_RECORDINGS_DIR, separated as in PATH, default: none)",
        metavar="FOLDER",
    )


def _add_process_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the process")
    group.add_argument(
        "--data-dir",
        help="folder for seeds, models and logs (TERRARIUM_DATA_DIR, default: terrarium in the platform's"
        " folder for application data)",
        metavar="FOLDER",
    )
    group.add_argument(
        "--log-format",
        help="text or json, on stderr (TERRARIUM_LOG_FORMAT, default: text on a terminal, else json)",
        metavar="FORMAT",
    )
    group.add_argument(
        "--log-level", help="debug, info or warning (TERRARIUM_LOG_LEVEL, default: info)", metavar="LEVEL"
    )
    group.add_argument(
        "--parent-pid", help="stop when the process with this id is gone (TERRARIUM_PARENT_PID)", metavar="PID"
    )
    group.add_argument(
        "--launched-from-standalone",
        action="store_true",
        help="say in /health that a desktop application started the server (TERRARIUM_LAUNCHED_FROM_STANDALONE)",
    )
