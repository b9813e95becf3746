"""The independent reader: prints the records of a CSV file as Python's csv module sees them, one JSON list per line.

usage: python_csv.py PATH ENCODING DELIMITER; blank lines are left out, as the reader under test leaves them out.
"""
import csv
import json
import sys

path, encoding, delimiter = sys.argv[1:4]
csv.field_size_limit(1 << 30)
with open(path, newline="", encoding=encoding, errors="strict") as file:
    for row in csv.reader(file, delimiter=delimiter):
        if row:
            print(json.dumps(row, ensure_ascii=True))
