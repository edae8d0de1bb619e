"""Guessing encodings: ours, charset-normalizer and chardet on messages of translated programs.

pip install charset-normalizer chardet
python benchmarks/encodings.py [FOLDER OF LOCALES]
"""

from __future__ import annotations

import gettext
import random
import sys
import time
from pathlib import Path

CASES = {
    "cp1252": ["fr", "de", "es"], "iso8859-2": ["pl", "cs"], "cp1250": ["pl", "cs", "hu"],
    "cp1251": ["ru", "uk"], "koi8-r": ["ru"], "cp866": ["ru"], "cp1253": ["el"], "cp1254": ["tr"],
    "gb18030": ["zh_CN"], "big5": ["zh_TW"], "shift_jis": ["ja"], "euc_jp": ["ja"],
    "cp949": ["ko"],
}  # fmt: skip
SAMPLES, SIZES = 12, (100, 1000, 8000)


def messages(folder: Path, language: str) -> list[str]:
    """Translated messages that are not all ASCII, shuffled."""
    found = []
    for path in sorted((folder / language / "LC_MESSAGES").glob("*.mo")):
        with path.open("rb") as file:
            try:
                catalog = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
            except (OSError, ValueError):
                continue
        found += [
            text.strip()
            for key, text in catalog.items()
            if key and isinstance(text, str) and text != key and not text.isascii()
        ]
    random.Random(1).shuffle(found)
    return found


def samples(texts: list[str], encoding: str, size: int) -> list[bytes]:
    """Some stretches of at least `size` bytes."""
    left, found = iter(texts), []
    while len(found) < SAMPLES:
        stretch = b""
        while len(stretch) < size:
            text = next(left, None)
            if text is None:
                return found
            stretch += text.encode(encoding, "ignore") + b"\n"
        found.append(stretch)
    return found


def guessers() -> dict:
    import chardet
    import charset_normalizer

    from charrnn.data.encodings import guess_encodings

    def ours(data):
        at = next(i for i, byte in enumerate(data) if byte > 127)
        return next((guess.encoding for guess in guess_encodings(data, at)), None)

    def normalizer(data):
        best = charset_normalizer.from_bytes(data).best()
        return best.encoding if best else None

    return {
        "ours": ours,
        "charset-normalizer": normalizer,
        "chardet": lambda data: chardet.detect(data)["encoding"],
    }


def is_right(data: bytes, guess: str | None, encoding: str) -> bool:
    """Whether the text reads the same."""
    try:
        return guess is not None and data.decode(guess) == data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False


def main(folder: Path) -> None:
    for size in SIZES:
        for name, guess in guessers().items():
            right = count = 0
            began = time.perf_counter()
            for encoding, languages in CASES.items():
                for language in languages:
                    for data in samples(messages(folder, language), encoding, size):
                        right += is_right(data, guess(data), encoding)
                        count += 1
            seconds = time.perf_counter() - began
            print(f"{size:5} bytes  {name:18} {right} of {count}  {seconds:.1f} s in all")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/locale"))
