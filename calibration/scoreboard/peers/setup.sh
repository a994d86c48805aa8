#!/usr/bin/env bash
# Make the environment of one peer: bash setup.sh gap|allegro|franken FOLDER puts it into FOLDER/NAME.
# PYTHON names the interpreter to make it with (measured with 3.11); torch is the CPU build where pip finds one.
set -euo pipefail

name=${1:?which peer: gap, allegro or franken}
folder=${2:?where to}

case $name in
  gap) packages=(quippy-ase==0.10.3 ase==3.29.0 numpy==2.4.6) ;;
  allegro) packages=(torch==2.13.0 nequip==0.19.1 nequip-allegro==0.8.3 e3nn==0.6.0 lightning==2.6.6 ase==3.29.0 numpy==2.4.6) ;;
  franken) packages=(torch==2.13.0 franken==0.7.0 mace-torch==0.3.16 e3nn==0.4.4 ase==3.29.0 numpy==2.4.6) ;;
  *) echo "no peer is called $name: gap, allegro or franken" >&2 && exit 2 ;;
esac

"${PYTHON:-python3}" -m venv "$folder/$name"
"$folder/$name/bin/python" -m pip install --quiet "${packages[@]}"
echo "$folder/$name/bin/python is ready"
