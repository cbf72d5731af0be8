"""An import from beginning to end: bag after bag, and none keeps the others from theirs."""

from __future__ import annotations

import shutil
from pathlib import Path

from strongroom.core.errors import RefusedError, StoreFullError, StoreUnreachableError, StrongroomError, WrongStoreError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.unpacking.limits import UnpackError
from strongroom.usecases.context import Context
from strongroom.usecases.imports.find import find_bags
from strongroom.usecases.imports.one import import_bag
from strongroom.usecases.imports.received import refusal
from strongroom.usecases.imports.report import ImportedBag, ImportReport
from strongroom.usecases.imports.request import ImportRequest
from strongroom.usecases.imports.target import check_request
from strongroom.usecases.sealed.collector import Collector


def import_bags(request: ImportRequest, context: Context, runner: Runner) -> ImportReport:
    """Validate and archive every bag that is meant. Raises UsageError for what no bag could be imported with.

    A store that does not answer, or is full, ends the run: the bags that are left are said to have failed. Run again, what was imported
    is found unchanged.
    """
    bags = find_bags(request.bags)
    check_request(request, context)
    report = ImportReport()
    with context.scratch("import", request.staging) as scratch:
        for number, path in enumerate(bags, 1):
            if len(bags) > 1:
                runner.say(f"bag {number:,} of {len(bags):,}: {path}")
            done, ended = _one(path, scratch / str(number), request, context, runner)
            report.bags.append(done)
            if ended:
                report.bags += [_not_tried(left, done) for left in bags[number:]]
                break
    return report


def _one(path: Path, place: Path, request: ImportRequest, context: Context, runner: Runner) -> tuple[ImportedBag, bool]:
    """What came of one bag, and whether there is no point in going on."""
    done = ImportedBag(str(path))
    findings = Collector(runner.finding)
    ended = False
    place.mkdir()
    try:
        import_bag(path, place, request, context, runner, findings, done)
    except UnpackError as error:
        findings.add(refusal(path, error))
    except RefusedError as error:
        findings.add(Finding(Code.IMPORT_REFUSED, str(path), str(error)))
    except (StrongroomError, OSError) as error:
        status = error.exit_status if isinstance(error, StrongroomError) else 3
        done.outcome, done.status = "failed", status
        ended = isinstance(error, StoreUnreachableError | StoreFullError | WrongStoreError)
        findings.add(Finding(Code.IMPORT_FAILED, str(path), str(error)))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    done.findings = findings.findings()
    return done, ended


def _not_tried(path: Path, last: ImportedBag) -> ImportedBag:
    why = Finding(Code.IMPORT_FAILED, str(path), "was not tried: what ended the bag before it concerns this one as well")
    return ImportedBag(str(path), outcome="failed", findings=(why,), status=last.status)
