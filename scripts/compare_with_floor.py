"""How close a run on the bundled corpus came to the corpus's true entropy, the floor."""

from __future__ import annotations

import json
import subprocess
import sys
from math import log
from pathlib import Path

FLOOR = Path(__file__).parent.parent / "data" / "quickstart.json"


def main() -> None:
    run = sys.argv[1]
    command = [sys.executable, "-m", "charrnn", "eval", run, "--format", "json"]
    scored = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    bits, floor = scored["bits_per_char"], json.loads(FLOOR.read_text())["bits_per_char_validation"]
    print(
        f"validation: {bits:.3f} bits per character. The text's own entropy there, the floor that "
        f"no model can beat, is {floor:.3f}: the model is {bits - floor:.3f} bits, or "
        f"{bits / floor - 1:.0%}, above it."
    )
    if scored["used"] == "mixture":
        alone = scored["parts"]["network"] / log(2)
        print(
            f"The model is a network mixed with an n-gram; the network alone has {alone:.3f} bits, "
            f"{alone / floor - 1:.0%} above."
        )


if __name__ == "__main__":
    main()
