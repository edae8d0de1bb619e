# Sourced by the other scripts: a virtual environment in .venv with charrnn and one set of extras.
# Installs only what has changed since the last time, so that later runs need no network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

environment() {
  local extras=$1 python=${PYTHON:-python3} stamp
  if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "charrnn needs Python 3.11 or newer; set PYTHON to one: PYTHON=python3.12 $0" >&2
    exit 2
  fi
  if [ ! -x .venv/bin/python ]; then
    echo "making a virtual environment in .venv" >&2
    "$python" -m venv .venv || return
  fi
  stamp=.venv/charrnn-installed-${extras:-base}
  if ! cmp -s setup.cfg "$stamp"; then
    echo "installing charrnn${extras:+ with the extra $extras} into .venv" >&2
    # A Numba without a wheel for this Python would be compiled, which takes an LLVM of its own.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary numba,llvmlite \
      -e ".${extras:+[$extras]}" || return
    cp setup.cfg "$stamp"
  fi
  export PATH="$PWD/.venv/bin:$PATH"
}
