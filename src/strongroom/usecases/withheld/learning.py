"""What the catalogue tells of withheld files, learned anew where tombstones came from elsewhere."""

from __future__ import annotations

from strongroom.catalogue import Catalogue
from strongroom.catalogue.withheld import forget_withheld, note_withheld
from strongroom.runner.interface import Runner
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import known_bags
from strongroom.usecases.withheld.choosing import Choice
from strongroom.usecases.withheld.loading import load_withheld


def learn_withheld(context: Context, runner: Runner) -> None:
    """Count in every known bag the files that the tombstones at home withhold. A bag that cannot be read now counts for nothing.

    Nothing is decided by these figures, so what is wrong with bags and tombstones is left to the job at hand to say.
    """
    quiet = Collector()
    with context.scratch("withheld") as scratch:
        withheld = load_withheld(context.home, (), scratch / "withheld", quiet.add)
        choice = Choice(scratch, known_bags(context), open_kept(context), quiet)
        try:
            if len(withheld):
                choice.mean(withheld)
                choice.share(runner)
            with Catalogue.open(context.catalogue) as catalogue, catalogue.transaction():
                forget_withheld(catalogue)
                note_withheld(catalogue, choice.counts())
        finally:
            choice.close()
            withheld.close()
