"""One peer's comparison of two tables: python drift_peers.py PEER FOLDER. Prints CPU seconds, those of the comparison alone, and peak memory.

PEER: scipy (scipy.stats.ks_2samp, column by column) or evidently (Report of DataDriftPreset, with its defaults).
FOLDER holds reference.parquet and current.parquet.
"""
import json
import pathlib
import resource
import sys
import time
import warnings

peer, folder = sys.argv[1], pathlib.Path(sys.argv[2])
warnings.simplefilter("ignore")
try:
    import pyarrow.parquet

    if peer == "scipy":
        from scipy import stats
    else:
        from evidently import Report
        from evidently.presets import DataDriftPreset
except ImportError as error:
    print(json.dumps({"missing": f"{peer} is left out: {error}"}))
    sys.exit()

start = time.process_time()  # imports are not counted
tables = [pyarrow.parquet.read_table(folder / f"{name}.parquet", use_threads=False) for name in ("reference", "current")]
if peer == "scipy":
    reference, current = ({name: table[name].to_numpy() for name in table.column_names} for table in tables)
else:
    reference, current = (table.to_pandas() for table in tables)
read = time.process_time()
if peer == "scipy":
    alarms = int(sum(stats.ks_2samp(reference[name], current[name]).pvalue < 0.01 for name in reference))
else:
    alarms = None
    Report([DataDriftPreset()]).run(current, reference).dict()
end = time.process_time()
print(
    json.dumps(
        {
            "cpu": end - start,
            "comparison": end - read,
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "alarms": alarms,
        }
    )
)
