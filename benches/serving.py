"""What the benches of the server share: programs, databases, servers, and the load on them."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from cluster import ROOT, processor_seconds, program, run, stat

# A chart answer has some 112 bytes a bar beside its head, by which write-pages counts.
BAR_BYTES, HEAD_BYTES = 112, 1_600


class Built:
    """The programs, built in release."""

    def __init__(self, ready=False):
        # In one command: apart, each would be built with other features of what they share.
        programs = ["--bin=worker", "--bin=api-server", "--example=write-pages", "--example=bare",
                    "--example=soak"]
        if not ready:
            command = ["cargo", "build", "--release", "--quiet", "--locked", *programs]
            subprocess.run(command, cwd=ROOT, check=True)
        self.target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
        release = os.path.join(self.target, "release")
        self.worker, self.api = os.path.join(release, "worker"), os.path.join(release, "api-server")
        self.examples = os.path.join(release, "examples")

    def peers(self):
        """The folder of Python's programs with what the peers need, made where it is not there."""
        wanted = os.path.join(ROOT, "benches", "peers", "requirements.txt")
        venv, there = os.path.join(self.target, "peers"), None
        with open(wanted) as file:
            pins = file.read()
        stamp = os.path.join(venv, "requirements.txt")
        if os.path.exists(stamp):
            with open(stamp) as file:
                there = file.read()
        if there != pins:
            run([sys.executable, "-m", "venv", "--clear", venv])
            run([os.path.join(venv, "bin", "pip"), "install", "--quiet", "-r", wanted])
            with open(stamp, "w") as file:
                file.write(pins)
        return os.path.join(venv, "bin")


def load_of(work, servers):
    """What wrk found, and the processor's seconds that the servers took for each request."""
    before = sum(server.used() for server in servers)
    found = work()
    return found, (sum(server.used() for server in servers) - before) / found.requests


def settings(home, url):
    return dict(
        os.environ, DATABASE_URL=url,
        STOCK_DATA_RAW_RESPONSES_DIR=f"{home}/raw",
        STOCK_DATA_PARSED_RESPONSES_DIR=f"{home}/parsed",
        STOCK_DATA_DEADLETTER_RESPONSES_DIR=f"{home}/dead",
        STOCK_DATA_MIN_FREE_MB="0",
        # All the load comes from one address.
        API_REQUESTS_PER_SECOND="0",
    )


def symbol(number):
    return f"SYN{number:05}"


def fill(built, home, url, symbols, bars):
    """Makes a database with so many symbols of so many bars each, imported by the worker."""
    environment = dict(settings(home, url), RUST_LOG="warn")
    with tempfile.TemporaryDirectory(dir=home) as responses:
        size = BAR_BYTES * bars + HEAD_BYTES
        run([f"{built.examples}/write-pages", responses, str(symbols), str(size), "chart"])
        run([built.worker, "migrate", "up"], env=environment, cwd=home)
        printed = run([built.worker, "import", responses], env=environment, cwd=home)
    loaded = re.search(r"^  bars +(\d+) inserted", printed, re.MULTILINE)
    if not loaded or int(loaded[1]) != symbols * bars:
        sys.exit(f"not {symbols} times {bars} bars:\n{printed}")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Server:
    """A server in a process of its own, up as long as the context."""

    def __init__(self, command, home, environment=None, base=None):
        self.command, self.environment, self.home, self.base = command, environment, home, base

    def __enter__(self):
        log = open(os.path.join(self.home, f"{os.path.basename(self.command[0])}.log"), "ab")
        told = None if self.base else subprocess.PIPE
        self.process = subprocess.Popen(self.command, env=self.environment, cwd=self.home,
                                        stdout=told or log, stderr=log)
        log.close()
        if told:
            # Ours tell where they listen.
            line = self.process.stdout.readline().decode()
            if not line.startswith("listening on "):
                sys.exit(f"{' '.join(self.command)} did not start; see {log.name}")
            self.base = line.removeprefix("listening on ").strip()
        else:
            self.wait(log.name)
        return self

    def wait(self, log):
        address = self.base.removeprefix("http://").split(":")
        for _ in range(300):
            try:
                socket.create_connection((address[0], int(address[1]))).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
        sys.exit(f"{' '.join(self.command)} does not listen; see {log}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def used(self):
        """The processor's seconds that it took by now."""
        return processor_seconds(stat(self.process.pid))

    def memory(self):
        """What of it lies in memory, in KiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.MULTILINE)[1])

    def get(self, path):
        with urllib.request.urlopen(self.base + path, timeout=60) as answer:
            return answer.read()


def api_server(built, home, url, **more):
    command = [built.api, "serve", "--without-worker", "--listen", "127.0.0.1:0"]
    return Server(command, home, dict(settings(home, url), **more))


class Load:
    """What wrk found: requests, how many a second, and two percentiles in milliseconds."""

    def __init__(self, printed):
        self.requests = int(re.search(r"^ +(\d+) requests in ", printed, re.MULTILINE)[1])
        self.rate = float(re.search(r"^Requests/sec: +([\d.]+)", printed, re.MULTILINE)[1])
        percentiles = {percent: float(value) * {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[unit]
                       for percent, value, unit in re.findall(
                           r"^ +(\d+)% +([\d.]+)(us|ms|s|m) *$", printed, re.MULTILINE)}
        wrong = re.search(r"^ +(Non-2xx.*|Socket errors.*)$", printed, re.MULTILINE)
        if wrong or "99" not in percentiles:
            sys.exit(f"not every request was answered, or none in time:\n{printed}")
        self.p50, self.p99 = percentiles["50"], percentiles["99"]


def load(url, seconds, connections, script=None):
    """Asks for the URL, or for what the Lua script says, with wrk on one thread."""
    command = [program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
               "--timeout", "60s", *(["-s", script] if script else []), url]
    return Load(run(command))
