"""The command `strongroom`: finds the verb, runs it, and turns whatever ends it into one message and an exit status."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from types import FrameType, ModuleType
from typing import Any, Final, NoReturn

from strongroom import __version__
from strongroom.cli.common import EXIT_STATUSES
from strongroom.core.errors import StrongroomError
from strongroom.core.findings import printable

#: Verb → module, and its line in --help. A module is imported only when its verb is used, so that --help is fast.
VERBS: Final = {
    "init": ("strongroom.cli.init", "write a commented collection manifest for a folder or a bucket"),
    "archive": ("strongroom.cli.archive", "make the next bag of a collection"),
    "import": ("strongroom.cli.imports", "take in bags that others made"),
    "audit": ("strongroom.cli.audit", "read stored bytes again and compare"),
    "batch": ("strongroom.cli.batch", "audit cold objects where they lie, by the provider's checksums"),
    "restore": ("strongroom.cli.restore", "put a bag, or files of it, back as they were"),
    "export": ("strongroom.cli.export", "write a bag as a tar, zip, folder or OCFL object, for a BagIt profile"),
    "handover": ("strongroom.cli.handover", "a complete signed package for another institution, and its receipt"),
    "identify": ("strongroom.cli.identify", "identify stored contents again, once signatures are newer"),
    "diff": ("strongroom.cli.diff", "what differs between two bags"),
    "list": ("strongroom.cli.list", "the bags there are"),
    "show": ("strongroom.cli.show", "what a bag holds and where it came from"),
    "similar": ("strongroom.cli.similar", "which files are near-copies of each other, and what differs"),
    "status": ("strongroom.cli.status", "how each collection stands, and what is overdue"),
    "replicate": ("strongroom.cli.replicate", "bring every bag to every store of its collection"),
    "repair": ("strongroom.cli.repair", "heal what audits found damaged or missing"),
    "sweep": ("strongroom.cli.sweep", "remove what no bag needs, and what was withheld"),
    "retain": ("strongroom.cli.retain", "keep what bags need locked, as the stores' policies say"),
    "due": ("strongroom.cli.due", "replicate, audit and repair what the attached stores need"),
    "withhold": ("strongroom.cli.withhold", "take files down everywhere, without touching a bag"),
    "quarantine": ("strongroom.cli.quarantine", "what a virus scanner found, and letting it go"),
    "log": ("strongroom.cli.log", "whether the logs of the stores agree, and what they tell"),
    "rebuild": ("strongroom.cli.rebuild", "make the catalogue again from stores"),
    "keys": ("strongroom.cli.keys", "the keys that sign seals: make, trust, rotate, revoke"),
    "report": ("strongroom.cli.report", "what the last run, or those of a period, did and found"),
    "browse": ("strongroom.cli.browse", "look at collections in the browser, and read in them"),
    "serve": ("strongroom.cli.serve", "run the schedules of every collection"),
    "store": ("strongroom.cli.store", "make or probe a store"),
    "verify": ("strongroom.cli.verify", "validate any BagIt bag on disk"),
}
#: New objects before Python looks for cycles among them, which are rare here: at its 700 a process spends a sixth of its start on that.
GARBAGE_THRESHOLD: Final = 50_000
_EPILOG: Final = f"""\
`strongroom COMMAND --help` says more about each.

{EXIT_STATUSES}
environment:
  STRONGROOM_HOME       where the catalogue and scratch space lie (default: ~/.local/state/strongroom)
  STRONGROOM_CATALOGUE  a catalogue that machines share: postgresql://USER@HOST/DATABASE (default: a file of STRONGROOM_HOME)
  STRONGROOM_CATALOGUE_PASSWORD_FILE
                        a file that holds its password, if that is not in PGPASSWORD or a PGPASSFILE
  STRONGROOM_CATALOGUE_TIMEOUT
                        seconds to wait for one answer of its server (1800); one that greets nobody is given up after 80
  STRONGROOM_SCRATCH    where runs keep their lists, if not there: a folder that the workers of a Dask cluster see, too
  STRONGROOM_RUNNER     who carries out runs: local, prefect, dask or dask://HOST:8786 (dask+tls://HOST:8786)
                        (default: processes of this machine, led by a Prefect flow if a Prefect API is configured)
  STRONGROOM_MANIFESTS  where collection manifests are found by name (default: manifests/ in the current folder)
  STRONGROOM_MOUNTS     where shared folders lie on this machine: /NAME=/PLACE, several joined by a colon
  STRONGROOM_SPOOL_BYTES
                        bytes below STRONGROOM_HOME that contents of a bucket may take while they are read (1 GiB)
  STRONGROOM_PRICES     a table of prices of cold storage (default: prices.toml in STRONGROOM_HOME, or one of ours)
  STRONGROOM_PASSPHRASE_FILE
                        a file whose first line is the passphrase of the key that signs (default: the terminal is asked)
  STRONGROOM_NOTIFY_URLS, STRONGROOM_NOTIFY_URLS_FILE
                        where messages about runs go (addresses as apprise reads them), or a file that holds them, one a line
  STRONGROOM_NOTIFY     when to send one about runs over several collections: error, warning (default) or always
  STRONGROOM_BROWSE_TOKEN
                        the curator's token for `browse`, where no --token-file is given
  STRONGROOM_DEBUG      show tracebacks, as --debug does
  STRONGROOM_CONNECT_TIMEOUT, STRONGROOM_READ_TIMEOUT, STRONGROOM_RETRY_SECONDS
                        for buckets: seconds to wait for a connection (10) and for the next byte (60), and how long
                        a request without an answer is tried again (60)
  STRONGROOM_NO_ACCELERATOR
                        hash with hashlib alone, though libIPSec_MB is installed (`--version` says what is used)
"""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Sets what the longest verb does on its own line: argparse does not count how far verbs are set in."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        self._action_max_length = max(self._action_max_length, 6 + max(map(len, VERBS)))


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from strongroom.hashing.many import describe  # noqa: PLC0415  tries it first

        print(f"strongroom {__version__}\nhashing: {describe()}")
        parser.exit()


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP, unwound like Ctrl-C so that everything is put in order on the way."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: that of the process) and give its exit status."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    arguments = list(sys.argv[1:] if argv is None else argv)
    _have_streams()
    _survive_odd_names()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup means it
            signal.signal(number, _terminate)
    debug = bool(os.environ.get("STRONGROOM_DEBUG"))
    try:
        parser, module, verb = _parser(arguments)
        args, rest = parser.parse_known_args(arguments)
        if rest:
            verb.error(f"not known: {' '.join(rest)}")
        if args.debug:
            debug = True
            os.environ["STRONGROOM_DEBUG"] = "1"  # for the worker processes
        if module is None:
            parser.print_help(sys.stderr)
            return 2
        status: int = module.run(args)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse has said why
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 2
    except BaseException as error:
        return _explain(error, debug=debug)
    finally:
        if argv is None:  # the process ends now: a signal that comes this late no longer changes what was done and said
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            gc.freeze()  # nor is there garbage worth looking for
    return status


def _parser(arguments: Sequence[str]) -> tuple[argparse.ArgumentParser, ModuleType | None, argparse.ArgumentParser]:
    """The parser with all verbs in its help, and the module of the one verb that `arguments` use, which alone is imported;
    last the parser of that verb, or the first again."""
    parser = argparse.ArgumentParser(
        prog="strongroom", description="Digital collections as sealed BagIt bags that anybody can audit, repair and restore.",
        epilog=_EPILOG, formatter_class=_Help,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version, and what hashes, and exit")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    subparsers = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands")
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    if chosen is not None and chosen not in VERBS:
        from difflib import get_close_matches  # noqa: PLC0415 -- keeps --help fast

        near = get_close_matches(chosen, VERBS, 1)
        parser.error(f"no command {chosen!r}; " + (f"did you mean `strongroom {near[0]}`?" if near else "`strongroom --help` lists them"))
    module, used = None, parser
    for verb, (name, line) in VERBS.items():
        if verb == chosen:
            module = import_module(name)
            used = subparsers.add_parser(verb, help=line, epilog=EXIT_STATUSES, formatter_class=argparse.RawDescriptionHelpFormatter)
            module.register(used)
        else:
            subparsers.add_parser(verb, help=line, add_help=False)
    return parser, module, used


def _explain(error: BaseException, *, debug: bool) -> int:
    """Say on standard error what ended the command, and give its exit status."""
    if debug:
        traceback.print_exception(error)
    match error:
        case BrokenPipeError():  # whoever read our output has had enough; that is no news to them
            _drop_output()
            return 3
        case KeyboardInterrupt():
            return _say("interrupted; the same command can be run again", 130)
        case StrongroomError():
            return _say(str(error), error.exit_status)
        case OSError(strerror=str(reason)):
            named = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
            place = "standard output" if _output_failed() else named
            return _say(f"{place}: {reason}" if place else reason, 3)
        case Exception() if type(error).__module__ == "sqlite3":
            return _say(_explain_database(error), 3)
        case MemoryError():
            return _say("out of memory; use fewer --workers", 3)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return _say(
        f"internal error: {type(error).__name__}: {error} (strongroom {__version__}, Python {sys.version.split()[0]}, "
        f"{os.path.basename(where.filename)}:{where.lineno}). Please report this line, with what --debug prints before it",
        3,
    )


def _output_failed() -> bool:
    """Whether it is standard output that cannot be written (a full disk below `> FILE`); then what is left of it is dropped."""
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()
        return True
    return False


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains when it flushes, and ends with 120


def _explain_database(error: Any) -> str:
    from strongroom.catalogue.trouble import explain  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.context import Context  # noqa: PLC0415

    return explain(error, Context.from_environment().home)


def _say(message: str, status: int) -> int:
    for line in message.splitlines() or [""]:
        print(f"strongroom: {printable(line)}", file=sys.stderr)
    return status


def _have_streams() -> None:
    """Where whoever started us closed a standard stream (`>&-`), nothing can be printed, and a file of ours would get its number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)  # for the worker processes
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 -- until the process ends
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _survive_odd_names() -> None:
    """File names may be anything; printing one must not raise UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _terminate(number: int, _: FrameType | None) -> NoReturn:
    raise Terminated(signal.Signals(number).name)
