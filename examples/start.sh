#!/usr/bin/env bash
# Set softfix up in .venv beside this checkout and correct CHGNet for HfO2 with ten DFT frames.
# The main job of the README: some minutes on two cores, most of it the installation.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

extras=${SOFTFIX_EXTRAS:-chgnet,test}
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "softfix needs Python 3.11 or later; say which with PYTHON=/path/to/python." >&2
    exit 1
}
[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "Installing softfix[$extras] into .venv ..."
.venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 -e ".[$extras]"

softfix=.venv/bin/softfix
mkdir -p out
echo "Fitting a correction of CHGNet to 10 DFT frames of HfO2 ..."
$softfix fit examples/HfO2/train.extxyz --base chgnet -o out/hfo2.softfix
echo "Measuring it on 11 held-out frames ..."
$softfix evaluate examples/HfO2/test.extxyz --correction out/hfo2.softfix --json out/hfo2.json
