"""`strongroom withhold`: take contents down, or put them back."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from strongroom.cli.arguments import bag_or_none, typed
from strongroom.cli.common import EXIT_STATUSES, add_json_option, print_report, warn
from strongroom.cli.passphrases import add_passphrase_options, use_passphrase
from strongroom.core.digests import Digest
from strongroom.core.errors import UsageError
from strongroom.core.findings import printable
from strongroom.usecases.context import Context

if TYPE_CHECKING:
    from strongroom.usecases.withheld.request import Plan

_EPILOG = """\
What is withheld is a content, wherever it occurs: in every bag and collection of every store. Bags stay sealed and valid. A restore leaves
the files out and says so, an audit does not miss them, and no archive, import, repair or replication brings them back. What is shared with
bags that were not named is said and asked about first. The bytes stay in the stores until `strongroom sweep` removes them.

The reason travels to every store. Names and paths go only where the collection belongs: leave them out of the reason.

"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = "Withhold contents: files of bags (in every version, or in NAME/vN), whole bags, a whole collection, or a digest."
    parser.epilog = _EPILOG + EXIT_STATUSES
    parser.add_argument("bag", nargs="?", metavar="NAME[/vN]", help="a collection, in all its versions, or one bag")
    parser.add_argument("--path", metavar="P|GLOB", action="append", default=[], help="only what matches (as in restore); may be repeated")
    parser.add_argument("--digest", metavar="HEX", type=typed(Digest), action="append", default=[], help="a content, by its SHA-256")
    parser.add_argument("--reason", required=True, help="why; it is kept for good")
    parser.add_argument("--agent", metavar="WHO", action="append", default=[], help="who decided it (a person, an institution)")
    parser.add_argument("--lift", action="store_true", help="the contrary: withhold it no more")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--quiet", action="store_true", help="no progress, messages or notes; warnings and errors are shown")
    add_passphrase_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Say what would be done, ask, do it, print, and give the exit status."""
    from strongroom.core.tombstone import Action  # noqa: PLC0415 -- keeps --help fast
    from strongroom.runner.local import LocalRunner  # noqa: PLC0415
    from strongroom.usecases.recording import recording  # noqa: PLC0415
    from strongroom.usecases.withheld.request import WithholdRequest  # noqa: PLC0415
    from strongroom.usecases.withheld.run import withhold  # noqa: PLC0415

    if args.path and args.bag is None:
        raise UsageError("--path says which files of a bag are meant; name the bag or collection too")
    use_passphrase(args)
    name, version = bag_or_none(args)
    action = Action.LIFT if args.lift else Action.WITHHOLD
    request = WithholdRequest(action, args.reason, name, version, tuple(args.path), tuple(args.digest), tuple(args.agent))
    context = Context.from_environment()
    parameters = {"name": name, "version": version, "lift": args.lift, "paths": tuple(args.path)}

    with LocalRunner(1, quiet=args.quiet) as runner, recording(context, "withhold", parameters, warn) as kept:
        kept.report = report = withhold(request, context, runner, lambda plan: _agree(plan, yes=args.yes))
    return print_report(args, report, report.summary())


def _agree(plan: Plan, *, yes: bool) -> bool:
    """Say what would be done, and ask. Raises UsageError where nobody can be asked."""
    for line in plan.summary():
        print(printable(line), file=sys.stderr)
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nothing was done: there is no terminal to ask on. Give --yes if the above is meant")
    print("Do it? Type yes: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() == "yes"
