"""Prints TAP for a client's checks: @check('what') functions run in order; Skip leaves one out with its reason."""
import sys
import time
import traceback


class Skip(Exception):
    pass


checks = []


def check(what):
    def add(function):
        checks.append((what, function))
        return function
    return add


def report(what, error=None):
    if error is None:
        print(f'ok - {what}', flush=True)
    elif isinstance(error, Skip):
        print(f'ok - {what} # skip {error}', flush=True)
    else:
        words = ' '.join(f'{type(error).__name__}: {error}'.split())
        print(f'not ok - {what}: {words[:400]}', flush=True)
        traceback.print_exception(error, file=sys.stderr)


def run():
    for what, function in checks:
        try:
            function()
            report(what)
        except Exception as e:
            report(what, e)


def equal(got, want):
    if got == want:
        return
    if isinstance(want, list):
        at = next((i for i, (g, w) in enumerate(zip(got, want)) if g != w), min(len(got), len(want)))
        raise AssertionError(f'{len(got)} and not {len(want)} values, the first that differs is number {at}: '
                             f'{got[at:at + 2]!r:.150}, not {want[at:at + 2]!r:.150}')
    raise AssertionError(f'got {got!r:.200}, not {want!r:.200}')


def until(condition, seconds=20):
    """The first true value of condition(), which is asked again until then."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f'not true within {seconds} s')
