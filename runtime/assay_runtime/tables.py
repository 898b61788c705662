"""Chosen rows of a table file. Rows are numbered from 0, the header not counted."""

import csv
import json
from pathlib import Path

import numpy as np

from .exits import Rejected


def read_rows(path: Path, rows: list[int], id_column: str | None, label: str, unit: str | None = None):
    """(feature columns, float64 matrix in the order of `rows`, ids as the file has them or None)."""
    readers = {".csv": _csv, ".jsonl": _jsonl, ".npz": _npz, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise Rejected(f"{path.name}: cannot read {path.suffix or 'a file without suffix'}; expected {', '.join(readers)}")
    try:
        return reader(path, rows, {id_column, label, unit}, id_column)
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(f"cannot read {path}: {error}") from error


def _csv(path: Path, rows: list[int], skip: set, id_column: str | None):
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file)
        header = [name.strip() for name in next(lines, [])]
        columns = [name for name in header if name not in skip]
        places = [index for index, name in enumerate(header) if name not in skip]
        id_place = header.index(id_column) if id_column in header else None
        wanted, last = set(rows), max(rows)
        found = {}
        for number, cells in enumerate(cells for cells in lines if cells):
            if number in wanted:
                if len(cells) != len(header):
                    raise Rejected(f"{path.name}, row {number}: {len(cells)} cells, the header has {len(header)}")
                found[number] = cells
            if number >= last:
                break
    records = _pick(path, found, rows)
    x = np.empty((len(rows), len(columns)))
    for index, (number, cells) in enumerate(zip(rows, records)):
        try:
            x[index] = [cells[place] for place in places]
        except ValueError:
            x[index] = [_number(path, number, header[place], cells[place]) for place in places]
    return columns, x, None if id_place is None else [cells[id_place] for cells in records]


def _jsonl(path: Path, rows: list[int], skip: set, id_column: str | None):
    wanted, found = set(rows), {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(line for line in file if line.strip()):
            if number in wanted:
                found[number] = json.loads(line)
    records = _pick(path, found, rows)
    columns = [name for name in records[0] if name not in skip]
    x = np.array([[_number(path, number, name, record.get(name)) for name in columns] for number, record in zip(rows, records)])
    return columns, x, None if id_column is None else [record.get(id_column) for record in records]


def _npz(path: Path, rows: list[int], skip: set, id_column: str | None):
    with np.load(path, allow_pickle=False) as arrays:
        columns, blocks = [], []
        for name in arrays.files:
            if name in skip:
                continue
            block = arrays[name][rows].reshape(len(rows), -1).astype(np.float64)
            columns += [name] if block.shape[1] == 1 else [f"{name}{index}" for index in range(block.shape[1])]
            blocks.append(block)
        ids = arrays[id_column][rows].tolist() if id_column in arrays.files else None
    return columns, np.hstack(blocks) if blocks else np.empty((len(rows), 0)), ids


def _parquet(path: Path, rows: list[int], skip: set, id_column: str | None):
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise Rejected(f"{path.name}: reading Parquet needs pyarrow in the trainer's environment") from error
    table = pyarrow.parquet.read_table(path).take(rows)
    columns = [name for name in table.column_names if name not in skip]
    x = np.column_stack([np.asarray(table[name].to_numpy(), dtype=np.float64) for name in columns])
    return columns, x, table[id_column].to_pylist() if id_column in table.column_names else None


def _pick(path: Path, found: dict, rows: list[int]) -> list:
    missing = [number for number in rows if number not in found]
    if missing:
        raise Rejected(f"{path.name} has no row {missing[0]}; {len(missing)} rows of the split are missing")
    return [found[number] for number in rows]


def _number(path: Path, row: int, column: str, value) -> float:
    if value is None or value == "":
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise Rejected(f"{path.name}, row {row}, column {column}: {value!r} is not a number") from error
