"""Send requests to a server of the explorer from many clients, and print their latencies as JSON.

Each client keeps a connection open. It decodes a point, or asks for a row or the rows similar to
it, and pauses for a random time, as a user who moves the mouse does.

    python benchmarks/explorer_clients.py 127.0.0.1:8080 --rows 1797 --clients 100 --seconds 60
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import struct
import time

import numpy as np


def request(address: str, n_rows: int, rng: random.Random) -> bytes:
    """Return a random request: four of five decode a point."""
    head = f"Host: {address}\r\nX-Latentmap: 1\r\n"
    if rng.random() < 0.8:
        body = struct.pack("<2f", rng.gauss(0, 1), rng.gauss(0, 1))
        return f"POST /decode HTTP/1.1\r\n{head}Content-Length: 8\r\n\r\n".encode() + body
    path = f"/{rng.choice(('row', 'similar'))}/{rng.randrange(n_rows)}"
    return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()


async def run_client(options: argparse.Namespace, seed: int, latencies: list[float]) -> int:
    """Send requests until the time is over; return the number of failed ones."""
    rng, end, n_errors = random.Random(seed), time.monotonic() + options.seconds, 0
    await asyncio.sleep(2 * rng.random() * options.pause)
    reader, writer = await asyncio.open_connection(*options.address.split(":"))
    while time.monotonic() < end:
        begin = time.perf_counter()
        writer.write(request(options.address, options.rows, rng))
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        latencies.append(time.perf_counter() - begin)
        n_errors += not head.startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(2 * rng.random() * options.pause)
    writer.close()
    return n_errors


async def measure(options: argparse.Namespace) -> dict[str, float]:
    """Run all clients; a broken connection counts as an error."""
    latencies: list[float] = []
    clients = [run_client(options, seed, latencies) for seed in range(options.clients)]
    results = await asyncio.gather(*clients, return_exceptions=True)
    milliseconds = 1000 * np.array(latencies)
    return {
        "requests": len(latencies),
        "errors": sum(r if isinstance(r, int) else 1 for r in results),
        "median_ms": round(float(np.median(milliseconds)), 1),
        "95th_percentile_ms": round(float(np.percentile(milliseconds, 95)), 1),
        "maximum_ms": round(float(milliseconds.max()), 1),
    }


def main() -> None:
    """Print the latencies."""
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pause", type=float, default=0.25, help="mean pause in seconds")
    print(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
