"""Knowledge points one way, and starting is instant."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

import softfix

PACKAGE = Path(__file__).parents[1] / "softfix"
FOREIGN_TO_CORE = {"ase", "torch", "phonopy", "pathlib", "os", "rich", "typer", "safetensors", "json"}


def imports(path: Path) -> set[str]:
    """Names of all modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").glob("*.py")), ids=lambda path: path.stem)
def test_core_knows_arrays_alone(path):
    names = imports(path)
    assert not {name.split(".")[0] for name in names} & FOREIGN_TO_CORE
    assert all(name.startswith("softfix.core") for name in names if name.startswith("softfix"))


@pytest.mark.parametrize("path", sorted((PACKAGE / "bases").glob("*.py")), ids=lambda path: path.stem)
def test_bases_know_no_jax(path):
    assert not {name.split(".")[0] for name in imports(path)} & {"jax", "flax", "optax"}


@pytest.mark.parametrize("path", sorted((PACKAGE / "finetune").glob("*.py")), ids=lambda path: path.stem)
def test_fine_tuning_knows_no_jax(path):
    assert not {name.split(".")[0] for name in imports(path)} & {"jax", "flax", "optax"}


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_only_bases_know_torch(path):
    assert "torch" not in {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("code", ["import softfix", "import softfix.cli"])
def test_starting_imports_neither_torch_nor_jax(code):
    check = f"import sys; {code}; assert not {{'torch', 'jax', 'ase', 'phonopy'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_help_is_instant():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "softfix", "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5


def test_no_public_name_is_a_modules_too():
    """Importing `softfix.NAME` anywhere would put the module in the place of the name."""
    modules = {path.stem for path in PACKAGE.iterdir()}
    assert not modules & set(softfix.__all__)
