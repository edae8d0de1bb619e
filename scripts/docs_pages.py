"""The pages of the docs site, in the repository's own layout, so that its links hold there too.

A hook of MkDocs (`mkdocs.yml`), which else sees one folder and none of what its pages link to.
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = (
    "*.md", "LICENSE", "docs/**/*", "benchmarks/*", "data/*", "configs/**/*",
    "examples/*.mjs", "charrnn/**/*.py", "tests/**/*.py",
)  # fmt: skip


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages, and the files that pages link to, instead of what is in `docs/` alone."""
    found = sorted({path for pattern in PATTERNS for path in ROOT.glob(pattern) if path.is_file()})
    theme = [file for file in files if file.src_dir != config.docs_dir]
    return Files([_file(path, config) for path in found] + theme)


def _file(path: Path, config: MkDocsConfig) -> File:
    name = path.relative_to(ROOT).as_posix()
    return File(name, str(ROOT), config.site_dir, config.use_directory_urls)
