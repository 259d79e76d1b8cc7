"""The HTTP service and its one page, over cloning/. `python -m web --help` says how to start it; docs/serving.md more.

app.py      the service put together          guard.py    host, key, sizes: what is refused before anything is read
service.py  what the routes share             journal.py  one log line, figures and strict headers for each request
worker.py   the thread that owns the models   voices.py   the folder of kept voices and their consent records
uploads.py  recordings, decoded by decode.py in a process of its own     formats.py  sound as bytes
limits.py   how much is too much              problems.py  errors as JSON     routes/  the API     static/  the page
"""
