"""What encoding a file that is not in the expected one probably is.

A byte order mark decides. Without one, each candidate that can decode the bytes is scored by how
much its non-ASCII characters look like writing: letters that are common in the languages it
was made for, in places where letters stand. The answer is a guess, and is only ever shown.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

SAMPLE = 1 << 13  # bytes
SHOWN = 40
BINARY = 0.01  # share of control characters that no text has

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфё"
_LATIN_1 = "éáíóúñèàüöäßçêâîôûëïùåæøãõ’œ‘“”–—…«»¿¡°£"
_LATIN_2 = "łšąčęžśřżěůćőýťďňźűńéáíóúôä„”–"
_TURKISH = "ışğüöçİŞĞÜÖÇ"
_GREEK = "αοιετσνηυρπκμλςωδγχθφβξζψάέήίόύώ"
_KANA = "のにをはがたてでとしいるなれくかもこすっりまらあさきけだちつ、。ンストルーイア"
_HAN = "的一是不了在人有我他这個个們们大来來上国國到说說为為子和你地出道也时時年得就要下以会會，。"
_HANGUL = "이다의는을에가고하지로한서도니기를어리사은들자나그해인"

# In order of preference where two score the same; the characters common in each one's languages.
CANDIDATES = {
    "cp1252": _LATIN_1,
    "gb18030": _HAN,
    "big5": _HAN,
    "shift_jis": _KANA,
    "euc_jp": _KANA,
    "cp949": _HANGUL,
    "cp1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp866": _CYRILLIC,
    "iso8859-5": _CYRILLIC,
    "cp1250": _LATIN_2,
    "iso8859-2": _LATIN_2,
    "cp1253": _GREEK,
    "cp1254": _TURKISH,
    "mac-roman": _LATIN_1,
    "latin-1": _LATIN_1,
}
# The letters before are looked at once only, from their first: a long word takes no longer.
_STRETCH = re.compile(r"(?:(?<![A-Za-z])[A-Za-z]+)?[^\x00-\x7f]+[A-Za-z]*")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True)
class Guess:
    """An encoding, how sure (0 to 1), and the first stretch of the text that shows it."""

    encoding: str
    score: float
    shown: str


def marked_encoding(data: bytes) -> str | None:
    """The encoding that a byte order mark at the beginning stands for, None without a mark."""
    return next((name for mark, name in BOMS if data.startswith(mark)), None)


def guess_encodings(data: bytes, at: int = 0) -> list[Guess]:
    """Encodings that `data` may be in, likeliest first; `at`: the offset of a non-ASCII byte."""
    if (name := marked_encoding(data)) is not None:
        return [Guess(name, 1.0, _shown(data[:SAMPLE].decode(name, "ignore")))]
    if name := _wide(data[:SAMPLE]):
        return [Guess(name, 0.9, _shown(data[:SAMPLE].decode(name, "ignore")))]
    line = data.rfind(b"\n", max(at - SAMPLE // 2, 0), at) + 1
    start = line or (0 if at < SAMPLE // 2 else at)
    sample = data[start : start + SAMPLE]
    if len(_CONTROLS.findall(sample)) > BINARY * len(sample):
        return []
    if _is_utf8(sample):
        return [Guess("utf-8", 1.0, _shown(sample.decode("utf-8", "ignore")))]
    guesses = [] if (known := _by_library(sample)) is None else [known]
    for name, common in CANDIDATES.items():
        if known is not None and name == known.encoding:
            continue
        decoder = codecs.getincrementaldecoder(name)()
        try:
            text = decoder.decode(sample, final=start + SAMPLE >= len(data))
        except UnicodeDecodeError:
            continue
        guesses.append(Guess(name, plausibility(text, common), _shown(text)))
    return sorted((g for g in guesses if g.score > 0.2), key=lambda g: -g.score)


def _by_library(sample: bytes) -> Guess | None:
    """What chardet says where it is installed: it is right more often than what is below."""
    try:
        import chardet
    except ImportError:
        return None
    found = chardet.detect(sample)["encoding"]
    try:
        name = codecs.lookup(found or "").name
        return Guess(name, 1.0, _shown(sample.decode(name, "ignore")))
    except LookupError:
        return None


def _is_utf8(data: bytes) -> bool:
    """Whether these are UTF-8 beyond ASCII, but for at most a tenth of such characters."""
    text = data.decode("utf-8", "replace")
    beyond, wrong = sum(c > "\x7f" for c in text), text.count("\ufffd")
    return beyond > 10 * wrong


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: nearly every other byte of mostly Latin text is NUL."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    most = 0.4 * len(data) / 2
    if max(even, odd) < most or min(even, odd) > 0.1 * max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def plausibility(text: str, common: str) -> float:
    """How much the non-ASCII characters of `text` look like writing: 1 all do, below 0 none."""
    known, score, count = {c: 1 - 0.3 * i / len(common) for i, c in enumerate(common)}, 0.0, 0
    for stretch in _STRETCH.finditer(text):
        word = stretch.group()
        for before, character in zip(" " + word, word, strict=False):
            joined = before.isalpha() and character.isalpha()
            if not character.isascii():
                count += 1
                score += _worth(character, known)
            if joined and before.islower() and character.isupper():
                score -= 1
            if joined and _script(before) != _script(character):
                score -= 1
    return score / count if count else 0.0


def _worth(character: str, common: dict[str, float]) -> float:
    if character in common:
        return common[character]
    if character.lower() in common:
        return 0.8 * common[character.lower()]
    category = unicodedata.category(character)
    if category[0] == "L":
        return 0.5
    return -2.0 if category in ("Cc", "Cn", "Co") else 0.0


@cache
def _script(letter: str) -> str:
    """LATIN, CYRILLIC, GREEK …; all that Japanese and Chinese mix is one."""
    script = unicodedata.name(letter, "?").partition(" ")[0]
    return "CJK" if script in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA") else script


def _shown(text: str) -> str:
    """The first words that are not all ASCII, with a little before them."""
    found = re.search(r"[^\x00-\x7f]", text)
    at = max(found.start() - 10, 0) if found else 0
    return " ".join(text[at : at + SHOWN].split())
