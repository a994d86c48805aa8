"""i-PI itself, with ASE's client and the corrected calculator at the other end of a socket."""

import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.calculators.socketio import SocketClient
from ase.io import write

from tests.conftest import alloy

STEPS = 20
SAME = 1e-6  # eV, eV/Å, eV/Å^3
INPUT = """<simulation verbosity='low'>
  <output prefix='run'>
    <properties filename='out' stride='1' flush='1'>
      [conserved{{electronvolt}}, potential{{electronvolt}}, kinetic_md{{electronvolt}}, virial_md, {forces}]
    </properties>
  </output>
  <total_steps>{steps}</total_steps>
  <ffsocket mode='unix' name='driver' pbc='false'><address>{address}</address><latency>0.001</latency></ffsocket>
  <system>
    <initialize nbeads='1'>
      <file mode='ase'>start.xyz</file>
      <velocities mode='thermal' units='kelvin'>300</velocities>
    </initialize>
    <forces><force forcefield='driver'/></forces>
    <motion mode='dynamics'><dynamics mode='nve'><timestep units='femtosecond'>2</timestep></dynamics></motion>
    <ensemble><temperature units='kelvin'>300</temperature></ensemble>
  </system>
</simulation>
"""


@pytest.fixture
def program():
    pytest.importorskip("ipi", reason="the ipi package is not installed")
    beside = Path(sys.executable).with_name("i-pi")
    found = str(beside) if beside.is_file() else shutil.which("i-pi")
    if found is None:
        pytest.skip("the program i-pi is not beside this Python")
    return found


def test_a_run_over_a_socket_has_the_numbers_of_ase_and_conserves_energy(program, corrected, tmp_path):
    from ase.calculators.lammps import Prism

    atoms = alloy(1, size=1) * (2, 1, 1)
    atoms.set_cell(Prism(atoms.cell.array).lammps_cell, scale_atoms=True)  # i-PI wants a triangular cell too
    write(tmp_path / "start.xyz", atoms, format="extxyz")
    address = f"softfix-{uuid.uuid4().hex[:8]}"
    forces = ", ".join(f"atom_f({k})" for k in range(len(atoms)))
    (tmp_path / "input.xml").write_text(INPUT.format(steps=STEPS, address=address, forces=forces))
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, program, "input.xml"], cwd=tmp_path, stdout=log, stderr=log)
    try:
        for _ in range(600):
            if Path(f"/tmp/ipi_{address}").exists() or server.poll() is not None:
                break
            time.sleep(0.1)
        assert server.poll() is None, (tmp_path / "log").read_text()
        start = atoms.copy()
        start.calc = corrected
        moving = atoms.copy()
        moving.calc = corrected
        SocketClient(unixsocket=address).run(moving, use_stress=True)
        server.wait(timeout=60)
    finally:
        server.kill()
    conserved, potential, kinetic, *others = np.loadtxt(tmp_path / "run.out").T
    virial, forces = np.array(others[:6]), np.array(others[6:]).T.reshape(-1, len(atoms), 3)
    assert len(potential) == STEPS + 1
    assert potential[0] == pytest.approx(start.get_potential_energy(), abs=SAME)
    np.testing.assert_allclose(forces[0] * units.Ha / units.Bohr, start.get_forces(), atol=SAME)
    pressure = virial[[0, 1, 2, 5, 4, 3], 0] * units.Ha / units.Bohr**3  # from xx yy zz xy xz yz
    np.testing.assert_allclose(-pressure, start.get_stress(), atol=SAME)
    assert np.ptp(conserved) < 0.05 * kinetic.mean()
