"""Bytes as text, whoever wrote them: a byte order mark, what the page says of itself, UTF-8, or the best guess."""

from __future__ import annotations

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED: Final = re.compile(rb"""(?:charset\s*=|encoding\s*=)\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
#: What a declaration stands for in practice (WHATWG Encoding Standard).
_MEANT: Final = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030",
                 "shift_jis": "cp932", "x-sjis": "cp932", "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "iso-8859-9": "cp1254",
                 "iso-8859-11": "cp874", "tis-620": "cp874"}
_HEAD: Final = 4096  # bytes in which a declaration stands
_GUESSED: Final = 16 * 1024  # bytes that are looked at for a guess, which is slow
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def decode(data: bytes, *, declares: bool) -> str | None:
    """The text, or None if this is none. `declares`: it may say its encoding (HTML, XML); what it says is believed if it can be."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) if encoding == "utf-8" else 0 :].decode(encoding, "replace")
    if _CONTROLS.search(data[:_GUESSED]):
        return None
    declared = _DECLARED.search(data[:_HEAD]) if declares else None
    for encoding in (*((declared[1].decode("ascii"),) if declared else ()), "utf-8"):
        try:
            return data.decode(_MEANT.get(encoding.lower(), encoding))
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
        except Exception:  # noqa: S112 -- a codec that makes no text (base64) raises whatever it likes
            continue
    return _guess(data)


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes  # noqa: PLC0415 -- seldom needed

    best = from_bytes(data[:_GUESSED]).best()
    return data.decode(best.encoding if best is not None else "cp1252", "replace")
