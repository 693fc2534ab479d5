"""Reports line coverage by module of src/ and for the most critical groups, from llvm-cov's JSON ($1). Fails below the targets."""

import collections
import json
import os
import sys

# Groups and their minimum coverage in percent.
MARKS = {"core": 90, "translators": 96, "key core": 96}
# Not part of the core: the output of commands, and the simulator.
ASIDE = ("cli", "simulator", "main.rs")


def groups(path):
    room = path.split("/")[0]
    yield room
    if room not in ASIDE:
        yield "core"
    if room == "protocol":
        yield "translators"
    if path.startswith("keys/core/"):
        yield "key core"


def is_test(path):
    return os.path.basename(path) in ("tests.rs", "promises.rs", "classify_tests.rs") or "/tests/" in path


lines, files = collections.defaultdict(lambda: [0, 0]), []
for file in json.load(open(sys.argv[1]))["data"][0]["files"]:
    path = file["filename"].split("/src/", 1)[-1]
    if "/src/" not in file["filename"] or is_test(path):
        continue
    counted = file["summary"]["lines"]
    files.append((counted["count"] - counted["covered"], counted["percent"], path))
    for group in groups(path):
        lines[group][0] += counted["covered"]
        lines[group][1] += counted["count"]

print("files with the most uncovered lines:")
for missed, percent, path in sorted(files, reverse=True)[:25]:
    print(f"  {missed:5} {percent:6.1f} %  {path}")
print("by module:")
failed = False
for group, (run, all_) in sorted(lines.items(), key=lambda item: (item[0] in MARKS, item[0])):
    share, mark = 100 * run / all_, MARKS.get(group)
    low = mark is not None and share < mark
    failed |= low
    print(f"  {group:14} {run:6} of {all_:6}  {share:5.1f} %" + (f"  (target {mark} %)" if mark else "") + (" LOW" if low else ""))
sys.exit(failed)
