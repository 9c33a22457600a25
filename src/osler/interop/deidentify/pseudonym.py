"""What stands in the place of an identifier: the same for the same identifier and key, and nothing to be learned without the key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from osler.core.disk import telling
from osler.core.errors import RequestError

SHORTEST = 16  # bytes of a key: 128 bits cannot be guessed
MOST_KEY = 1 << 16
NEAREST, FARTHEST = 30, 3650  # days by which a patient's dates move back: never into the same month, never past ten years


@dataclass(frozen=True, slots=True)
class Key:
    """A secret from which every replacement is derived by HMAC-SHA-256 (RFC 2104)."""

    secret: bytes = field(repr=False)

    def uid(self, uid: str) -> str:
        """Return the UID that replaces `uid`: 2.25 and a UUID as a number (PS3.5, B.2), 44 characters at most."""
        drawn = bytearray(self._digest("uid", uid)[:16])
        drawn[6] = drawn[6] & 0x0F | 0x80  # RFC 9562: version 8, made as its maker pleases
        drawn[8] = drawn[8] & 0x3F | 0x80
        return f"2.25.{uuid.UUID(bytes=bytes(drawn)).int}"

    def code(self, kind: str, text: str) -> str:
        """Return 16 letters and digits that replace `text` among identifiers of one `kind`."""
        return self._digest(kind, text)[:8].hex().upper()

    def days(self, patient: str) -> int:
        """Return by how many days the dates of `patient` move, a negative number."""
        drawn = int.from_bytes(self._digest("days", patient)[:8], "big")
        return -(NEAREST + drawn % (FARTHEST - NEAREST + 1))

    def stamp(self) -> str:
        """Return what tells two keys apart and gives neither away."""
        return self._digest("stamp", "")[:8].hex()

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.new(self.secret, f"{kind}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def fresh_key() -> Key:
    """Return a key that nobody had before."""
    return Key(secrets.token_hex(32).encode())


def read_key(path: Path, *, make: bool = True) -> Key:
    """Return the key in the file `path`; a file that is not there is made with a fresh one, readable by its user alone.

    Raises RequestError where the file is too short to be a secret, too large to be a key, or cannot be read.
    """
    if make and not path.exists():
        key = fresh_key()
        with telling(path):
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(key.secret + b"\n")
        return key
    try:
        with path.open("rb") as stream:
            secret = stream.read(MOST_KEY + 1).strip()
    except OSError as error:
        raise RequestError(f"the key '{path}' cannot be read: {error.strerror}") from None
    if not SHORTEST <= len(secret) <= MOST_KEY:
        raise RequestError(f"the key '{path}' has {len(secret)} bytes; wanted {SHORTEST} or more that nobody can guess")
    return Key(secret)
