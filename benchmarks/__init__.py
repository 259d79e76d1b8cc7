"""How fast Timbre is, beside others, in one run on one machine. `python -m benchmarks --help` says how.

rows.py     what is compared          measure.py  pairs of runs, commands, the machine      report.py  results as files
worker.py   one side, in a process of its own; the sides are ours.py, rtvc.py, hifigan.py (other projects' checkouts,
            which are not part of this repository) and plain.py (the same work written plainly, where they are absent)
"""
