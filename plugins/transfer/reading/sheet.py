"""Child process of the XLSX reader: first sheet to JSON lines on stdout, under limits of memory and time.

Run by path with `python -I`, so that nothing of the working directory is imported. A parser that is fed a hostile
file may die here without taking the worker along.
"""

import datetime
import json
import resource
import sys

LONGEST_S = 120


def text(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    return str(value)


def main(path: str, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S))
    import python_calamine

    sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    for row in sheet.iter_rows():
        sys.stdout.write(json.dumps([text(cell) for cell in row]) + "\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]))
    except MemoryError:
        sys.exit("too little memory")
    except Exception as problem:  # the border of this process: one line for the parent
        sys.exit(f"{type(problem).__name__}: {problem}"[:300])
