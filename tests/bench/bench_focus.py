"""A bill of a gigabyte, as CSV and as Parquet: what memory it takes, and how long.

Held against Python's own csv reader over the same file. Each file is read in a process of its own,
so that the memory is its own; CPU seconds, so that a busy machine does not matter. With a number
as its argument it takes so many megabytes instead.
"""

import csv
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from deployer.cost.focus.bill import add_up
from deployer.cost.focus.columns import MANDATORY
from deployer.cost.focus.read import FileNotes, read_charges

FIRST = datetime(2025, 11, 1, tzinfo=UTC)
ROW = {
    **dict.fromkeys(MANDATORY, "something as long as names are"),
    **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), "0.0123456789"),
    "PricingQuantity": "1", "PricingUnit": "Hours", "BillingCurrency": "USD",
    "ChargeCategory": "Usage", "ProviderName": "AWS", "RegionId": "us-east-1",
    "ChargePeriodStart": "2025-11-01T00:00:00Z", "ChargePeriodEnd": "2025-11-01T01:00:00Z",
    "Tags": '{"team": "models", "application": "iris", "environment": "production"}',
}  # fmt: skip


def write_csv(file: Path, megabytes: int) -> int:
    """Write rows until the file is so large; return how many."""
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow([*ROW, "ResourceId"])
        rows = 0
        while text.tell() < megabytes * 2**20:
            writer.writerows([*ROW.values(), f"i-{rows + n:017x}"] for n in range(10_000))
            rows += 10_000
    return rows


def write_parquet(source: Path, file: Path) -> None:
    from pyarrow import csv as arrow_csv  # noqa: PLC0415 - the process that measures does not need it
    from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - the same

    with arrow_csv.open_csv(source) as batches, ParquetWriter(file, batches.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def read_bill(file: Path) -> Decimal:
    bill = add_up(read_charges(file, FileNotes(file)), FIRST, FIRST + timedelta(days=30))
    return sum((line.effective for line in bill.lines.values()), Decimal(0))


def count_rows(file: Path) -> int:
    with file.open(newline="") as text:
        return sum(1 for _ in csv.reader(text))


def measure(what: str, file: Path) -> None:
    """Do it, and print seconds and the most memory of this process."""
    begun = time.process_time()
    (count_rows if what == "rows" else read_bill)(file)
    print(f"{time.process_time() - begun:.1f} {getrusage(RUSAGE_SELF).ru_maxrss // 1024}")


def ask(what: str, file: Path) -> tuple[float, int]:
    command = [sys.executable, "-m", "tests.bench.bench_focus", what, str(file)]
    seconds, memory = subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout.split()
    return float(seconds), int(memory)


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plain, columns = Path(folder) / "bill.csv", Path(folder) / "bill.parquet"
        rows = write_csv(plain, megabytes)
        write_parquet(plain, columns)
        own, _ = ask("rows", plain)
        for file in (plain, columns):
            seconds, memory = ask("bill", file)
            size = file.stat().st_size // 2**20
            print(
                f"{file.name}, {size} MiB, {rows:,} rows: {seconds:.1f} s, {memory} MB at most; "
                f"{seconds / own:.1f} times csv.reader alone over the CSV ({own:.1f} s)"
            )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else 1024)
