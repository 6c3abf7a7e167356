"""Run every bench, each in a process of its own, and print all their figures as one line."""

import json
import subprocess
import sys

SUBJECTS = ("accept", "backlog", "bell", "idle", "pipe", "setup", "tarpit", "tokens")


def main() -> None:
    figures: dict[str, object] = {}
    for subject in SUBJECTS:
        words = [sys.executable, "-m", f"bench.{subject}"]
        said = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
        sys.stdout.write(said)
        sys.stdout.flush()
        figures |= json.loads(said.splitlines()[-1])
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
