"""Options that say where the passphrase of a private key comes from. It is never an argument itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from strongroom.cli.arguments import whole


def add_passphrase_options(parser: argparse.ArgumentParser) -> None:
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--passphrase-file", metavar="FILE", type=Path,
        help="the private key's passphrase is the first line of FILE (default: the file that STRONGROOM_PASSPHRASE_FILE names; else the "
        "terminal is asked)")
    chosen.add_argument("--passphrase-fd", metavar="N", type=whole(0), help="… or of the open file descriptor N")


def use_passphrase(args: argparse.Namespace) -> None:
    """Take passphrases from where `args` say, whatever this command then runs."""
    from strongroom.signing import passphrase  # noqa: PLC0415 -- keeps --help fast

    passphrase.use(passphrase.Source(args.passphrase_file, args.passphrase_fd))
