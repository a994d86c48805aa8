"""CHGNet (Deng et al., doi:10.1038/s42256-023-00716-3); its weights come with its package."""

from __future__ import annotations

from softfix.bases.package import package_folder, required_version, sha256_of
from softfix.bases.protocol import Identity
from softfix.errors import SoftfixError

NEWEST = "0.3.0"
THEORY = {
    "0.3.0": "PBE/PBE+U, Materials Project, MP2020-corrected energies",
    "0.2.0": "PBE/PBE+U, Materials Project, MP2020-corrected energies",
    "r2scan": "r2SCAN, Materials Project",
}


class CHGNetBase:
    """CHGNet of one version, e.g. `chgnet` or `chgnet:0.2.0`."""

    elements = frozenset(range(1, 95)) - {84, 85, 86, 87, 88}  # atoms that MPtrj holds: no Po, At, Rn, Fr, Ra

    def __init__(self, version: str):
        """Find the weights of a version; the default is the newest."""
        package_version = required_version("chgnet", "chgnet")
        version = version or NEWEST
        folder = package_folder("chgnet") / "pretrained" / version
        weights = sorted(folder.glob("*.pth.tar"))
        if not weights:
            known = ", ".join(sorted(path.name for path in folder.parent.iterdir() if path.is_dir()))
            raise SoftfixError(f"CHGNet has no version '{version}'; the package holds {known}.")
        self.identity = Identity(
            spec=f"chgnet:{version}",
            family="chgnet",
            version=version,
            package="chgnet",
            package_version=package_version,
            weights_sha256=sha256_of(weights),
            level_of_theory=THEORY.get(version),
        )

    def calculator(self):
        """CHGNet's own ASE calculator (stress in eV/Å^3, 3x3) in softfix's dialect."""
        from softfix.bases.dialect import Normalised
        from softfix.bases.undisturbed import undisturbed

        with undisturbed():
            from chgnet.model import CHGNet
            from chgnet.model.dynamics import CHGNetCalculator

            model = CHGNet.load(model_name=self.identity.version, verbose=False)
            return Normalised(CHGNetCalculator(model=model, on_isolated_atoms="ignore"))
