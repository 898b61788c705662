"""The contract trainer with a latency mode, in which the device gets hot during one block of the variant that has the parameter `heat`."""

import json
import os
import runpy
import shutil
import sys
import time

with open(os.environ["ASSAY_RUN"], encoding="utf-8") as file:
    run = json.load(file)

if run["mode"] != "latency":
    runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "trainer.py"), run_name="__main__")
    sys.exit(0)

heat = run["params"].get("heat")


def hot(seconds):
    """What nvidia-smi shows of a device that is held down, for a while; a sample later than a second would be of no use."""
    shown, cool = os.path.join(heat, "load.csv"), os.path.join(heat, "cool.csv")
    # The block before must not see it: a sample up to a second after a block belongs to it.
    time.sleep(1.3)
    shutil.copyfile(shown, cool)
    shutil.copyfile(os.path.join(heat, "hot.csv"), shown + ".new")
    os.replace(shown + ".new", shown)
    time.sleep(seconds)
    os.replace(cool, shown)
    # The last sample of it may still be on its way.
    time.sleep(0.7)


# Supervision waits until a trainer has worked and rests.
sum(range(2_000_000))
with open(os.path.join(run["out"], "latency.jsonl"), "w", encoding="utf-8") as log:
    for line in sys.stdin:
        block = json.loads(line)["block"]
        if heat and block == 1:
            hot(1.5)
        for step in range(20):
            begin = time.perf_counter()
            sum(range(20_000))
            ms = (time.perf_counter() - begin) * 1000
            log.write(json.dumps({"block": block, "step": step, "batch": 8, "ms": ms, "warmup": False}) + "\n")
        log.flush()
        print(json.dumps({"done": block}), flush=True)
