"""Imports point one way: experiments.x -> models -> geometry, experiments.x -> harness."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Commands over all experiments, which import them by their nature.
OVER_ALL = {"experiments.show", "experiments.compare", "experiments.__main__"}
OVER_ALL |= {"experiments.validate", "experiments.suite", "experiments.reference"}
OVER_ALL |= {"experiments.suite_promises"}
# Commands of their own without an EXPERIMENT.
COMMANDS = OVER_ALL | {"experiments.verify", "experiments.scorecard"}
# What every experiment's command goes through, and the command that it then runs.
ENTRY = {"experiments.command": "experiments.scorecard"}


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module, module: str, *, package: bool) -> set[str]:
    """Every module that the source may import, also inside functions and for typing."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                up = len(parents) - node.level + (1 if package else 0)
                base = ".".join([*parents[:up], *([base] if base else [])])
            # `from a import b` may mean the module a.b.
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def defines_experiment(tree: ast.Module) -> bool:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == "EXPERIMENT" for target in targets):
            return True
    return False


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def forbidden(module: str, name: str, experiments: set[str]) -> bool:
    if within(module, "geometry"):
        packages = ("experiments", "plotly", "flax", "tyro", "rich")
        return any(within(name, package) for package in packages)
    if within(module, "experiments.harness"):
        outside = within(name, "experiments") and not within(name, "experiments.harness")
        return within(name, "geometry") or (outside and name != "experiments")
    if within(module, "experiments.models"):
        outside = within(name, "experiments") and not within(name, "experiments.models")
        return outside and name != "experiments"
    if module in OVER_ALL:
        return False
    own = {module, ENTRY.get(module)}
    return any(within(name, other) for other in experiments if other not in own)


def violations(root: Path) -> list[str]:
    trees = {}
    for package in ("geometry", "experiments"):
        for path in sorted((root / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            trees[module_name(path, root)] = (tree, path.name == "__init__.py")
    experiments = COMMANDS | {name for name, (tree, _) in trees.items() if defines_experiment(tree)}
    return [
        f"{module} imports {name}"
        for module, (tree, package) in trees.items()
        for name in sorted(imports(tree, module, package=package))
        if forbidden(module, name, experiments)
    ]


def test_imports_point_one_way() -> None:
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("geometry/a.py", "import plotly.graph_objects", "geometry.a imports plotly.graph_objects"),
        (
            "geometry/a.py",
            "def f():\n    from rich import box",
            "geometry.a imports rich, geometry.a imports rich.box",
        ),
        ("geometry/a.py", "from experiments import b", "geometry.a imports experiments"),
        ("geometry/bounds/a.py", "from .. import flax", ""),
        (
            "experiments/harness/a.py",
            "import geometry.sphere",
            "experiments.harness.a imports geometry.sphere",
        ),
        (
            "experiments/harness/a.py",
            "from experiments import packing",
            "experiments.harness.a imports experiments.packing",
        ),
        (
            "experiments/harness/a.py",
            "from .. import packing",
            "experiments.harness.a imports experiments.packing",
        ),
        ("experiments/harness/a.py", "from . import cli", ""),
        (
            "experiments/models/a.py",
            "from experiments.harness import cli",
            "experiments.models.a imports experiments.harness",
        ),
        ("experiments/models/a.py", "from geometry import sphere", ""),
        ("experiments/a.py", "from experiments import b", "experiments.a imports experiments.b"),
        ("experiments/a.py", "from . import b", "experiments.a imports experiments.b"),
        (
            "experiments/a.py",
            "import experiments.verify",
            "experiments.a imports experiments.verify",
        ),
        (
            "experiments/a.py",
            "from experiments import scorecard",
            "experiments.a imports experiments.scorecard",
        ),
        ("experiments/command.py", "from experiments import scorecard", ""),
        (
            "experiments/command.py",
            "from experiments import b",
            "experiments.command imports experiments.b",
        ),
        ("experiments/show.py", "from experiments import b", ""),
        ("experiments/a.py", "from experiments import claims\nimport geometry", ""),
    ],
)
def test_the_rules_see_each_violation(
    tmp_path: Path, path: str, source: str, expected: str
) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "b.py").write_text("EXPERIMENT: int = 1\n", encoding="utf-8")
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
    found = ", ".join(violations(tmp_path))
    assert found.startswith(expected) if expected else found == ""
