#!/usr/bin/env bash
# PbTiO3 from eight GPAW frames: soft modes, cell shape and polarisation, a domain wall, order against temperature.
#   bash examples/ferroelectric.sh [FOLDER]      needs softfix[chgnet]; goes on where it was stopped
# BASE names another potential than CHGNet; QUICK=--quick tries everything out in a minute.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=$here/../calibration/data
out=${1:-out/ferroelectric}
quick=${QUICK:-}

mkdir -p "$out"
[ -e "$out/PbTiO3.softfix" ] ||
    softfix fit "$data/PbTiO3-minimalist.extxyz" --base "${BASE:-chgnet}" -o "$out/PbTiO3.softfix"
common=(--correction "$out/PbTiO3.softfix" --config "$here/PbTiO3/born.yaml" -o "$out" $quick)
cubic=(--structure "$here/PbTiO3/cubic.extxyz")
phases=("${cubic[@]}" --structure "$here/PbTiO3/tetragonal.extxyz")
softfix properties soft-modes "${cubic[@]}" "${common[@]}" --reference "$data/PbTiO3-phonon.extxyz"
softfix properties polarisation "${phases[@]}" "${common[@]}" --reference "$data/PbTiO3-relaxed.extxyz"
softfix properties domain-wall "${phases[@]}" "${common[@]}"
softfix properties order-parameter "${phases[@]}" "${common[@]}" # half an hour
