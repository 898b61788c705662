"""The check before a run, on each real device."""

import json
import os
import subprocess
import sys
import unittest

from gpu import PASSED, GpuCase, environment, smi


class Health(GpuCase):
    def test_every_device_computes_the_product_of_known_result(self):
        given = {name: value for name, value in os.environ.items() if name in PASSED - {"CUDA_VISIBLE_DEVICES"}}
        for uuid, name in smi("--query-gpu=uuid,name"):
            command = [sys.executable, "-m", "assay_runtime.device_check", "--device", "cuda", "--uuid", uuid]
            ended = subprocess.run(command, env=environment(**given), capture_output=True, text=True, timeout=120)
            self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
            found = json.loads(ended.stdout.splitlines()[-1])
            print(f"{name}: {found['ms']:.3f} ms, {found['free'] / 2**30:.1f} GiB free")
            self.assertIs(found["ok"], True)
            self.assertEqual(found["uuid"].lower(), uuid.lower())
            self.assertGreater(found["ms"], 0)
            self.assertGreater(found["free"], 0)


if __name__ == "__main__":
    unittest.main()
