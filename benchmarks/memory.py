"""Does memory stay flat as the rows grow? Each verb, on ten times and a hundred times the rows.

Every verb runs as a command of its own, inside a control group that may hold no more than 2 GB
(where the system lets us make one), on digits made by benchmarks/digits.py; what is told is the
largest resident size that the system saw of it. Files that are there already are used again.

    python benchmarks/memory.py FOLDER [--kind npy|parquet|images] [--rows 100000 1000000 10000000]
        [--verbs fit encode]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import digits
from common import ROOT, write_result

CAP = 2_000_000_000
GROUPS = Path("/sys/fs/cgroup/memory")
MAKERS = {
    "npy": digits.write_npy,
    "parquet": digits.write_parquet,
    "images": digits.write_images,
}
SUFFIX = {"npy": ".npy", "parquet": ".folder", "images": ".images"}
VERBS = {
    "fit": "fit {data} -o {model}",
    "encode": "encode {model} {data} -o {out}.npy",
    "evaluate": "evaluate {model} {data}",
    "similar": "similar {model} {unseen}#7 --reference {data}",
    "outliers": "outliers {model} {data} -o {out}.parquet",
    "compress": "compress {model} {data} -o {out}.codes",
}


def capped() -> list[str]:
    """Give what starts a command under the cap; nothing where no control group can be made."""
    group = GROUPS / f"latentmap-{os.getpid()}"
    try:
        group.mkdir(exist_ok=True)
        (group / "memory.limit_in_bytes").write_text(str(CAP))
    except OSError:
        return []
    return ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]


def run(command: list[str]) -> dict[str, float]:
    """Run a command; give its largest resident size, in GB.

    Not its seconds: they depend on what else the machine does, and this takes hours.
    """
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen([*capped(), *command], stdout=told, stderr=told)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            sys.exit(f"{' '.join(command)}: {told.read().decode()[-2000:]}")
    return {"peak_gb": round(used.ru_maxrss * 1024 / 1e9, 3)}


def measured(
    kind: str, rows: int, folder: Path, verbs: list[str]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Run verbs on so many rows, in an order in which the model is there."""
    data, unseen = folder / f"{rows}{SUFFIX[kind]}", folder / "unseen.npy"
    if not unseen.exists():
        digits.write_npy(unseen, 1000, "mnist:unseen", seed=1)
    if not data.exists():
        MAKERS[kind](data, rows)
    names = {
        "data": data,
        "unseen": unseen,
        "out": folder / f"{rows}-{kind}-out",
        "model": folder / f"{rows}-{kind}.safetensors",
    }
    command = [sys.executable, "-m", "latentmap"]
    for verb in verbs:
        label = ["--label", "label"] if kind == "parquet" and verb in ("fit", "evaluate") else []
        told = run([*command, *VERBS[verb].format(**names).split(), *label])
        print(f"{kind}, {rows:,} rows, {verb}: {told}", flush=True)
        yield verb, told


def table(kinds: dict[str, dict[str, dict]]) -> str:
    """Write what was measured as a table: the largest resident size of each verb."""
    lines = []
    for kind, by_rows in kinds.items():
        counts = list(by_rows)
        lines += [
            f"| {kind}, resident GB | " + " | ".join(f"{int(n):,} rows" for n in counts) + " |",
            "|---" * (len(counts) + 1) + "|",
        ]
        for verb in VERBS:
            peaks = (by_rows[n].get(verb, {}).get("peak_gb") for n in counts)
            told = " | ".join("–" if peak is None else f"{peak:.2f}" for peak in peaks)
            lines.append(f"| `{verb}` | {told} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def main() -> None:
    """Measure one kind of data, and write it beside what is known of others and other numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=list(MAKERS), default="npy")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--verbs", choices=list(VERBS), nargs="+", default=list(VERBS))
    asked = parser.parse_args()
    asked.folder.mkdir(exist_ok=True)
    for rows in asked.rows:
        for verb, told in measured(asked.kind, rows, asked.folder, asked.verbs):
            keep(asked.kind, rows, verb, told)


def keep(kind: str, rows: int, verb: str, told: dict[str, float]) -> None:
    """Write what was measured beside what is known of other rows, verbs and kinds."""
    path = ROOT / "benchmarks" / "results" / "memory.json"
    kinds = json.loads(path.read_text())["kinds"] if path.exists() else {}
    by_rows = kinds.setdefault(kind, {})
    by_rows.setdefault(str(rows), {})[verb] = told
    kinds[kind] = dict(sorted(by_rows.items(), key=lambda item: int(item[0])))
    figures = {"cap_bytes": CAP if capped() else None, "seed": 0, "kinds": kinds}
    write_result("memory", figures, table(kinds))


if __name__ == "__main__":
    main()
