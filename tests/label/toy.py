"""A toy DFT: EMT that takes its time, fails or kills its process as environment variables say, and keeps count."""

import errno
import os
import signal
import time

from ase.calculators.emt import EMT


class KohnShamConvergenceError(Exception):
    """Called as GPAW calls its own."""


class ToyDFT(EMT):
    """EMT; TOY_LOG: file that counts; TOY_DELAY: seconds; TOY_FAIL: "8:raises,12:gives_nan", by atoms."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        self._note("begin", atoms)
        time.sleep(float(os.environ.get("TOY_DELAY", "0")))
        super().calculate(atoms, properties, system_changes)
        for atoms_how in filter(None, os.environ.get("TOY_FAIL", "").split(",")):
            number, how = atoms_how.split(":")
            if len(atoms) == int(number):
                getattr(self, how)()
        self._note("end", atoms)

    def raises(self):
        raise ValueError("diagonalisation failed")

    def does_not_converge(self):
        raise KohnShamConvergenceError("Did not converge!")

    def says_unconverged(self):
        self.results["converged"] = False

    def gives_nan(self):
        self.results["forces"][0, 0] = float("nan")

    def gives_large_forces(self):
        self.results["forces"][0, 0] = 99.0

    def fills_the_disk(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    def kills_its_worker(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def _note(self, what, atoms):
        if log := os.environ.get("TOY_LOG"):
            line = f"{what} {len(atoms)} {atoms.positions.sum():.12f}\n"
            handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, line.encode())  # one write: lines of several processes do not mix
            os.close(handle)


class EnergyOnly(EMT):
    """A calculator that says nothing of a free energy."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012


def no_calculator():
    return 3
