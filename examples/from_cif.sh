#!/usr/bin/env bash
# From a crystal structure alone to a corrected potential: sample, label by DFT, look for faults, fit.
#   bash examples/from_cif.sh [CIF [FOLDER]]      needs softfix[chgnet,gpaw,parallel]; goes on where it was stopped
# BASE and CALCULATOR name other potentials and other labels than CHGNet and GPAW.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cif=${1:-$here/HfO2/monoclinic.cif}
out=${2:-out/from_cif}
base=${BASE:-chgnet}
calculator=${CALCULATOR:-gpaw}
label=("$out/frames.extxyz" --calculator "$calculator" -o "$out/labelled.extxyz" --workers 2)
[ "$calculator" != gpaw ] || label+=(--config "$here/HfO2/gpaw.yaml")

mkdir -p "$out"
[ -e "$out/frames.extxyz" ] || softfix sample "$cif" --recipe high-energy -n 10 --base "$base" -o "$out/frames.extxyz"
softfix label "${label[@]}" --dry-run
softfix label "${label[@]}"
softfix check "$out/labelled.extxyz" --base "$base" || echo "Look at these findings before you trust the fit."
softfix fit "$out/labelled.extxyz" --base "$base" -o "$out/corrected.softfix"
