"""The parts by themselves."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import EXAMPLES, environment, run_file

from assay_runtime import Data, Rejected, Run
from assay_runtime.events import Events
from assay_runtime.exits import exits
from assay_runtime.order import Order
from assay_runtime.outputs import write_predictions
from assay_runtime.tables import read_rows


def test_the_builtin_digits_are_the_same_bytes_each_time(digits_csv, tmp_path):
    subprocess.run([sys.executable, "-m", "assay_runtime.builtin", "digits", tmp_path / "again.csv"], check=True, env=environment())
    content = (tmp_path / "again.csv").read_bytes()
    assert content == digits_csv.read_bytes()
    lines = content.decode().splitlines()
    assert lines[0] == "id,label," + ",".join(f"p{index}" for index in range(64))
    assert len(lines) == 1798 and lines[1].startswith("d0000,0,0,0,5,13,") and lines[-1].startswith("d1796,8,")


def test_an_unknown_builtin_is_a_usage_error():
    ended = subprocess.run([sys.executable, "-m", "assay_runtime.builtin", "letters", "x.csv"], env=environment(), capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stderr.startswith("usage: ")


def test_the_committed_models_are_what_their_script_makes(tmp_path):
    made = subprocess.run([sys.executable, EXAMPLES / "pretrained" / "make_models.py", tmp_path], env=environment(), capture_output=True)
    assert made.returncode == 0, made.stderr
    for name in ("linear", "network"):
        with np.load(tmp_path / f"{name}.npz") as fresh, np.load(EXAMPLES / "pretrained" / "models" / f"{name}.npz") as committed:
            assert fresh.files == committed.files
            for part in fresh.files:
                np.testing.assert_allclose(fresh[part], committed[part], atol=0.02)


def test_every_epoch_shows_each_row_once_in_its_own_order():
    order = Order(rows=10, batch=4, seed=1)
    assert order.steps_per_epoch == 3
    epochs = [np.concatenate([order.at(3 * epoch + step) for step in range(3)]) for epoch in range(2)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()
    assert Order(10, 4, 1).at(4).tolist() == order.at(4).tolist() != Order(10, 4, 2).at(4).tolist()


def test_events_of_a_resumed_run_drop_what_came_after_the_checkpoint(tmp_path):
    path = tmp_path / "events.jsonl"
    events = Events(path)
    for step in range(1, 6):
        events.step(step, {"loss": 1 / step}, 10, 0.1, 0.0)
    events.close()
    path.write_bytes(path.read_bytes() + b'{"type":"step","st')
    events = Events(path, resumed_from=3)
    events.step(4, {}, 10, 0.1, 0.0)
    events.close()
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 2, 3, 4]


def test_a_step_event_costs_less_than_a_tenth_of_a_millisecond(tmp_path):
    events = Events(tmp_path / "events.jsonl")
    times = []
    for step in range(2000):
        start = time.perf_counter()
        events.step(step, {"loss": 0.123456789, "accuracy": 0.5}, 64, 0.01, 0.001)
        times.append(time.perf_counter() - start)
    events.close()
    assert np.median(times) < 1e-4


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "npz"])
def test_chosen_rows_come_in_the_order_asked_for(tmp_path, suffix):
    path = tmp_path / f"table.{suffix}"
    names, values = ["a", "b", "c"], [[1.5, 2.0], [3.0, 4.0], [5.0, float("nan")]]
    if suffix == "csv":
        path.write_text('\ufeffid,u,label,v\r\na,1.5,"x, ""y""\nz",2\r\n\r\nb,3,q,4\r\nc,5,q,\r\n', encoding="utf-8")
    elif suffix == "jsonl":
        rows = [{"id": name, "u": u, "label": "q", "v": None if v != v else v} for name, (u, v) in zip(names, values)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        np.savez(path, id=np.array(names), label=np.array(["q"] * 3), u=np.array(values)[:, 0], v=np.array(values)[:, 1])
    columns, x, ids = read_rows(path, [2, 0], "id", "label")
    assert columns == ["u", "v"] and ids == ["c", "a"]
    np.testing.assert_array_equal(x, [values[2], values[0]])


def test_a_cell_that_is_not_a_number_is_named(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("id,label,u\na,0,1\nb,0,green\n")
    with pytest.raises(Rejected, match="table.csv, row 1, column u: 'green' is not a number"):
        read_rows(path, [0, 1], "id", "label")


def test_a_table_in_latin_1_is_rejected(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"id,label,caf\xe9\na,0,1\n")
    with pytest.raises(Rejected, match="cannot read .*utf-8"):
        read_rows(path, [0], "id", "label")


def test_a_folder_split_gives_absolute_paths_and_whole_number_ids_stay_numbers(tmp_path):
    split = tmp_path / "test.jsonl"
    split.write_text('{"id": 7, "label": "cat", "path": "cat/7.png"}\n')
    data = Data({"dir": str(tmp_path), "label": "label", "id": None, "classes": ["cat"], "splits": {"test": str(split)}})
    assert data.test.x.tolist() == [str(tmp_path / "cat" / "7.png")]
    assert data.test.ids.dtype == np.int64


def test_predictions_may_come_in_any_order_but_must_be_complete(tmp_path, data):
    test = Data(data).test
    scores, backwards = np.full((len(test), 10), 0.1), test.ids[::-1]
    write_predictions(tmp_path, test, scores, backwards)
    assert np.load(tmp_path / "predictions" / "labels.npy").tolist() == test.y[::-1].tolist()
    with pytest.raises(ValueError, match="1 of .* test ids are missing"):
        write_predictions(tmp_path, test, scores[1:], backwards[1:])
    with pytest.raises(ValueError, match="scores have shape"):
        write_predictions(tmp_path, test, scores[:, 1:])


def test_memory_that_ran_out_on_the_device_or_the_host_ends_with_86():
    import torch

    def absurd():
        torch.empty(2**60, dtype=torch.uint8)

    def failed(error):
        raise error

    causes = [
        lambda: failed(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")),
        lambda: failed(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")),
        lambda: np.empty(2**60, dtype=np.uint8),
        absurd,
    ]
    for cause in causes:
        with pytest.raises(SystemExit) as ended, exits():
            cause()
        assert ended.value.code == 86
    with pytest.raises(RuntimeError, match="the loss ran away"), exits():
        raise RuntimeError("the loss ran away")


def test_a_run_file_that_lacks_a_key_is_rejected_by_name(tmp_path, data):
    incomplete = run_file(tmp_path, data)
    del incomplete["warmupSteps"]
    with pytest.raises(Rejected, match="run.json lacks 'warmupSteps'"):
        Run(incomplete)
