"""python -m web: the service and its page. `--help` says how."""

import argparse
from pathlib import Path

from speech import command

ROOT = Path(__file__).resolve().parents[1]
DESCRIPTION = """\
Serve voice cloning over HTTP: a page for people, an API for programs.

  python -m web                                                  for this machine alone: http://127.0.0.1:8000
  python -m web --host 0.0.0.0 --api-key-file key.txt            for others; they need the key

/docs describes the API. docs/serving.md says more: several machines, containers, figures, safety."""


def parse() -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m web", description=DESCRIPTION, formatter_class=form)
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine alone)")
    add("--port", type=int, default=8000, help="default 8000; 0 takes a free one")
    add("--models", type=Path, metavar="DIR", default=ROOT / "saved_models/default",
        help="folder with encoder/, synthesizer/, vocoder/ (default saved_models/default)")  # fmt: skip
    add("--voices", type=Path, metavar="DIR", default=ROOT / "saved_voices",
        help="folder where voices and consent records are kept (default saved_voices)")  # fmt: skip
    add("--api-key-file", type=Path, metavar="FILE",
        help="a file with the key that clients must send; needed for any host but loopback")  # fmt: skip
    add("--device", default="auto", help="auto, cpu or cuda (default auto)")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    import logging
    import sys

    from speech.errors import InputError
    from speech.files import check_can_write
    from web.guard import is_loopback, read_key

    if not is_loopback(arguments.host) and arguments.api_key_file is None:
        raise InputError(
            f"--host {arguments.host} lets other machines in, so a key is needed: give --api-key-file FILE, "
            f"or stay with --host 127.0.0.1"
        )
    key = read_key(arguments.api_key_file) if arguments.api_key_file else None
    check_can_write(arguments.voices / "a.voice")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    for chatty in ("uvicorn.error", "asyncio", "httpx"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)  # our journal says it in one line, without messages
    with listen(arguments.host, arguments.port) as listening:
        serve(arguments, key, listening)


def listen(host: str, port: int):
    """The socket, before anything slow. Raises InputError if the address is not to be had."""
    import socket

    from speech.errors import InputError

    if not 0 <= port < 65536:  # or getaddrinfo takes another
        raise InputError(f"--port {port} is no port; give one from 0 (any free one) to 65535")
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=256)
    except OSError as error:
        raise InputError(
            f"cannot listen on {host} port {port}: {error.strerror}; give another --host or --port"
        ) from error


def give_memory_back() -> None:
    """glibc keeps what large batches have freed, in heaps of each thread: use few, and none for large blocks."""
    import contextlib
    import ctypes

    arena_max, mmap_threshold = -8, -3  # of malloc.h
    with contextlib.suppress(OSError, AttributeError):  # another libc has other habits
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(arena_max, 2)
        libc.mallopt(mmap_threshold, 1 << 17)


def serve(arguments: argparse.Namespace, key: str | None, listening) -> None:
    import logging

    give_memory_back()
    from cloning import Cloner
    from web.app import create_app, server_of
    from web.service import Service

    cloner = Cloner.load(arguments.models, device=arguments.device)
    reference = arguments.models / "reference.flac"
    reference = reference if reference.exists() else ROOT / "saved_models/default/reference.flac"
    app = create_app(Service(cloner, arguments.voices, reference), key)
    host, port = listening.getsockname()[:2]
    logging.getLogger("web").info("ready at http://%s:%d", f"[{host}]" if ":" in host else host, port)
    server_of(app).run(sockets=[listening])


if __name__ == "__main__":
    command.main(main)
