"""Writes drifting/*.csv: real data whose change is known, for test/checks/driftReal.test.ts.

approval.csv  river.datasets.TrumpApproval: five polls a day, 2017 to 2019 (FiveThirtyEight)
flow.csv      river.datasets.WaterFlow: water used an hour, March to May 2022
tumours.csv   sklearn.datasets.load_breast_cancer: ten means of cells, malignant or benign
wine.csv      sklearn.datasets.load_wine: thirteen measurements of three cultivars

Run with a Python that has river and scikit-learn:  python test/reference/drifting.py
"""
import csv
import datetime
import pathlib

from river import datasets
from sklearn.datasets import load_breast_cancer, load_wine

folder = pathlib.Path(__file__).parent / "drifting"
folder.mkdir(exist_ok=True)


def write(name, header, rows):
    with open(folder / name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


polls = list(datasets.TrumpApproval())
names = [name for name in polls[0][0] if name != "ordinal_date"]
write(
    "approval.csv",
    ["date", *names, "approval"],
    [[datetime.date.fromordinal(x["ordinal_date"]).isoformat(), *(round(x[name], 4) for name in names), round(y, 4)] for x, y in polls],
)
write("flow.csv", ["time", "flow"], [[x["Time"].isoformat(), y] for x, y in datasets.WaterFlow()])
cells = load_breast_cancer()
write(
    "tumours.csv",
    ["diagnosis", *(str(name).replace(" ", "_") for name in cells.feature_names[:10])],
    [[cells.target_names[label], *(f"{value:.6g}" for value in row[:10])] for row, label in zip(cells.data, cells.target)],
)
wine = load_wine()
write(
    "wine.csv",
    ["cultivar", *wine.feature_names],
    [[f"cultivar {label}", *(f"{value:.6g}" for value in row)] for row, label in zip(wine.data, wine.target)],
)
