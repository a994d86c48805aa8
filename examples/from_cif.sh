#!/usr/bin/env bash
# From a crystal structure alone to a corrected CHGNet: sample, label with GPAW, fit, measure. Goes on where it was stopped.
# bash examples/from_cif.sh [CIF [FOLDER]]; needs pip install 'softfix[chgnet,gpaw,parallel]'
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cif=${1:-$here/HfO2/monoclinic.cif}
out=${2:-out/from_cif}
mkdir -p "$out"

[ -e "$out/frames.extxyz" ] || softfix sample "$cif" --recipe high-energy -n 10 --base chgnet -o "$out/frames.extxyz"
softfix label "$out/frames.extxyz" --calculator gpaw --config "$here/HfO2/gpaw.yaml" --dry-run -o "$out/labelled.extxyz"
softfix label "$out/frames.extxyz" --calculator gpaw --config "$here/HfO2/gpaw.yaml" --workers 2 -o "$out/labelled.extxyz"
softfix check "$out/labelled.extxyz" --base chgnet || echo "Look at these findings before you trust the fit."
softfix fit "$out/labelled.extxyz" --base chgnet -o "$out/corrected.softfix"
