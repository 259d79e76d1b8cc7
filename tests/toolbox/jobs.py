"""What a worker process does in tests of the worker."""

import os
import time

from speech.errors import InputError


class Jobs:
    def double(self, number, report):
        report("half way", number)
        return 2 * number

    def refuse(self, report):
        raise InputError("it is too long; give a shorter one")

    def break_down(self, report):
        raise KeyError("a bug")

    def die(self, report):
        os._exit(7)

    def count(self, report):
        """Until it is cancelled."""
        for number in range(10**6):
            report(number)
            time.sleep(0.01)

    def sleep(self, report):
        """Without ever reporting."""
        report("asleep")
        time.sleep(600)

    def pid(self, report):
        return os.getpid()
