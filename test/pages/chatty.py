"""The trainer of the end-to-end tests, which writes what a page must show as text, and colours that it must not show."""

import json
import os
import runpy
import threading
import time

with open(os.environ["ASSAY_RUN"], encoding="utf-8") as file:
    gate = json.load(file)["params"]["gate"]
sleep = time.sleep
# Slow enough to be looked at, until the test has seen enough.
time.sleep = lambda seconds: None if os.path.exists(gate) else sleep(seconds)


def say():
    for number in range(100_000):
        print(f"\x1b[32mline {number}\x1b[0m <img src=x onerror=\"document.title='broken'\"> & </pre>", flush=True)
        sleep(0.25)


threading.Thread(target=say, daemon=True).start()
runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "trainer.py"), run_name="__main__")
