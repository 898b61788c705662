"""The contract trainer, which begins when the file that the parameter `after` names is there."""

import json
import os
import runpy
import time

with open(os.environ["ASSAY_RUN"], encoding="utf-8") as file:
    after = json.load(file)["params"].get("after")
while after and not os.path.exists(after):
    time.sleep(0.05)
runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "trainer.py"), run_name="__main__")
