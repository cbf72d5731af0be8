"""Findings: things a person should know, as frozen values of a closed set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    ERROR = "error"  # the exit status becomes 1
    WARNING = "warning"
    NOTE = "note"


class Code(Enum):
    """Every finding there is: its code as printed, and its severity. A new one is one line here."""

    # -- the source
    SOURCE_CHANGED = "source-changed", Severity.ERROR  # a file changed while it was read; it was left out
    SOURCE_UNREADABLE = "source-unreadable", Severity.ERROR
    SOURCE_VANISHED = "source-vanished", Severity.ERROR
    SOURCE_SPECIAL_FILE = "source-special-file", Severity.WARNING  # FIFO, socket, device: listed, never opened
    SOURCE_NAME = "source-name", Severity.ERROR  # an object of a bucket whose key is no name that a bag could hold; it was left out
    SOURCE_LOSS = "source-loss", Severity.ERROR  # more paths vanished than max_loss allows
    SOURCE_SYMLINK = "source-symlink", Severity.ERROR  # refused by `symlinks: refuse`
    SOURCE_LINK_ESCAPES = "source-link-escapes", Severity.WARNING  # a followed link would leave the source
    SOURCE_LINK_LOOP = "source-link-loop", Severity.WARNING
    SOURCE_REPLACED = "source-replaced", Severity.WARNING  # a delivery has a folder where the bag before has a file, or the like
    # -- formats, one of each for a run, with counts and the first few paths
    IDENTIFICATION_FAILED = "identification-failed", Severity.NOTE  # a library crashed, hung or wanted too much memory
    FORMAT_UNIDENTIFIED = "format-unidentified", Severity.NOTE
    FORMAT_ENCRYPTED = "format-encrypted", Severity.WARNING  # readable to whoever has the key, and the archive has none
    FORMAT_EMPTY = "format-empty", Severity.NOTE
    FORMAT_MISMATCH = "format-mismatch", Severity.NOTE  # the name ends as those of another format do
    # -- virus scans
    VIRUS_FOUND = "virus-found", Severity.ERROR  # held outside the store until a person releases it
    VIRUS_RELEASED = "virus-released", Severity.NOTE  # found, and taken in because a person said so
    NOT_SCANNED = "not-scanned", Severity.WARNING  # too large for the scanner, or refused by it; taken in all the same
    # -- metadata
    RECORD_INVALID = "record-invalid", Severity.WARNING  # becomes an error under on_invalid: refuse | hold
    RECORD_REFUSED = "record-refused", Severity.ERROR
    RECORD_HELD = "record-held", Severity.ERROR  # invalid under `on_invalid: hold`: the file was left out
    RECORD_PATH = "record-path", Severity.ERROR  # a file name that leads out of the source
    RECORD_WITHOUT_FILE = "record-without-file", Severity.WARNING
    RECORD_DUPLICATE = "record-duplicate", Severity.WARNING
    FILE_WITHOUT_RECORD = "file-without-record", Severity.WARNING
    RECORD_SUSPICIOUS = "record-suspicious", Severity.WARNING  # a spreadsheet-mangled date and the like
    RECORD_ENCODING = "record-encoding", Severity.WARNING  # byte order mark, cp1252, semicolons
    CHECKSUM_MISMATCH = "checksum-mismatch", Severity.ERROR  # supplied checksum against what was read
    CHECKSUM_UNKNOWN = "checksum-unknown", Severity.WARNING
    # -- stored bytes
    CONTENT_DAMAGED = "content-damaged", Severity.ERROR
    CONTENT_MISSING = "content-missing", Severity.ERROR
    NOT_REACHED = "not-reached", Severity.ERROR  # not in the stores that answered; others did not answer
    UNREADABLE = "unreadable", Severity.ERROR  # lies in a store that answers, and cannot be read there: says nothing about the bytes
    COLD = "cold", Severity.NOTE  # in a cold storage class, and not read: nothing is said of the bytes
    COPY_DAMAGED = "copy-damaged", Severity.WARNING  # one copy is damaged or absent; a sound one was read elsewhere
    PACK_DAMAGED = "pack-damaged", Severity.ERROR
    PACK_MISSING = "pack-missing", Severity.ERROR
    SEAL_MISSING = "seal-missing", Severity.ERROR
    OBJECT_DAMAGED = "object-damaged", Severity.ERROR  # of the other things in a store: indexes, log, README, …
    OBJECT_MISSING = "object-missing", Severity.ERROR
    UNREACHABLE = "unreachable", Severity.ERROR  # a store does not answer: says nothing about the bytes
    UNEXPECTED = "unexpected", Severity.WARNING  # nothing says that this should be in the store
    LITTER = "litter", Severity.NOTE  # left in a store by an operating system
    BATCH_FAILED = "batch-failed", Severity.ERROR  # a provider's batch job did not end well; nothing is known of the objects
    READ_TWICE = "read-twice", Severity.WARNING  # wrong at the first look and right at the second: a cable, a cache, memory
    TAG_FILE_DAMAGED = "tag-file-damaged", Severity.ERROR
    TAG_FILE_MISSING = "tag-file-missing", Severity.ERROR
    SEAL_DAMAGED = "seal-damaged", Severity.ERROR
    SEAL_COPY_DAMAGED = "seal-copy-damaged", Severity.NOTE  # beside a sound one; it stays, for no sweep frees the key of a seal
    INDEX_WRONG = "index-wrong", Severity.WARNING  # only a hint; bytes were found without it
    PLACEMENT_WRONG = "placement-wrong", Severity.WARNING
    FORKED = "forked", Severity.ERROR
    SEAL_PASSED_OVER = "seal-passed-over", Severity.WARNING  # another under its label is signed by a trusted key, and it is not
    # -- the log
    LOG_ALTERED = "log-altered", Severity.ERROR  # an event, or the batch it lies in, is not what was written
    LOG_HOLE = "log-hole", Severity.ERROR  # batches are missing, and later ones are there
    LOG_FORKED = "log-forked", Severity.ERROR  # two histories of one writer, each whole
    STORE_ROLLED_BACK = "store-rolled-back", Severity.ERROR  # what it had last, by other witnesses, is gone
    BAG_REMOVED = "bag-removed", Severity.ERROR  # the log says that the store took it, and it is gone with its seal
    STORE_BEHIND = "store-behind", Severity.NOTE  # merely lacks what others have: normal for a disk in a drawer
    BAG_ELSEWHERE = "bag-elsewhere", Severity.NOTE  # a seal names it as the one before, and no store that was asked has it
    # -- takedowns
    WITHHELD = "withheld", Severity.NOTE  # a file that is left out because its content was taken down on purpose
    SOURCE_WITHHELD = "source-withheld", Severity.WARNING  # the source has what was taken down; it was left out of the bag
    TOMBSTONE_REFUSED = "tombstone-refused", Severity.ERROR  # not signed by anybody who is trusted, so it is not acted upon
    TOMBSTONE_MISSING = "tombstone-missing", Severity.ERROR  # was read before and is gone; it still counts
    TOMBSTONE_DAMAGED = "tombstone-damaged", Severity.ERROR  # cannot be read as one, and is not acted upon
    WITHHELD_LOCKED = "withheld-locked", Severity.WARNING  # the bytes of what was withheld stay until a date
    # -- jobs
    STORE_LIMIT = "store-limit", Severity.WARNING  # what a file system or bucket cannot do
    STORE_SKIPPED = "store-skipped", Severity.WARNING
    STORE_ABSENT = "store-absent", Severity.NOTE  # a disk that is usually in a drawer, and is now
    REPLICA_WAITS = "replica-waits", Severity.WARNING  # cannot be brought to a store until another is attached with it
    NOT_REPLICATED = "not-replicated", Severity.ERROR  # damage ended the replication
    CATALOGUE_LOST = "catalogue-lost", Severity.ERROR  # bags were made from here, and the catalogue knows none
    MANIFEST_UNUSABLE = "manifest-unusable", Severity.WARNING  # of a collection the catalogue knows
    REPAIRED = "repaired", Severity.NOTE
    NOT_REPAIRED = "not-repaired", Severity.ERROR  # damaged here, and no sound copy within reach
    # -- signatures
    SIGNATURE_BROKEN = "signature-broken", Severity.ERROR  # the seal or its signature is not what was signed
    SIGNATURE_MISSING = "signature-missing", Severity.ERROR  # the seal says that it is signed
    SIGNATURE_REVOKED = "signature-revoked", Severity.ERROR  # by a revoked key, and not before it was revoked
    SIGNATURE_UNKNOWN_KEY = "signature-unknown-key", Severity.WARNING  # by a key that nobody here trusts
    SIGNATURE_ABSENT = "signature-absent", Severity.WARNING  # not signed, where others are
    NO_SEAL_SIGNATURE = "no-seal-signature", Severity.NOTE  # not signed, and nobody signs here
    # -- sweeps
    SWEEP_REFUSED = "sweep-refused", Severity.ERROR  # what bags need is not known, so nothing may be condemned
    SWEEP_WAITS = "sweep-waits", Severity.WARNING  # for an attempt that may yet become a bag
    NOT_RETAINED = "not-retained", Severity.ERROR  # the store did not keep an object for as long as its policy says
    SWEEP_LOCKED = "sweep-locked", Severity.WARNING  # the store removes nothing before a date
    SWEEP_KEPT = "sweep-kept", Severity.WARNING  # damaged, and not known well enough to be removed
    OLD_VERSIONS = "old-versions", Severity.WARNING  # of what was removed remain in the bucket
    RESTORE_LIMIT = "restore-limit", Severity.WARNING  # something the destination cannot hold as it was
    RESTORE_REFUSED = "restore-refused", Severity.ERROR  # a file the destination cannot hold, or a path no bag may have: not restored
    RESTORE_DIFFERS = "restore-differs", Severity.WARNING  # something else stands there, and was left alone
    RESTORE_NOTE = "restore-note", Severity.NOTE
    RESTORE_NO_MATCH = "restore-no-match", Severity.ERROR
    OVERDUE = "overdue", Severity.ERROR
    RUN_FAILED = "run-failed", Severity.WARNING  # the last run of a job found errors, or did not end
    NOT_COMPARED = "not-compared", Severity.WARNING  # contents that the search for near-copies could not read
    # -- bags of others (import)
    IMPORT_REFUSED = "import-refused", Severity.ERROR  # a serialised bag, or a member of it, that is not taken
    IMPORT_CHANGED = "import-changed", Severity.ERROR  # what was archived is not what was validated
    IMPORT_FAILED = "import-failed", Severity.ERROR  # the machinery, not the bag
    IMPORT_NOTE = "import-note", Severity.NOTE
    # -- BagIt bags (verify)
    BAG_INVALID = "bag-invalid", Severity.ERROR  # a tag file or the bag's layout breaks a rule
    BAG_PATH = "bag-path", Severity.ERROR  # a listed path leaves the bag or the payload
    BAG_FILE_MISSING = "bag-file-missing", Severity.ERROR
    BAG_FILE_UNLISTED = "bag-file-unlisted", Severity.ERROR  # a payload file that a manifest ought to list
    BAG_FIXITY = "bag-fixity", Severity.ERROR
    BAG_OXUM = "bag-oxum", Severity.ERROR
    BAG_SPECIAL_FILE = "bag-special-file", Severity.ERROR  # FIFO, socket, device, link: never opened or followed
    BAG_UNREADABLE = "bag-unreadable", Severity.ERROR
    BAG_WARNING = "bag-warning", Severity.WARNING  # legal but dangerous
    BAG_NAMES_COLLIDE = "bag-names-collide", Severity.WARNING  # names that another file system takes for one
    BAG_WEAK_DIGESTS = "bag-weak-digests", Severity.WARNING
    BAG_PROFILE = "bag-profile", Severity.ERROR  # breaks a rule of the BagIt profile it is held against
    BAG_PROFILE_UNKNOWN = "bag-profile-unknown", Severity.WARNING  # the profile asks for something no version of profiles defines
    # -- export and handover
    EXPORT_REFUSED = "export-refused", Severity.ERROR  # something the form that was asked for cannot hold or the bag cannot give
    EXPORT_RESTRICTED = "export-restricted", Severity.WARNING  # the material is not open to everybody
    EXPORT_LEFT_OUT = "export-left-out", Severity.WARNING  # a tag file that the profile does not allow
    EXPORT_UNSTATED = "export-unstated", Severity.WARNING  # something a standard asks for and the collection manifest does not say
    EXPORT_NOTE = "export-note", Severity.NOTE
    RECEIPT_DIFFERS = "receipt-differs", Severity.ERROR  # a receipt does not say what was handed over
    RECEIPT_UNSIGNED = "receipt-unsigned", Severity.WARNING

    def __init__(self, label: str, severity: Severity) -> None:
        self.label = label
        self.severity = severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: what kind, where, and in words what was found, what was expected, and the remedy if there is one."""

    code: Code
    place: str
    message: str

    @property
    def severity(self) -> Severity:
        return self.code.severity

    def to_json(self) -> dict[str, str]:
        return {"code": self.code.label, "severity": self.severity.value, "place": self.place, "message": self.message}

    def __str__(self) -> str:
        """One line for people. What an error said of a place begins with it, which is said once.

        >>> print(Finding(Code.UNREACHABLE, "s3://b/p", "s3://b/p: no answer"))
        error: s3://b/p: no answer [unreachable]
        """
        said = self.message.removeprefix(f"{self.place}: ")
        return f"{self.severity.value}: {printable(self.place)}: {printable(said)} [{self.code.label}]"


def has_errors(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def exit_status(findings: Iterable[Finding], *unknown: Code, undone: bool = False) -> int:
    """1 for errors; 3 where only errors of the codes `unknown` were found, which say nothing about the bytes, or something is `undone`."""
    errors = {finding.code for finding in findings if finding.severity is Severity.ERROR}
    return 1 if errors.difference(unknown) else 3 if errors or undone else 0


def printable(text: str) -> str:
    """`text` without anything that could steer a terminal or forge a log line: controls and lone surrogates are escaped.

    >>> printable("a\\x1b[2J\\n")
    'a\\\\x1b[2J\\\\n'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
