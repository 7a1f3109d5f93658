"""AES, by the library: the door to `cryptography`. One call for each run of bytes, never one for each block.

Modes: NIST SP 800-38A, 6.2 (CBC) and 6.5 (CTR); padding: RFC 5652, 6.3.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR

BLOCK_BYTES = 16


class CipherError(ValueError):
    """Bytes that were not encrypted with this key, or not in this way."""


def ctr(key: bytes, iv: bytes) -> CipherContext:
    """A key stream: what it is given is encrypted, or decrypted, where the last call ended."""
    return Cipher(AES(key), CTR(iv)).encryptor()


def cbc(key: bytes, iv: bytes, data: bytes | bytearray | memoryview, *, decrypt: bool = False) -> bytes:
    """Whole blocks."""
    cipher = Cipher(AES(key), CBC(iv))
    return (cipher.decryptor() if decrypt else cipher.encryptor()).update(data)


def cbc_padded(key: bytes, iv: bytes, data: bytes) -> bytes:
    """With one to sixteen bytes of padding, each of which says how many they are."""
    padding = BLOCK_BYTES - len(data) % BLOCK_BYTES
    return cbc(key, iv, data + bytes([padding]) * padding)


def cbc_unpadded(key: bytes, iv: bytes, data: bytes) -> bytes:
    """The inverse. Raises CipherError."""
    if not data or len(data) % BLOCK_BYTES:
        raise CipherError(f"{len(data)} bytes are not whole blocks of {BLOCK_BYTES}")
    clear = cbc(key, iv, data, decrypt=True)
    padding = clear[-1]
    if not 1 <= padding <= BLOCK_BYTES or clear[-padding:] != bytes([padding]) * padding:
        raise CipherError("the padding is wrong: another key, or another IV")
    return clear[:-padding]
