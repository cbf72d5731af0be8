"""The tag files of a bag, put into its attempt, and the seal over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from strongroom.catalogue import Catalogue, ObjectRow
from strongroom.collections.model import CollectionManifest
from strongroom.core.digests import Digest
from strongroom.core.events import Event, utc_now
from strongroom.core.seal import Seal
from strongroom.metadata import ValidationResult
from strongroom.signing import Signer
from strongroom.usecases import log
from strongroom.usecases.archive import accrual
from strongroom.usecases.archive.attempt import Attempt
from strongroom.usecases.archive.delivery import Delivery
from strongroom.usecases.archive.destination import Destination
from strongroom.usecases.archive.predecessor import Predecessor
from strongroom.usecases.archive.spool import Spool
from strongroom.usecases.archive.stages import Stages
from strongroom.usecases.archive.tagfiles import Payload, TagFile, TagFiles
from strongroom.usecases.archive.vouching import check_before_signing
from strongroom.usecases.signatures.store_keys import publish_keys


class Sealing:
    """`before`: what the bag follows upon; `signer`: None for a seal without a signature."""

    def __init__(self, manifest: CollectionManifest, catalogue: Catalogue, destination: Destination, before: Predecessor, stages: Stages,
                 signer: Signer | None) -> None:
        self._manifest, self._catalogue, self._destination, self._before = manifest, catalogue, destination, before
        self._stages, self._signer = stages, signer

    def prepare(self) -> None:
        """To be called before an attempt is open. Raises UsageError (passphrase), RefusedError (what a signature must not answer for)."""
        if self._signer is not None:
            sealed = self._catalogue.bags(self._manifest.name)
            check_before_signing(self._before.last, sealed, self._before.stores, self._signer.keyring)
            self._signer.unlock()  # a wrong passphrase is noticed before anything is written
            publish_keys(self._destination.store, self._signer.keyring)

    def supplied(self, records: ValidationResult, delivery: Delivery | None, spool: Spool, scratch: Path) -> list[tuple[str, Path]]:
        """(path in the bag, file) of the tag files that came with the payload."""
        files = [*records.tag_files, ("metadata/validation.json", records.report)]
        files += delivery.tag_files if delivery is not None else ()
        if self._manifest.mode == "accrue" and self._before.files is not None:
            return accrual.merge_records(spool, self._before.files, files, scratch)
        return files

    def store_tag_files(
        self, attempt: Attempt, writer: TagFiles, payload: Payload, events: Iterable[Event], placed: Iterator[ObjectRow]
    ) -> list[TagFile]:
        """All of them, in the attempt. `placed`: what holds the contents in this store. Raises StoreError."""
        with self._stages.stage("store tag files") as progress:
            files = writer.bag(payload, attempt.bag, self._before.collection(), events)
            for size in attempt.store_tag_files(files):
                progress.advance(1, size)
            attempt.store_placement(placed)
            return files

    def seal(self, attempt: Attempt, payload: Payload, files: list[TagFile], state: Digest) -> tuple[Seal, Digest | None]:
        """The seal, and its digest; no digest where the number went to another run. Raises StoreError."""
        with self._stages.stage("seal"):
            heads = log.heads(self._destination.store, log.remembered(self._catalogue, self._destination.number))
            tag_manifests = {file.path: Digest(file.digests["sha256"]) for file in files if file.path.startswith("tagmanifest-")}
            signer = None if self._signer is None else self._signer.key.fingerprint
            seal = Seal(attempt.bag, self._before.collection(), attempt.id, self._destination.id, self._before.pointer(), tag_manifests,
                        payload.size, payload.files, state, heads, utc_now(), signer=signer)
            return seal, attempt.seal(seal, self._signer)
