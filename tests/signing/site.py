"""A store whose bags are signed: two collections, one of them begun before there was a key, a rotation, a revocation of a spare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from strongroom.core.findings import Code
from strongroom.runner.local import LocalRunner
from strongroom.signing import Keyring, PublicKey, passphrase
from strongroom.stores.describe import init_store
from strongroom.stores.file import FileStore
from strongroom.usecases.archive.report import ArchiveReport
from strongroom.usecases.archive.run import archive
from strongroom.usecases.audit.report import AuditReport
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.context import Context
from tests.fixtures.cost import CHEAP
from tests.fixtures.premises import Premises

PASSPHRASE = b"a passphrase of tests"


@dataclass
class Vault(Premises):
    @property
    def keyring(self) -> Keyring:
        return Keyring(self.context.home)

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def secret_source(self) -> passphrase.Source:
        file = self.root / "passphrase"
        file.write_bytes(PASSPHRASE + b"\n")
        file.chmod(0o600)
        return passphrase.Source(file)

    def key(self) -> PublicKey:
        passphrase.use(self.secret_source)
        return self.keyring.make(self.secret_source, cost=CHEAP)

    def archive(self, name: str, *, sign: bool = True) -> ArchiveReport:
        return archive(self.describe(name, [self.store]), self.context, self.runner, sign=sign)

    def audit(self, home: str = "home") -> AuditReport:
        return audit(AuditRequest(stores=(str(self.store),)), Context(self.root / home), self.runner)

    def stranger(self, name: str, *keys: PublicKey) -> Context:
        """Another installation that trusts these keys and has seen nothing yet."""
        context = Context(self.root / name)
        for key in keys:
            Keyring(context.home).trust_key(key)
        return context

    def opened(self) -> FileStore:
        return FileStore(str(self.store))


def codes(report: object) -> set[Code]:
    return {finding.code for finding in report.findings}  # type: ignore[attr-defined]


def make_vault(root: Path, runner: LocalRunner) -> Vault:
    root.mkdir(parents=True, exist_ok=True)
    init_store(str(root / "store"))
    vault = Vault(root, runner)
    vault.write("letters", "a.txt", b"alpha")
    vault.write("letters", "b/b.txt", b"beta")
    return vault
