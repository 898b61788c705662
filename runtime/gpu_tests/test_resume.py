"""A PyTorch run on the GPU that was killed and stopped in its middle predicts what an uninterrupted one predicts, to the bit."""

import os
import signal
import unittest
from pathlib import Path

from gpu import DIGITS, GpuCase, digest, steps


class Resume(GpuCase):
    def test_a_deterministic_run_resumes_to_the_bit(self):
        for params in ({"model": "mlp"}, {"model": "cnn"}):
            with self.subTest(**params):
                self._interrupted_equals_whole(params["model"], {"params": params})

    def test_a_run_in_half_precision_with_every_remedy_resumes_to_the_bit(self):
        remedies = {"microBatchSize": 16, "gradientCheckpointing": True, "precision": "fp16"}
        self._interrupted_equals_whole("remedies", {"params": {"model": "cnn"}, **remedies})

    def test_two_ranks_resume_to_the_bit(self):
        import torch

        if torch.cuda.device_count() < 2:
            self.skipTest("one GPU: two ranks over NCCL need two")
        self._interrupted_equals_whole("ranks", {"params": {"model": "mlp"}, "worldSize": 2}, processes=2)

    def _interrupted_equals_whole(self, name, changes, processes=1):
        common = {**changes, "processes": processes, "budget": steps(1500), "checkpointEverySeconds": 0.1}
        interrupted = f"{name}-interrupted"
        killed = self.launch(interrupted, DIGITS, **common)
        killed.until_step(300)
        self._kill(killed, processes)
        killed.end(-signal.SIGKILL if processes == 1 else 1)
        first = killed.newest()

        stopped = self.launch(interrupted, DIGITS, **common, resume=str(first))
        stopped.until_step(700)
        stopped.process.terminate()
        stopped.end(75)

        finished = self.launch(interrupted, DIGITS, **common, resume=str(stopped.newest()))
        finished.end()
        whole = self.launch(f"{name}-whole", DIGITS, **common)
        whole.end()
        self.assertEqual(finished.steps(), list(range(1, 1501)))
        self.assertEqual([event["loss"] for event in finished.events("step")], [event["loss"] for event in whole.events("step")])
        self.assertEqual(finished.prediction_bytes(), whole.prediction_bytes())
        print(f"{name}: killed after {first.name}, stopped after {stopped.newest().name}, predictions {digest(whole.prediction_bytes())[:12]} twice")

    def _kill(self, run, processes):
        pid = run.process.pid
        if processes > 1:
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[-1])
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
