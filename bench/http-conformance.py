#!/usr/bin/env python3
"""Holds a running `bloom-prefork` against what others wrote about HTTP/1.1, and prints tables for docs/http-conformance.md.

    python3 bench/http-conformance.py http://127.0.0.1:8080 [FOLDER] [--examples]

The host must be running and answer every path quickly. FOLDER keeps what pip fetches (default: a temporary one). With
--examples only gunicorn's examples are replayed, without a table: a line for each that is answered otherwise.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse

GUNICORN = "gunicorn==23.0.0"
REDBOT = "redbot==2.7.1"
PATIENCE = 5.0
# What a server says when it does not understand, or does not want, a request as such.
REFUSALS = {400, 411, 413, 414, 417, 421, 431, 501, 505}


def is_installed(python, package):
    """A folder that is used again may lack what an earlier run did not need, or was ended before it had."""
    look = "import importlib.metadata as m, sys; name, version = sys.argv[1].split('=='); sys.exit(m.version(name) != version)"
    return subprocess.run([python, "-c", look, package], stderr=subprocess.DEVNULL).returncode == 0


def prepare(folder, packages):
    """A Python with these packages, and the folder with gunicorn's examples of requests."""
    environment = os.path.join(folder, "environment")
    python = os.path.join(environment, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    missing = [one for one in packages if not is_installed(python, one)]
    if missing:
        subprocess.run([python, "-m", "pip", "install", "-q", *missing], check=True)
    source = os.path.join(folder, GUNICORN.replace("==", "-"))
    if not os.path.exists(source):
        command = [python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", folder, GUNICORN]
        subprocess.run(command, check=True)
        with tarfile.open(source + ".tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return python, os.path.join(source, "tests")


def expectations(python, tests):
    """Name of each example: bytes, number of requests in it (0: it is to be refused), whether it needs an option."""
    program = """
import glob, json, os, sys
sys.path.insert(0, os.getcwd())
import treq
for kind in ("valid", "invalid"):
    for path in sorted(glob.glob(f"requests/{kind}/*.http")):
        env = treq.load_py(path[:-5] + ".py")
        expect = env["request"]
        count = 0 if kind == "invalid" else len(expect) if isinstance(expect, list) else 1
        option = "cfg.set" in open(path[:-5] + ".py").read()
        try:
            data = treq.request(path, None).data
        except AssertionError:
            continue
        methods = [one["method"] for one in (expect if isinstance(expect, list) else [expect])] if count else []
        print(json.dumps([path[9:-5], data.hex(), methods, option]))
"""
    done = subprocess.run([python, "-c", program], cwd=tests, check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        name, data, methods, option = json.loads(line)
        yield name, bytes.fromhex(data), methods, option


def with_host(data):
    """HTTP/1.1 asks for a Host; examples made for a parser of heads leave it out."""
    lines = re.compile(rb"(?:\A|(?<=\r\n\r\n))[!-~]+ [^\r\n]* HTTP/1\.1\r\n")
    out, at = b"", 0
    for line in lines.finditer(data):
        head = data[line.end() :].partition(b"\r\n\r\n")[0]
        if not re.search(rb"(?im)^host[ \t]*:", head):
            out += data[at : line.end()] + b"Host: example.test\r\n"
            at = line.end()
    return out + data[at:], at > 0


def statuses(address, data, methods):
    """Statuses of the answers, and whether the connection was ended."""
    found, rest, ended = [], b"", False
    with socket.create_connection(address, PATIENCE) as stream:
        try:
            stream.sendall(data)
        except OSError:
            pass
        stream.settimeout(PATIENCE if methods else 1.0)
        while len(found) < max(len(methods), 1) or not methods:
            head, end, after = rest.partition(b"\r\n\r\n")
            if end:
                length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
                bodiless = len(found) < len(methods) and methods[len(found)] == "HEAD"
                size = 0 if bodiless or length is None else int(length[1])
                if len(after) >= size:
                    status = int(head.split(b" ")[1])
                    if status >= 200:
                        found.append(status)
                    rest = after[size:]
                    continue
            try:
                more = stream.recv(65536)
            except OSError:
                break
            if not more:
                ended = True
                break
            rest += more
    return found, ended


def replay(address, python, tests):
    """Of each example: name, what is expected, statuses of the answers, whether it passed, a note."""
    for name, data, methods, option in expectations(python, tests):
        given, added = with_host(data)
        found, ended = statuses(address, given, methods)
        refused = [status for status in found if status in REFUSALS]
        if methods:
            # 408 is no refusal, but no answer to the request either.
            passed = not refused and 408 not in found and len(found) == len(methods)
            expected = f"{len(methods)} taken"
        else:
            passed = bool(refused) and ended and found[-1] in REFUSALS or not found
            expected = "refused"
        answered = ", ".join(map(str, found)) or "nothing"
        note = " ".join(["Host added"] * added + ["needs an option of gunicorn"] * option)
        yield name, expected, answered, passed, note


def print_table(examples):
    print("| example | expected | answered | |\n|---|---|---|---|")
    for name, expected, answered, passed, note in examples:
        print(f"| {name} | {expected} | {answered} | {'passed' if passed else '**otherwise**'} {note} |")


def print_others(examples):
    count = 0
    for name, _, answered, passed, _ in examples:
        count += 1
        if not passed:
            print(f"{name} {answered}")
    print(f"examples {count}")


def redbot(base, python):
    program = os.path.join(os.path.dirname(python), "redbot")
    for path in ["/", "/big/100000", "/stream/1000", "/none", "/files/a.txt"]:
        done = subprocess.run([program, "-o", "text", base + path], capture_output=True, text=True, timeout=120)
        print(f"\n{path}\n\n```\n{done.stdout.strip()}\n{done.stderr.strip()}\n```")


def main():
    arguments = [one for one in sys.argv[1:] if one != "--examples"]
    examples_only = len(arguments) < len(sys.argv) - 1
    base = arguments[0].rstrip("/")
    url = urllib.parse.urlsplit(base)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments[1] if len(arguments) > 1 else temporary
        python, tests = prepare(folder, [GUNICORN] if examples_only else [GUNICORN, REDBOT])
        examples = replay((url.hostname, url.port), python, tests)
        if examples_only:
            return print_others(examples)
        print_table(examples)
        redbot(base, python)


main()
