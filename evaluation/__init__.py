"""How good are three checkpoints? One command measures them on speakers they never heard: `python -m evaluation`.

Each kind of measure is one file; `run.py` calls them in order, `report.py` writes what they found.
"""
