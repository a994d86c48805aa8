"""MACE: the MACE-MP foundation models (doi:10.48550/arXiv.2401.00096) by alias, or any MACE model by file or folder."""

from __future__ import annotations

import json
from pathlib import Path

from softfix.bases.package import required_version, sha256_of
from softfix.bases.protocol import Identity
from softfix.bases.sites import batched, weighted
from softfix.errors import SoftfixError

THEORY = {
    "small": "PBE/PBE+U, MPtrj",
    "medium": "PBE/PBE+U, MPtrj",
    "large": "PBE/PBE+U, MPtrj",
    "medium-mpa-0": "PBE/PBE+U, MPtrj and sAlex",
}
FOUNDATION_ELEMENTS = frozenset(range(1, 90))  # of MACE-MP-0 and MACE-MPA-0


class MACEBase:
    """A MACE potential, e.g. `mace:medium` (downloaded by mace-torch), `mace:path/to/file.model` or its folder."""

    def __init__(self, name: str):
        """Find the model file; an alias is looked up in mace-torch's cache and downloaded by it where absent."""
        package_version = required_version("mace-torch", "mace")
        name = name or "medium"
        self.path, alias = _find(name)
        weights = sha256_of([self.path])
        self.elements = FOUNDATION_ELEMENTS if alias else _elements(self.path, weights)
        self.identity = Identity(
            spec=f"mace:{name}",
            family="mace",
            version=name if alias else self.path.stem,
            package="mace-torch",
            package_version=package_version,
            weights_sha256=weights,
            level_of_theory=THEORY.get(name) if alias else None,
        )

    def model(self):
        """MACE itself, float64, on a GPU where torch has one."""
        from softfix.bases.undisturbed import undisturbed

        with undisturbed():
            import torch

            device = "cuda" if torch.cuda.is_available() else "cpu"
            return torch.load(self.path, map_location=device, weights_only=False).double()

    def calculator(self):
        """mace-torch's own ASE calculator in softfix's dialect."""
        from softfix.bases.dialect import Normalised
        from softfix.bases.undisturbed import undisturbed

        with undisturbed():
            from mace.calculators import MACECalculator

            model = self.model()
            device = next(model.parameters()).device.type
            return Normalised(MACECalculator(models=[model], device=device, default_dtype="float64"))

    has_sites = True

    def sites(self, calculator, atoms, weights):
        """Site energies without those of free atoms: the scaled and shifted sum of the readouts."""
        return weighted(calculator, _readouts(calculator.inner.models[0]), 1.0, atoms, weights)

    def batch(self, calculator, structures):
        """Site energies, forces and stresses of several structures by one pass of the network."""
        from mace.data import AtomicData, config_from_atoms
        from mace.tools.torch_geometric import Batch
        from mace.tools.torch_tools import default_dtype

        inner = calculator.inner
        model = inner.models[0]

        def graph(atoms):
            configuration = config_from_atoms(atoms, head_name=inner.head)
            return AtomicData.from_config(
                configuration, z_table=inner.z_table, cutoff=inner.r_max, heads=inner.available_heads
            )

        def evaluate():
            with default_dtype(inner.default_dtype):
                batch = Batch.from_data_list(list(map(graph, structures))).to(inner.device)
            found = model(batch.to_dict(), compute_stress=True)
            return [found[name].detach().cpu().numpy() for name in ("energy", "forces", "stress")]

        return batched(_readouts(model), 1.0, structures, evaluate)


def _readouts(model) -> list:
    """Modules whose outputs sum to the site energies."""
    return [model.scale_shift] if hasattr(model, "scale_shift") else list(model.readouts)


def _find(name: str) -> tuple[Path, bool]:
    """Path of the model file, and whether the name is an alias of a foundation model."""
    path = Path(name).expanduser()
    if path.is_file():
        return path, False
    if models := sorted(path.glob("*.model")):
        if len(models) > 1:
            raise SoftfixError(f"{path} holds {len(models)} MACE models (*.model): name one.")
        return models[0], False
    from softfix.bases.undisturbed import undisturbed

    with undisturbed():
        from mace.calculators.foundations_models import download_mace_mp_checkpoint, mace_mp_urls
    if name not in mace_mp_urls:
        raise SoftfixError(
            f"'{name}' is neither a MACE model file, nor its folder, nor one of {', '.join(mace_mp_urls)}."
        )
    try:
        with undisturbed():
            return Path(download_mace_mp_checkpoint(name)), True
    except Exception as error:  # whatever the download raises, the user needs one sentence
        raise SoftfixError(
            f"The weights of MACE '{name}' are not in mace-torch's cache and could not be downloaded "
            f"({type(error).__name__}: {error}): give a model file, mace:path/to/file.model."
        ) from error


def _elements(path: Path, weights_sha256: str) -> frozenset[int]:
    """Elements of a model file: read once with torch, then kept in softfix's cache."""
    from softfix.files import atomic_path, cache_folder

    kept = cache_folder() / "mace-elements" / f"{weights_sha256}.json"
    if not kept.is_file():
        from softfix.bases.undisturbed import undisturbed

        with undisturbed():
            import torch

            try:
                model = torch.load(path, map_location="cpu", weights_only=False)
                numbers = [int(z) for z in model.atomic_numbers]
            except Exception as error:  # a foreign file can make the unpickler raise anything
                raise SoftfixError(f"{path} is not a MACE model ({type(error).__name__}: {error}).") from error
        with atomic_path(kept) as temporary:
            temporary.write_text(json.dumps(numbers))
    return frozenset(json.loads(kept.read_text()))
