"""Signatures in minisign's format: keys, what they sign, and whom to believe (docs/format.md, section 10).

`Keyring(home).signer()` signs, `judge(message, signature, trust)` says what a signature is worth. Passphrases: `passphrase`.
"""

from strongroom.signing.judge import Judgement, Standing, examine, judge
from strongroom.signing.keyring import Keyring, Signer
from strongroom.signing.minisign import PublicKey, Signature
from strongroom.signing.statements import Revocation, Rotation, Signed
from strongroom.signing.trust import Trust

__all__ = [
    "Judgement", "Keyring", "PublicKey", "Revocation", "Rotation", "Signature", "Signed", "Signer", "Standing", "Trust", "examine", "judge",
]
