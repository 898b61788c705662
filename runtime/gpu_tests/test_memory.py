"""Out of device memory: exit code 86, and a level of the ladder that fits and trains the same model."""

import unittest

import numpy as np
from gpu import HUNGRY, GpuCase, ladder, steps

# A row keeps about 8 MiB for the way back: 64 rows fit under no limit below 512 MiB, 32 do.
BATCH, LIMIT_MIB = 64, 480


class Memory(GpuCase):
    def test_the_ladder_ends_at_a_level_that_fits_and_predicts_the_same(self):
        common = {"batchSize": BATCH, "evaluationBatchSize": 8, "budget": steps(10)}
        free = self.launch("free", HUNGRY, **common, microBatchSize=BATCH)
        free.end()
        codes = []
        for level, remedy in enumerate(ladder(BATCH)):
            run = self.launch(f"level-{level}", HUNGRY, **common, **remedy, params={"memory_mib": LIMIT_MIB})
            _, stderr = run.process.communicate(timeout=300)
            codes.append(run.process.returncode)
            self.assertIn(codes[-1], (0, 86), stderr)
            if codes[-1] == 0:
                break
            self.assertIn("out of memory", stderr)
            self.assertFalse((run.out / "result.json").exists())
        print(f"exit codes by level: {codes}; {remedy}")
        self.assertEqual((codes[0], codes[-1]), (86, 0))
        self.assertIn(len(codes), (2, 3), "a smaller micro-batch alone should fit")
        np.testing.assert_allclose(run.predictions()["scores"], free.predictions()["scores"], atol=1e-4)

    def test_gradient_checkpointing_needs_less_memory_for_the_same_gradient(self):
        common = {"batchSize": BATCH, "microBatchSize": BATCH, "evaluationBatchSize": 8, "budget": steps(5)}
        runs = [self.launch(f"run-{flag}", HUNGRY, **common, gradientCheckpointing=flag) for flag in (False, True)]
        for run in runs:
            run.end()
        peaks = [run.events("step")[-1]["gpu_memory_mb"] for run in runs]
        print(f"peak memory without and with gradient checkpointing: {peaks[0]} and {peaks[1]} MiB")
        # Kept: the inputs of four blocks and the values of one, where sixteen were.
        self.assertLess(peaks[1], 0.8 * peaks[0])
        np.testing.assert_array_equal(runs[1].predictions()["scores"], runs[0].predictions()["scores"])

    def test_every_precision_trains(self):
        runs = {precision: self.launch(precision, HUNGRY, precision=precision, budget=steps(20)) for precision in ("fp32", "tf32", "bf16", "fp16")}
        for run in runs.values():
            run.end()
        losses = {precision: run.events("step")[-1]["loss"] for precision, run in runs.items()}
        print(f"losses: {losses}")
        for loss in losses.values():
            self.assertAlmostEqual(loss, losses["fp32"], delta=0.2)


if __name__ == "__main__":
    unittest.main()
