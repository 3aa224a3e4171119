"""Run every benchmark: each prints ratios against a peer or a limit of the same run.

make bench                        # all of them
python -m tests.bench start       # one
"""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    wanted = sys.argv[1:]
    for file in sorted(HERE.glob("bench_*.py")):
        name = file.stem.removeprefix("bench_")
        if not wanted or name in wanted:
            print(f"\n── {name} {'─' * (76 - len(name))}", flush=True)
            runpy.run_path(str(file), run_name="__main__")


if __name__ == "__main__":
    main()
