"""CHGNet (Deng et al., doi:10.1038/s42256-023-00716-3); its weights come with its package."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from softfix.bases.package import package_folder, required_version, sha256_of
from softfix.bases.protocol import Identity
from softfix.bases.sites import batched, weighted
from softfix.errors import SoftfixError

NEWEST = "0.3.0"
THEORY = {
    "0.3.0": "PBE/PBE+U, Materials Project, MP2020-corrected energies",
    "0.2.0": "PBE/PBE+U, Materials Project, MP2020-corrected energies",
    "r2scan": "r2SCAN, Materials Project",
}


class CHGNetBase:
    """CHGNet of one version, or of a checkpoint, e.g. `chgnet`, `chgnet:0.2.0` or `chgnet:folder/of/fine-tuning`."""

    elements = frozenset(range(1, 95)) - {84, 85, 86, 87, 88}  # atoms that MPtrj holds: no Po, At, Rn, Fr, Ra

    def __init__(self, version: str):
        """Find the weights of a version (the default is the newest), or of a checkpoint file or its folder."""
        package_version = required_version("chgnet", "chgnet")
        version = version or NEWEST
        self.checkpoint, released = _find(version)
        self.released = version if released else None
        self.identity = Identity(
            spec=f"chgnet:{version}",
            family="chgnet",
            version=version if released else self.checkpoint.stem.removesuffix(".pth"),
            package="chgnet",
            package_version=package_version,
            weights_sha256=sha256_of([self.checkpoint]),
            level_of_theory=THEORY.get(version) if released else None,
        )

    def model(self):
        """CHGNet itself, with these weights."""
        from softfix.bases.undisturbed import undisturbed

        with undisturbed():
            from chgnet.model import CHGNet
            from chgnet.utils import determine_device

            if self.released:
                return CHGNet.load(model_name=self.released, verbose=False)
            return CHGNet.from_file(str(self.checkpoint)).to(determine_device())

    def calculator(self):
        """CHGNet's own ASE calculator (stress in eV/Å^3, 3x3) in softfix's dialect."""
        from softfix.bases.dialect import Normalised
        from softfix.bases.undisturbed import undisturbed

        with undisturbed():
            from chgnet.model.dynamics import CHGNetCalculator

            return Normalised(CHGNetCalculator(model=self.model(), on_isolated_atoms="ignore"))

    has_sites = True

    def sites(self, calculator, atoms, weights):
        """Site energies: what the last network gives for every atom."""
        return weighted(calculator, [calculator.inner.model.mlp], 1.0, atoms, weights)

    def batch(self, calculator, structures):
        """Site energies, forces and stresses of several structures by one pass of the network."""
        from pymatgen.io.ase import AseAtomsAdaptor

        model, unit = calculator.inner.model, calculator.inner.stress_weight

        def evaluate():
            graphs = [model.graph_converter(AseAtomsAdaptor.get_structure(atoms)) for atoms in structures]
            found = model.predict_graph(graphs, task="efs", batch_size=len(graphs))
            found = [found] if len(graphs) == 1 else found
            energies = [float(each["e"]) * len(atoms) for each, atoms in zip(found, structures, strict=True)]
            stresses = unit * np.array([each["s"] for each in found], dtype=np.float64)
            return energies, np.concatenate([each["f"] for each in found]), stresses

        return batched([model.mlp], 1.0, structures, evaluate)


def _find(version: str) -> tuple[Path, bool]:
    """Checkpoint of a version, a file or a folder, and whether it is a released version."""
    path, pretrained = Path(version).expanduser(), package_folder("chgnet") / "pretrained"
    if path.is_file():
        return path, False
    known = sorted(folder.name for folder in pretrained.iterdir() if folder.is_dir())
    found = sorted((pretrained / version if version in known else path).glob("*.pth.tar"))
    if len(found) == 1:
        return found[0], version in known
    if path.is_dir():
        raise SoftfixError(f"{path} holds {len(found)} CHGNet checkpoints (*.pth.tar): name one.")
    raise SoftfixError(f"CHGNet has no version '{version}', nor is it a file; the package holds {', '.join(known)}.")
