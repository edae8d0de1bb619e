# Sourced by release-check: where this machine has a Python of each of the given versions.

# One path a line; a version that is not there is named on stderr.
pythons() {
  local version candidate
  for version; do
    for candidate in "python$version" "$(pyenv root 2>/dev/null)"/versions/"$version".*/bin/python \
      "$(uv python find "$version" 2>/dev/null)"; do
      if "$candidate" -c "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
        command -v "$candidate"
        continue 2
      fi
    done
    echo "there is no Python $version here: not checked" >&2
  done
}
