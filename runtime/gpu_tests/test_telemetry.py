"""nvidia-smi as a run is sampled by it: a line a second, in which the trainer is seen while it runs and is gone afterwards."""

import subprocess
import threading
import unittest

from gpu import HUNGRY, GpuCase, smi, steps

FIELDS = "timestamp,uuid,utilization.gpu,memory.used,clocks.current.sm,clocks.max.sm,power.draw,temperature.gpu"


class Telemetry(GpuCase):
    def test_a_run_is_seen_in_the_samples_and_its_memory_comes_back(self):
        before = self._used()
        run = self.launch("run", HUNGRY, batchSize=64, microBatchSize=64, budget={**steps(100_000), "wallClockSeconds": 12})
        samples = self._sample_until(run.process)
        run.end()
        self.assertGreaterEqual(len(samples), 5)
        rows = [dict(zip(FIELDS.split(","), sample)) for sample in samples]
        used = max(float(row["memory.used"]) for row in rows)
        self.assertGreater(used, before + 256)
        if any(row["utilization.gpu"].isdigit() for row in rows):
            self.assertGreater(max(int(row["utilization.gpu"]) for row in rows if row["utilization.gpu"].isdigit()), 10)
        steps_seen = run.events("step")
        self.assertGreater(steps_seen[-1]["gpu_memory_mb"], 128)
        self.assertLess(run.result()["metrics"]["data_stall"], 0.5)
        self._wait_until_given_back(before)
        print(f"peak {used:.0f} MiB, {run.result()['metrics']['data_stall']:.4f} of the time waiting for data, {len(samples)} samples")

    def _sample_until(self, process) -> list[list[str]]:
        """One process of nvidia-smi for the whole run, as assay samples."""
        command = ["nvidia-smi", "-i", self._device(), f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits", "-lms", "1000"]
        sampler = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=lambda: (process.wait(), sampler.kill()), daemon=True).start()
        lines = [line for line in sampler.stdout if line.count(",") == FIELDS.count(",")]
        sampler.stdout.close()
        sampler.wait()
        return [[cell.strip() for cell in line.split(",")] for line in lines]

    def _wait_until_given_back(self, before: float) -> None:
        """The driver frees a moment after the end: asked again a few times, which takes a moment each."""
        for _ in range(50):
            if self._used() <= before + 64:
                return
        self.fail(f"{self._used():.0f} MiB are in use after the run, {before:.0f} before it")

    def _used(self) -> float:
        return float(smi("-i", self._device(), "--query-gpu=memory.used")[0][0])

    def _device(self) -> str:
        """The device that PyTorch calls 0."""
        import torch

        found = str(torch.cuda.get_device_properties(0).uuid)
        return found if found.startswith(("GPU-", "MIG-")) else f"GPU-{found}"


if __name__ == "__main__":
    unittest.main()
