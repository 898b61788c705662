"""The programs of README.md run as they stand."""

import re

from conftest import RUNTIME


def program(name, folder):
    found = re.search(rf"<!-- test: {name} -->\n```python\n(.*?)```", (RUNTIME / "README.md").read_text(), re.DOTALL)
    path = folder / f"{name}.py"
    path.write_text(found.group(1))
    return path


def test_the_trainer_of_the_readme_has_at_most_40_lines_and_trains_and_serves(launch, tmp_path):
    script = program("trainer", tmp_path)
    assert len([line for line in script.read_text().splitlines() if line.strip()]) <= 40
    trained = launch("trained", script)
    trained.end()
    assert trained.result()["metrics"]["accuracy"] > 0.85
    served = launch("served", script, mode="evaluate", model=str(trained.out / "model"))
    served.end()
    assert served.prediction_bytes() == trained.prediction_bytes()


def test_the_program_without_the_package_leaves_the_same_files(launch, tmp_path):
    run = launch("run", program("bare", tmp_path))
    run.end()
    assert run.steps() == [1]
    assert run.result()["metrics"]["accuracy"] > 0.85
    found = run.predictions()
    assert found["scores"].shape == (len(found["ids"]), 10) and abs(found["scores"].sum(axis=1) - 1).max() < 1e-9
