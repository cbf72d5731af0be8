"""`strongroom browse`: a reading room in the browser."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from strongroom.cli.arguments import whole
from strongroom.core.findings import printable
from strongroom.usecases.context import Context

_PORT: Final = 8471
_EPILOG = """\
Collections that are not open, or under an embargo, are shown to the curator alone, who proves to be that by a token: the first line of
--token-file, or STRONGROOM_BROWSE_TOKEN. Where it listens elsewhere than on loopback, nothing is shown to anybody without it.

exit status:
  2    wrong usage: no token where one is needed, a port that is in use
  3    could not do it
  130  interrupted, which is how it ends
"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Serve a read-only site: collections, versions, folders and files with all that is known of them, search over names and "
        "metadata, near-copies side by side, archived pages as they were. Every byte is verified before it is shown."
    )
    parser.epilog = _EPILOG
    parser.add_argument("--port", metavar="N", type=whole(0, 65535), default=_PORT,
                        help="where it listens; 0: any free port (default: %(default)s)")
    parser.add_argument("--site-port", metavar="N", type=whole(0, 65535), help="where archived pages are served (default: the next port)")
    parser.add_argument("--host", metavar="HOST", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    parser.add_argument("--name", metavar="NAME", action="append", default=[], help="a name under which it is reached; may be repeated")
    parser.add_argument("--token-file", metavar="FILE", type=Path, help="a file whose first line is the curator's token")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from strongroom.web.serve import serve  # noqa: PLC0415 -- keeps --help fast

    def say(message: str) -> None:
        print(printable(message), file=sys.stderr, flush=True)

    site_port = args.site_port if args.site_port is not None else args.port + 1 if 0 < args.port < 65535 else 0
    serve(
        Context.from_environment(), host=args.host, port=args.port, site_port=site_port, token_file=args.token_file, names=tuple(args.name),
        say=say)
    return 0
