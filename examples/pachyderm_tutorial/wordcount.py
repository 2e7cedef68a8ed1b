"""Counts the words of every text in one folder into one CSV per text in another: wordcount.py FROM TO."""

import collections
import csv
import re
import sys
from pathlib import Path

source, target = map(Path, sys.argv[1:])
for book in sorted(source.iterdir()):
    words = collections.Counter(re.findall(r"[a-z']+", book.read_text().lower()))
    print(f"{book.name}: {sum(words.values())} words, {len(words)} different")
    with (target / f"{book.stem}.csv").open("w", newline="") as out:
        csv.writer(out).writerows(sorted(words.items()))
