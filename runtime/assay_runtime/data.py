"""The snapshot's splits: ids, labels, and the rows of the data file that belong to each."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from .exits import Rejected
from .tables import read_rows


class Data:
    """Splits are read when first asked for, and only their own rows of the data file."""

    def __init__(self, spec: dict):
        self.dir = Path(spec["dir"])
        self.label: str = spec["label"]
        self.id: str | None = spec["id"]
        self.unit: str | None = spec.get("unit")
        self.classes: list[str] = spec["classes"]
        self._files = {name: Path(path) for name, path in spec["splits"].items()}

    @cached_property
    def train(self) -> "Split":
        return self._read("train")

    @cached_property
    def validation(self) -> "Split":
        return self._read("validation")

    @cached_property
    def test(self) -> "Split":
        return self._read("test")

    @cached_property
    def file(self) -> Path:
        """The one data file of a table."""
        files = sorted(path for path in self.dir.rglob("*") if path.is_file())
        if len(files) != 1:
            raise Rejected(f"{self.dir} holds {len(files)} files; a table is one file")
        return files[0]

    def _read(self, name: str) -> "Split":
        path = self._files[name]
        index = {label: position for position, label in enumerate(self.classes)}
        ids, labels, places = [], [], []
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise Rejected(f"cannot read the {name} split {path}: {error}") from error
        for number, line in enumerate(lines, 1):
            try:
                example = json.loads(line)
                ids.append(example["id"])
                label, place = example["label"], example["path"] if "path" in example else example["row"]
            except (ValueError, KeyError, TypeError) as error:
                raise Rejected(f"{path}, line {number}: expected {{id, label, row}} or {{id, label, path}}, got {line[:80]!r}") from error
            if str(label) not in index:
                raise Rejected(f"{path}, line {number}: label {label!r} is not one of the classes {', '.join(self.classes)}")
            labels.append(index[str(label)])
            places.append(place)
        return Split(self, name, id_array(ids), np.array(labels, dtype=np.int64), places)


@dataclass
class Split:
    """`ids`: int64 or text. `y`: index into `data.classes`. `places`: row numbers of a table, or paths inside a folder."""

    data: Data
    name: str
    ids: np.ndarray
    y: np.ndarray
    places: list

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def x(self) -> np.ndarray:
        """Tables: float64 features, every column but id, label and unit in the file's order. Folders: the files' absolute paths."""
        if not self.places:
            raise Rejected(f"the {self.name} split is empty")
        if isinstance(self.places[0], str):
            return np.array([str(self.data.dir / place) for place in self.places])
        columns, x, ids = read_rows(self.data.file, self.places, self.data.id, self.data.label, self.data.unit)
        if not columns:
            raise Rejected(f"{self.data.file.name} has no column beside id and label")
        if ids is not None:
            for row, expected, found in zip(self.places, self.ids.tolist(), ids):
                if not _same(expected, found):
                    raise Rejected(f"{self.data.file.name}, row {row}: {self.data.id} is {found!r}, the split says {expected!r}")
        return x


def _same(expected, found) -> bool:
    if str(expected) == str(found):
        return True
    try:
        # A reader of numbers writes 007 and 7.0 as 7.
        return float(expected) == float(found)
    except (TypeError, ValueError):
        return False


def id_array(ids: list) -> np.ndarray:
    """int64 where every id is a whole number, else fixed-width text."""
    if all(isinstance(value, int) and not isinstance(value, bool) for value in ids):
        return np.array(ids, dtype=np.int64)
    return np.array([str(value) for value in ids])
