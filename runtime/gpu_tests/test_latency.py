"""Mode latency on the device: a measurement holds the work of its batch, after the warm-up."""

import json
import statistics
import unittest

from gpu import HUNGRY, GpuCase, steps


class Latency(GpuCase):
    def test_turns_are_timed_with_the_device_at_rest_before_and_after(self):
        trained = self.launch("trained", HUNGRY, budget=steps(2))
        trained.end()
        run = self.launch("latency", HUNGRY, mode="latency", model=str(trained.out / "model"), warmupSteps=100)
        for block in range(3):
            run.process.stdin.write(json.dumps({"block": block}) + "\n")
            run.process.stdin.flush()
            self.assertEqual(json.loads(run.process.stdout.readline()), {"done": block})
        run.process.stdin.close()
        run.process.stdin = None
        run.end()
        lines = [json.loads(line) for line in (run.out / "latency.jsonl").read_text().splitlines()]
        warm, measured = ([line["ms"] for line in lines if line["warmup"] is flag] for flag in (True, False))
        self.assertEqual(len(warm), 100)
        blocks = [statistics.median(line["ms"] for line in lines if line["block"] == block and not line["warmup"]) for block in range(3)]
        print(f"median of a batch by block: {', '.join(f'{ms:.3f} ms' for ms in blocks)}; first of the warm-up {warm[0]:.1f} ms")
        self.assertGreater(warm[0], statistics.median(measured))
        self.assertLess(max(blocks) / min(blocks), 1.5)


if __name__ == "__main__":
    unittest.main()
