"""Checks that the image is built with every file that the program consists of. $1 is cargo's list of them (`gemini-adapter.d`)."""

import pathlib
import sys

root = pathlib.Path.cwd()
# The list says what the binary is made of: `binary: file file …`, with spaces in names escaped.
_, files = pathlib.Path(sys.argv[1]).read_text().split(": ", 1)
files = [pathlib.Path(file) for file in files.split()]
rules = pathlib.Path(".dockerignore").read_text().split()
assert rules[0] == "*", "the list below is of what is in the context, not of what is not"
inside = [root / rule.removeprefix("!") for rule in rules[1:]]
missing = [str(file) for file in files if not any(file.is_relative_to(place) for place in inside)]
assert not missing, f".dockerignore keeps these from the image's build: {missing}"
assert len(files) > 300, f"not the whole list: {len(files)}"
