"""M3GNet and the other potentials of matgl, from a folder or by a name of its model zoo."""

from __future__ import annotations

import json
import types
from pathlib import Path

from softfix.bases.package import required_version, sha256_of
from softfix.bases.protocol import Identity
from softfix.bases.sites import batched, weighted
from softfix.errors import SoftfixError

FILES = ("model.json", "model.pt", "state.pt")
MARK = "softfix"  # what fine-tuning notes in the metadata of model.json
THEORY = {"MP-2021.2.8": "PBE/PBE+U, Materials Project 2021.2.8, uncorrected energies"}
SUMS_OF_ATOMS = ("M3GNet", "SO3Net", "TensorNet", "QET")  # their final_layer gives one number per atom
PROBES = (
    ("NaCl", 5.69),
    ("MgO", 4.25),
)  # rocksalt, PBE lattice constants in Å (Materials Project mp-22862, mp-1265)
PROBE_LIMIT = 10.0  # GPa; a sound potential gives some 1, a wrong message convention 14 and 111


class MatglBase:
    """A matgl potential, e.g. `matgl:path/to/folder` or `matgl:M3GNet-MP-2021.2.8-PES`."""

    def __init__(self, name: str):
        """Find the three files of the model; a name of the zoo is downloaded by matgl itself."""
        package_version = required_version("matgl", "matgl")
        if not name:
            raise SoftfixError("Say which matgl potential: matgl:<folder or name>, e.g. matgl:M3GNet-MP-2021.2.8-PES.")
        self.files = _find(name)
        saved = json.loads(self.files["model.json"].read_text())
        self.architecture = saved["kwargs"]["model"]["@class"]
        note = (saved.get("metadata") or {}).get(MARK)
        self.fine_tuned = note is not None
        # matgl 3 and later save calc_charge, also of older weights, so that fine-tuning has to note their age
        self.before_matgl_3 = note["before_matgl_3"] if note else "calc_charge" not in saved["kwargs"]
        symbols = saved["kwargs"]["model"]["init_args"]["element_types"]
        self.elements = _numbers(symbols)
        self.identity = Identity(
            spec=f"matgl:{name}",
            family="matgl",
            version=Path(name).name,
            package="matgl",
            package_version=package_version,
            weights_sha256=sha256_of(self.files[file] for file in FILES),
            level_of_theory=next((level for mark, level in THEORY.items() if mark in name), None),
        )

    def model(self):
        """The matgl Potential on the CPU, with the message convention of the weights."""
        from softfix.bases.undisturbed import undisturbed

        with undisturbed():
            import matgl

            model = matgl.load_model(self.files["model.json"].parent).cpu()  # some weights bring tensors of a GPU
        if self.before_matgl_3 and self.architecture == "M3GNet":
            _send_to_destination(model)
        if not model.calc_magmom:
            model.model.register_forward_hook(_forget_features)
        return model

    def calculator(self):
        """matgl's own ASE calculator in softfix's dialect.

        Raises:
            SoftfixError: if the potential fails the physical probe, whose failure marks a wrong convention. What was
                fine-tuned is not probed: its convention is noted, and it may well have forgotten other crystals.
        """
        from softfix.bases.dialect import Normalised
        from softfix.bases.undisturbed import undisturbed

        with undisturbed():
            from matgl.ext.ase import PESCalculator

            calculator = Normalised(PESCalculator(self.model(), stress_unit="eV/A3"))
            if not self.fine_tuned:
                self._probe(calculator)
        return calculator

    @property
    def has_sites(self) -> bool:
        """Whether the architecture sums one number per atom."""
        return self.architecture in SUMS_OF_ATOMS

    def sites(self, calculator, atoms, weights):
        """Site energies without the element references: the last layer's, in its unit."""
        potential = calculator.inner.potential
        return weighted(calculator, [potential.model.final_layer], float(potential.data_std), atoms, weights)

    def batch(self, calculator, structures):
        """Site energies, forces and stresses of several structures by one pass, collated as matgl does in training."""
        import torch
        from matgl.ext.ase import Atoms2Graph
        from torch_geometric.data import Batch

        potential, inner = calculator.inner.potential, calculator.inner
        converter = Atoms2Graph(inner.element_types, inner.cutoff)

        def evaluate():
            graphs, lattices, states = zip(*map(converter.get_graph, structures), strict=True)
            charge = {"total_charge": torch.zeros(len(graphs))} if potential.calc_charge else {}
            found = potential(
                Batch.from_data_list(list(graphs)), torch.stack([lattice.reshape(3, 3) for lattice in lattices]),
                torch.stack([torch.as_tensor(state) for state in states]), **charge,
            )  # fmt: skip
            energies, forces, stresses = (each.detach().cpu().numpy() for each in found[:3])
            return energies, forces, stresses * inner.conversion_factor

        return batched([potential.model.final_layer], float(potential.data_std), structures, evaluate)

    def _probe(self, calculator) -> None:
        """Refuse weights that put ionic crystals at their own lattice constants under absurd pressure."""
        from ase import units
        from ase.build import bulk

        for formula, a in PROBES:
            atoms = bulk(formula, "rocksalt", a=a)
            if not set(atoms.numbers.tolist()) <= self.elements:
                continue
            atoms.calc = calculator
            pressure = -atoms.get_stress()[:3].mean() / units.GPa
            if abs(pressure) > PROBE_LIMIT:
                age = "before matgl 3" if self.before_matgl_3 else "by matgl 3 or later"
                raise SoftfixError(
                    f"{self.identity.spec} (a {self.architecture} saved {age}) puts {formula} at a = {a} Å under "
                    f"{pressure:.0f} GPa: matgl {self.identity.package_version} evaluates it with another "
                    "convention than it was trained with; use weights saved for this matgl."
                )


def _find(name: str) -> dict[str, Path]:
    folder = Path(name).expanduser()
    if folder.is_dir():
        files = {file: folder / file for file in FILES}
        if missing := [file for file, path in files.items() if not path.is_file()]:
            raise SoftfixError(f"{folder} is not a matgl potential: it lacks {', '.join(missing)}.")
        return files
    if name.startswith((".", "/", "~")):
        raise SoftfixError(f"'{name}' is neither a folder with {', '.join(FILES)} nor a name of matgl's model zoo.")
    try:
        from softfix.bases.undisturbed import undisturbed

        with undisturbed():
            from matgl.utils.io import _get_file_paths

            return {file: Path(path) for file, path in _get_file_paths(Path(name)).items()}
    except Exception as error:  # whatever the download raises, the user needs one sentence
        raise SoftfixError(
            f"'{name}' is neither a folder with {', '.join(FILES)} nor a matgl model that can be downloaded here "
            f"({type(error).__name__}): give the folder of the weights."
        ) from error


def _numbers(symbols: list[str]) -> frozenset[int]:
    from ase.data import atomic_numbers

    return frozenset(atomic_numbers[symbol] for symbol in symbols)


def _forget_features(model, inputs, output) -> None:
    """Drop the features that a model keeps of its last structure: with them it can be neither copied nor pickled."""
    model.feature_dict = None


def _send_to_destination(model) -> None:
    """Scatter M3GNet's node messages to the destination of each bond, as they were when the weights were trained.

    matgl 3 changed the aggregation to the source node. The convolutions of this model alone are changed.
    """
    from matgl.layers._graph_convolution import M3GNetGraphConv

    for module in model.modules():
        if isinstance(module, M3GNetGraphConv):
            module.node_update_ = types.MethodType(_node_update_to_destination, module)  # type: ignore[method-assign]


def _node_update_to_destination(self, edge_index, edge_feat, node_feat, rbf, u_per_edge, num_nodes):
    """Node update (Eq. 5 of Chen and Ong, doi:10.1038/s43588-022-00349-3), summed at the destination nodes."""
    import torch

    source, destination = edge_index[0], edge_index[1]
    parts = [node_feat[source], node_feat[destination], edge_feat] + ([u_per_edge] if self.include_state else [])
    message = self.node_update_func(torch.hstack(parts)) * self.node_weight_func(rbf)
    return message.new_zeros((num_nodes, message.shape[1])).index_add(0, destination, message)
