"""The launcher by itself: what each rank is given, and how the ends of several processes become one exit code."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment, wait_for

from assay_runtime.launch import verdict

WAIT = "import os, signal\nprint(os.environ['RANK'], os.getpid(), flush=True)\n"


@pytest.fixture
def ranks():
    """Starts the launcher over a program text."""
    started = []

    def start(program, processes=2, **options):
        command = [sys.executable, "-m", "assay_runtime.launch", "--processes", str(processes), "--", "-c", program]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, env=environment(), text=True, **pipes, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def pids(process, count=2):
    """Process ids by rank, once all have begun to wait."""
    return {int(rank): int(pid) for rank, pid in (process.stdout.readline().split() for _ in range(count))}


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_each_rank_is_told_its_place_and_rank_0_alone_reads_standard_input(ranks):
    program = "import json, os, sys; print(json.dumps([os.environ, sys.stdin.read()], default=dict), flush=True)"
    process = ranks(program, processes=3)
    stdout, stderr = process.communicate("turns")
    assert process.returncode == 0, stderr
    found = sorted((json.loads(line) for line in stdout.splitlines()), key=lambda pair: pair[0]["RANK"])
    places = [[env[name] for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")] for env, _ in found]
    assert places == [[str(rank), str(rank), "3", "3"] for rank in range(3)]
    assert [text for _, text in found] == ["turns", "", ""]
    assert len({(env["MASTER_ADDR"], env["MASTER_PORT"], env["ASSAY_RENDEZVOUS"]) for env, _ in found}) == 1


@pytest.mark.parametrize("code", [78, 86, 3])
def test_a_rank_that_fails_ends_the_others_and_its_code_comes_through(ranks, code):
    process = ranks(f"import os, sys\nif os.environ['RANK'] == '1': sys.exit({code})\n{WAIT}signal.pause()")
    waiting = pids(process, 1)[0]
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == code
    assert f"rank 1 ended with exit code {code}" in stderr.splitlines()[-1]
    assert gone(waiting)


def test_a_killed_rank_ends_the_others_with_1_and_a_sentence(ranks):
    process = ranks(WAIT + "signal.pause()")
    found = pids(process)
    os.kill(found[1], signal.SIGKILL)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 1
    assert stderr.splitlines()[-1] == "rank 1 was killed by SIGKILL; the other ranks were ended"
    assert gone(found[0])


def test_a_stop_reaches_every_rank_and_75_comes_through(ranks):
    process = ranks("import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(75))\n" + WAIT + "signal.pause()")
    pids(process)
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 75


def test_ranks_die_with_a_launcher_that_is_killed(ranks):
    process = ranks(WAIT + "signal.pause()")
    found = pids(process)
    process.kill()
    process.wait()
    wait_for(lambda: all(gone(pid) for pid in found.values()), seconds=20)


@pytest.mark.parametrize("arguments", [[], ["--processes", "2"], ["--processes", "0", "--", "x.py"], ["--processes", "two", "--", "x.py"]])
def test_a_wrong_call_says_how_it_is_called(arguments):
    ended = subprocess.run([sys.executable, "-m", "assay_runtime.launch", *arguments], env=environment(), capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stderr.startswith("usage: python -m assay_runtime.launch --processes N -- ")


@pytest.mark.parametrize(
    "codes, stopped, expected",
    [
        ({0: 0, 1: 0}, False, 0),
        ({1: 0, 0: 75}, True, 75),
        ({0: 75, 1: 75}, True, 75),
        ({0: 1, 1: 86}, False, 86),
        ({0: 86, 1: 78}, False, 78),
        ({1: 1, 0: -9}, False, 1),
        ({0: 5, 1: 1}, False, 5),
        ({1: -11}, False, 1),
        ({0: 75, 1: -9}, True, 1),
        ({0: -15, 1: -15}, True, 143),
        ({0: -15, 1: -15}, False, 1),
    ],
)
def test_the_exit_code_of_all_ranks_is_that_of_the_contract_where_one_has_it(codes, stopped, expected):
    assert verdict(codes, stopped) == expected
