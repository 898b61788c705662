"""A trainer that keeps the run contract by hand, and breaks it where the parameter `fault` says so."""

import json
import os
import signal
import sys
import time

import numpy as np

with open(os.environ["ASSAY_RUN"], encoding="utf-8") as file:
    run = json.load(file)
fault = run["params"].get("fault", "none")
out, classes = run["out"], run["data"]["classes"]

if fault == "rejected":
    print("params.rate: expected a number above 0, got -1", file=sys.stderr)
    sys.exit(78)


if fault == "segfault":
    os.kill(os.getpid(), signal.SIGSEGV)
if fault == "network":
    import socket

    socket.create_connection(("192.0.2.1", 80), timeout=5)
if fault == "host-files":
    print(sorted(os.listdir("/home")), os.path.exists("/var/run/docker.sock"), file=sys.stderr)
    open("/etc/hosts", "a", encoding="utf-8").write("192.0.2.1 somewhere")
if fault == "snapshot":
    place = os.path.join(run["data"]["dir"], os.listdir(run["data"]["dir"])[0])
    open(place, "a", encoding="utf-8").write("one more row")
if fault == "device-memory" and run["microBatchSize"] > run["params"]["fits"]:
    print(f"out of memory with a micro-batch of {run['microBatchSize']}", file=sys.stderr)
    sys.exit(86)
if fault == "memory":
    # Touched page by page, so that the limit is met.
    held = bytearray(run["microBatchSize"] * run["params"]["per_example"])
    for place in range(0, len(held), 4096):
        held[place] = 1


def rows(split):
    with open(run["data"]["splits"][split], encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def table():
    (name,) = os.listdir(run["data"]["dir"])
    with open(os.path.join(run["data"]["dir"], name), encoding="utf-8") as lines:
        next(lines)
        return np.array([[float(cell) for cell in line.split(",")[2:]] for line in lines])


events = open(os.path.join(out, "events.jsonl"), "a", encoding="utf-8")
x, train, test = table(), rows("train"), rows("test")
generator = np.random.default_rng(run["seed"])
noise = float(run["params"].get("noise", 0.3))
weights, start = np.zeros((x.shape[1], len(classes))), 0
if run["resume"]:
    with np.load(os.path.join(run["resume"], "state.npz")) as state:
        weights, start = state["weights"], int(state["step"])

asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(True))


def checkpoint(step):
    target = os.path.join(run["checkpoints"], f"step-{step}")
    os.makedirs(target + ".new", exist_ok=True)
    np.savez(os.path.join(target + ".new", "state.npz"), weights=weights, step=step)
    os.replace(target + ".new", target)


def scores(places):
    powers = np.exp(x[places] @ weights)
    return powers / powers.sum(axis=1, keepdims=True)


places = np.array([row["row"] for row in train])
wanted = np.eye(len(classes))[[classes.index(row["label"]) for row in train]]
steps = run["budget"]["steps"] or 20
for step in range(start + 1, steps + 1):
    batch = np.random.default_rng([run["seed"], step]).integers(len(places), size=run["batchSize"])
    found = scores(places[batch])
    weights -= 0.1 * x[places[batch]].T @ (found - wanted[batch]) / len(batch)
    loss = float(-np.log((found * wanted[batch]).sum(axis=1)).mean())
    events.write(json.dumps({"type": "step", "step": step, "loss": loss}) + "\n")
    events.flush()
    time.sleep(float(run["params"].get("pause", 0)))
    if step % 20 == 0:
        checkpoint(step)
    if fault == "crash" or (fault == "crash-once" and run["epoch"] == 1 and step == 45):
        raise RuntimeError("the trainer lost its mind")
    if asked:
        checkpoint(step)
        sys.exit(75)

predicted = scores([row["row"] for row in test])
predicted = predicted + noise * generator.random(predicted.shape)
predicted /= predicted.sum(axis=1, keepdims=True)
ids = np.array([row["id"] for row in test])
labels = np.array([classes.index(row["label"]) for row in test], dtype=np.int32)
if fault == "nan":
    predicted[3] = np.nan
if fault == "missing":
    ids, labels, predicted = ids[:-2], labels[:-2], predicted[:-2]
if fault == "classes":
    predicted = np.hstack([predicted / 2, predicted / 2])
os.makedirs(os.path.join(out, "predictions"))
np.save(os.path.join(out, "predictions", "ids.npy"), ids)
np.save(os.path.join(out, "predictions", "labels.npy"), labels)
np.save(os.path.join(out, "predictions", "scores.npy"), predicted)
if fault != "no-result":
    result = {"metrics": {}, "steps": steps, "samples": steps * run["batchSize"], "environment": {"numpy": np.__version__}}
    with open(os.path.join(out, "result.json.new"), "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.replace(os.path.join(out, "result.json.new"), os.path.join(out, "result.json"))
