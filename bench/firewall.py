"""Time the verdict on long rulesets beside ``iptables-restore --test``: same file, whole processes, medians.

Prints a table, and exits with 1 if a limit does not hold. ``--plot FILE`` draws time over rules as SVG.
Run as root: iptables-restore asks the kernel. It runs in a network namespace of its own.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.timing import Run, median, timed, told

ROUNDS = 7
SIZES = (0, 10_000, 20_000, 30_000, 40_000, 50_000)
MEMORY_LIMIT = 150 * 2**20
SLOWEST = 3.0
BIN = Path(sys.executable).parent
ADDRESSES = {"source": "198.51.100.1", "destination": "198.51.100.2"}

_FUNCTION = f"""\
import sys
from sshdoctor.firewall.mailed import judge_files
[answer] = judge_files(sys.argv[1:], source={ADDRESSES["source"]!r}, destination={ADDRESSES["destination"]!r})
sys.exit(answer.verdict != "drop")
"""


def main(arguments: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {size: _written(folder, size) for size in SIZES}
        contestants = _contestants(files[10_000])
        runs: dict[str, list[Run]] = {title: [] for title in contestants}
        curve: dict[int, list[Run]] = {size: [] for size in SIZES}
        for number in range(ROUNDS):
            for title, command in contestants.items():
                runs[title].append(_run(command, folder))
            for size, path in files.items():
                curve[size].append(_run(_command(path), folder))
            print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
    if arguments[:1] == ["--plot"]:
        Path(arguments[1]).write_text(_plot({size: median(each) for size, each in curve.items()}))
    return _report(runs, curve)


def _written(folder: Path, size: int) -> Path:
    path = folder / f"{size}.rules"
    path.write_text("".join(_ruleset(size)))
    return path


def _ruleset(size: int) -> Iterator[str]:
    """``size`` rules of four common shapes, in the words of iptables-save; the last one decides."""
    yield "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    for number in range(size - 1):
        network = f"10.{number >> 16 & 255}.{number >> 8 & 255}"
        yield (
            f"-A INPUT -s {network}.{number & 255}/32 -j DROP\n",
            f"-A INPUT -p tcp -m tcp --dport {1024 + number % 60000} -j ACCEPT\n",
            f"-A INPUT -s {network}.0/24 -p tcp -m multiport --dports 80,443 "
            f'-m comment --comment "site {number}" -j ACCEPT\n',
            f"-A INPUT -i eth1 -p udp -m udp --dport {1024 + number % 60000} "
            "-m conntrack --ctstate NEW -j REJECT --reject-with icmp-port-unreachable\n",
        )[number % 4]
    yield "-A INPUT -p tcp -m tcp --dport 22 -j DROP\nCOMMIT\n"


def _command(path: Path) -> tuple[str, ...]:
    flags = (word for flag, value in ADDRESSES.items() for word in (f"--{flag}", value))
    return (str(BIN / "sshdoctor"), "verdict", "--rules", str(path), *flags)


def _contestants(path: Path) -> dict[str, tuple[str, ...]]:
    apart = ("unshare", "--net") if os.geteuid() == 0 else ()
    peers = [tool for tool in ("iptables-restore", "iptables-legacy-restore") if shutil.which(tool)]
    return {
        "sshdoctor verdict": _command(path),
        "judge_files() in Python": (sys.executable, "-c", _FUNCTION, str(path)),
        **{f"{tool} --test": (*apart, tool, "--test", str(path)) for tool in peers},
    }


def _run(command: Sequence[str], folder: Path) -> Run:
    return timed(command, folder=folder, status=1 if "verdict" in command else 0)  # 1: a rule stops it


def _report(runs: dict[str, list[Run]], curve: dict[int, list[Run]]) -> int:
    seconds_of = {title: median(each) for title, each in runs.items()}
    peer = next((seconds for title, seconds in seconds_of.items() if "restore" in title), 0.0)
    if not peer:
        raise SystemExit("iptables-restore is not installed: nothing to compare with")
    print(f"Parse and verdict of 10,000 rules, start-up included, {ROUNDS} rounds, interleaved")
    for title, each in runs.items():
        least = min(run.seconds for run in each)
        print(
            f"  {title:34} median {seconds_of[title]:.3f} s  least {least:.3f} s  "
            f"{seconds_of[title] / peer:5.2f} of iptables-restore"
        )
    for size, each in curve.items():
        memory = max(run.memory for run in each) / 2**20
        print(f"  {size:6} rules {'':22} median {median(each):.3f} s  {memory:4.0f} MB")
    ratio = seconds_of["sshdoctor verdict"] / peer
    memory = max(run.memory for run in curve[SIZES[-1]])
    # The least of each: what else the machine does makes a run slower, never faster.
    bend = _bend({size: min(run.seconds for run in each) for size, each in curve.items()})
    limits = {
        f"sshdoctor verdict is {ratio:.2f} times iptables-restore --test (at most {SLOWEST:g})": ratio
        <= SLOWEST,
        f"{SIZES[-1]} rules take {memory / 2**20:.0f} MB (under 150)": memory < MEMORY_LIMIT,
        f"a rule of the last 20,000 costs {bend:.2f} times one of the first (at most 1.5)": bend <= 1.5,
    }
    return told(limits)


def _bend(seconds: dict[int, float]) -> float:
    """The slope at the end of the curve over that at its beginning: 1 is linear."""
    start, end = SIZES[0], SIZES[-1]
    first, last = start + 20_000, end - 20_000
    return (seconds[end] - seconds[last]) / (seconds[first] - seconds[start])


def _plot(seconds: dict[int, float]) -> str:
    """Time over rules; the dashed line goes straight from the first point to the last."""
    high = max(seconds.values()) * 1.1
    points = [(60 + 500 * size / SIZES[-1], 280 - 250 * took / high) for size, took in seconds.items()]
    (x0, y0), (x1, y1) = points[0], points[-1]
    marks = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0b6bcb"/>' for x, y in points)
    texts = "".join(
        f'<text x="{x:.1f}" y="300" text-anchor="middle">{size:,}</text>'
        f'<text x="{x:.1f}" y="{y - 10:.1f}" text-anchor="middle">{took:.2f} s</text>'
        for (x, y), (size, took) in zip(points, seconds.items(), strict=True)
    )
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 330" font-family="sans-serif" '
        'font-size="12" role="img" aria-label="Time of a verdict over the number of rules">\n'
        '<rect width="600" height="330" fill="white"/>\n'
        '<path d="M60 20V280H580" fill="none" stroke="#555"/>\n'
        f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke="#999" stroke-dasharray="6 4"/>\n'
        f'<polyline points="{path}" fill="none" stroke="#0b6bcb" stroke-width="2"/>\n'
        f"{marks}\n{texts}\n"
        '<text x="320" y="322" text-anchor="middle">rules in the file; the last one decides</text>\n</svg>\n'
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
