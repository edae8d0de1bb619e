"""Make the pictures of the docs again, by the commands that the docs show.

    python scripts/make_pictures.py                           the pages', on the bundled text
    python scripts/make_pictures.py --shakespeare FILE.txt    and gradflow's, on tinyshakespeare
    python scripts/make_pictures.py --scaling                 and that of benchmarks/scaling.py

Needs the extras fast and plot and, for screenshots, Chromium. Runs are kept under
runs/ and used again where they are there; the first time takes the ten minutes that they train.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from browser import Browser
from terminal import session

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "img"
QUICKSTART = ["configs/quickstart.yaml"]
LSTM = [
    *QUICKSTART, "--set", "model.cell=lstm", "--set", "model.hidden_size=128",
    "--set", "model.num_layers=2", "--set", "bptt.k1=120", "--set", "bptt.k2=120",
    "--set", "optim.learning_rate=6e-3", "--set", "train.minutes=8",
]  # fmt: skip
GRU = [
    *QUICKSTART, "--set", "model.hidden_size=96", "--set", "train.minutes=null",
    "--set", "train.epochs=4",
]  # fmt: skip

SESSION = {
    "charrnn sample runs/gru-96 --interactive --seed 5 --temperature 0.5 --length 150": [
        r"MARGARET:\n  The letter", "/next 4", "/quit",
    ],
    r"printf 'MARGARET:\n  The letter was in the xylophone.\n' | "
    "charrnn score runs/gru-96 --heat": [],
}  # fmt: skip


def charrnn(*args: object) -> None:
    """Run the program from the repository's top folder."""
    command = [sys.executable, "-m", "charrnn", *map(str, args)]
    print("$ charrnn", *args, file=sys.stderr)
    subprocess.run(command, cwd=ROOT, check=True)


def trained(name: str, settings: list[str]) -> str:
    """A run under runs/, trained if it is not there."""
    run = f"runs/{name}"
    if not (ROOT / run).exists():
        charrnn("train", *settings, "--out", run, "-q")
    return run


def report() -> None:
    """Screenshots of the page, and the loss curves as a picture."""
    gru, lstm = trained("pictures-gru", QUICKSTART), trained("pictures-lstm", LSTM)
    page = ROOT / lstm / "report.html"
    charrnn("report", lstm, gru)
    charrnn("report", lstm, gru, "--png", IMAGES / "report-loss.png")
    with Browser(1280, 900) as browser:
        browser.open(page)
        browser.screenshot(IMAGES / "report-desktop.png")
        track(browser, "position in line")
        browser.screenshot(IMAGES / "report-reader.png")
        browser.resize(390, 844, dark=True)
        browser.open(page)
        browser.js("document.querySelector('#reader [data-value=surprise]').click()")
        browser.js("document.getElementById('reader').scrollIntoView({behavior: 'instant'})")
        browser.screenshot(IMAGES / "report-phone.png")
        if problems := browser.problems():
            raise SystemExit("\n".join(problems))


def page() -> None:
    """Screenshots of an exported model's page, after it has written something."""
    run = trained("gru-96", GRU)
    file = ROOT / run / "page.html"
    charrnn("export", run, "--to", "html", "--out", file)
    with Browser(1280, 900) as browser:
        for width, height, dark, name in ((1280, 900, False, "page"), (390, 844, True, "phone")):
            browser.resize(width, height, dark=dark)
            browser.open(file)
            ready = "document.documentElement.dataset.ready === 'yes'"
            browser.wait(lambda: browser.js(ready))  # noqa: B023
            browser.js("document.getElementById('text').focus()")
            browser.call("Input.insertText", text="MARGARET:\n  The letter")
            browser.js("document.getElementById('write').click()")
            said = "document.getElementById('status').textContent.includes('a second')"
            browser.wait(lambda: browser.js(said))  # noqa: B023
            browser.screenshot(IMAGES / f"export-{name}.png")
        if problems := browser.problems():
            raise SystemExit("\n".join(problems))


def terminal() -> None:
    """A model that is written with, and a text in the colours of its surprise."""
    trained("gru-96", GRU)
    file = ROOT / "runs" / "terminal.html"
    file.write_text(session(SESSION, ROOT), encoding="utf-8")
    with Browser(1280, 900) as browser:
        browser.open(file)
        browser.screenshot(IMAGES / "terminal.png", selector="pre")


def track(browser: Browser, feature: str) -> None:
    """Show the reader, coloured by the unit that tracks a feature best."""
    rows = "[...document.querySelectorAll('.tracks tbody tr')]"
    browser.js(f"{rows}.find(row => row.textContent.startsWith({feature!r}))"
               ".querySelector('button').click()")  # fmt: skip
    browser.js("document.getElementById('reader').scrollIntoView({behavior: 'instant'})")


def gradflow(text: Path) -> None:
    """Seven cells as drawn, and the same after some training."""
    compare = ["gradflow", "--compare", "--text", text.resolve()]
    charrnn(*compare, "--plot", IMAGES / "gradflow-compare.png")
    charrnn(*compare, "--set", "model.num_layers=1", "--steps", 2000,
            "--plot", IMAGES / "gradflow-trained.png")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures of the docs again.")
    parser.add_argument("--shakespeare", type=Path, help="tinyshakespeare, for gradflow's pictures")
    parser.add_argument("--scaling", action="store_true", help="run the scaling benchmark too")
    arguments = parser.parse_args()
    report()
    page()
    terminal()
    if arguments.shakespeare:
        gradflow(arguments.shakespeare)
    if arguments.scaling:
        subprocess.run([sys.executable, "benchmarks/scaling.py"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
