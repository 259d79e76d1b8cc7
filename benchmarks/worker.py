"""One side of a comparison, in a process of its own, where its modules' names collide with nobody's.

python worker.py SIDE.py ROOT                            obeys JSON lines on stdin, answers with JSON lines on stdout
python worker.py SIDE.py ROOT --call NAME JSON           calls one function of the side
python worker.py SIDE.py ROOT --script FILE [ARGS...]    runs a script of ROOT, mended by the side's `before_script`

Lines: {"prepare": NAME, "settings": {...}} calls a function of the side that returns what is to be timed;
{"run": TIMES} runs that and answers with the seconds of one time, by the clock and of all cores together;
{"call": NAME, "settings": {...}} answers with what the function returns. ROOT becomes the current folder and the first
place to import from.
"""

import importlib.util
import json
import os
import runpy
import sys
import time


def load_side(path: str):
    spec = importlib.util.spec_from_file_location("side", path)
    side = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(side)
    return side


def obey(side) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a side prints is no answer
    work = None
    for line in sys.stdin:
        order, answer = json.loads(line), {}
        if "prepare" in order:
            work = getattr(side, order["prepare"])(**order["settings"])
        elif "call" in order:
            answer = getattr(side, order["call"])(**order["settings"])
        else:
            began, busy = time.perf_counter(), time.process_time()
            for _ in range(order["run"]):
                work()
            spent = time.perf_counter() - began, time.process_time() - busy
            answer = {"seconds": spent[0] / order["run"], "cpu": spent[1] / order["run"]}
        print(json.dumps(answer), file=answers, flush=True)


def main() -> None:
    path, root, *rest = sys.argv[1:]
    path = os.path.abspath(path)
    os.chdir(root)
    sys.path[0] = os.getcwd()
    side = load_side(path)
    if not rest:
        obey(side)
    elif rest[0] == "--call":
        getattr(side, rest[1])(**json.loads(rest[2]))
    else:
        side.before_script(rest[1])
        sys.argv = rest[1:]
        runpy.run_path(rest[1], run_name="__main__")


if __name__ == "__main__":
    main()
