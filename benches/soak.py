"""The server under steady load for long, and through a restart of its database.

Run by `benches/serve.py --soak MINUTES`. On PostgreSQL, with 2,000 symbols of 500 bars, whose answers
are more than the cache holds. A second server without a cache is asked first what is to be answered.
Then the peak is measured: as many answers as can be had in ten seconds over 200 connections; and for so
many minutes 80 % of that is asked for, by crates/api/examples/soak.rs, which compares every byte. In the
middle the database is stopped, and started again after some seconds.

Three quarters of the requests are for a latest bar, the others for a year of bars.
"""

import json
import os
import subprocess
import tempfile
import time

from cluster import Cluster
from scale import one_year
from serving import api_server, fill, symbol

SYMBOLS, BARS, CONNECTIONS = 2_000, 500, 200
SHARE = 0.8
PEAK_SECONDS, DOWN_SECONDS = 10, 3
# So long after the database is there again, the server may still tell of what it met before.
GRACE_SECONDS = 5
KINDS = ("right", "wrong", "refused", "broken", "missed")


class Soak:
    def __init__(self, folder, built, minutes):
        self.folder, self.built, self.minutes = folder, built, minutes
        self.known = os.path.join(folder, "known")

    def run(self):
        cluster = Cluster(self.folder)
        try:
            home = tempfile.mkdtemp(dir=self.folder)
            url = cluster.fresh("soak")
            fill(self.built, home, url, SYMBOLS, BARS)
            cluster.sql("soak", "vacuum analyze", "checkpoint")
            with api_server(self.built, home, url, API_CACHE_MB="0") as truth:
                self.ask(truth)
            with api_server(self.built, home, url) as server:
                return self.soak(cluster, server)
        finally:
            cluster.stop()

    def ask(self, truth):
        """Writes down what is to be answered."""
        os.mkdir(self.known)
        year, paths = one_year(truth), []
        for number in range(SYMBOLS):
            # As often as it is to be drawn.
            paths += [f"/stock-data/{symbol(number)}"] * 3
            paths.append(f"/stock-data/{symbol(number)}/history?{year}")
        answers = {path: truth.get(path) for path in set(paths)}
        for number, path in enumerate(paths):
            read = json.loads(answers[path])
            assert path.split("/")[2] == read["symbol"] and read.get("count", 250) >= 250, path
            with open(os.path.join(self.known, str(number)), "wb") as file:
                file.write(answers[path])
        with open(os.path.join(self.known, "paths"), "w") as file:
            file.write("\n".join(paths))

    def client(self, server, rate, seconds):
        address = server.base.removeprefix("http://")
        command = [f"{self.built.examples}/soak", address, str(CONNECTIONS), str(rate),
                   str(seconds), self.known]
        client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        # It has read what is known by then.
        assert client.stdout.readline() == "begun\n"
        return client

    def soak(self, cluster, server):
        done = self.client(server, 0, PEAK_SECONDS).communicate()[0]
        peak = [json.loads(line) for line in done.splitlines()]
        assert not any(one[kind] for one in peak for kind in KINDS[1:]), peak
        # The first second begins with nothing in the cache.
        peak = sum(one["right"] for one in peak[1:PEAK_SECONDS]) / (PEAK_SECONDS - 1)
        rate, seconds = int(SHARE * peak), int(60 * self.minutes)
        print(f"peak over {CONNECTIONS} connections: {peak:,.0f} requests/s; "
              f"{rate:,} requests/s for {seconds} s", flush=True)
        client = self.client(server, rate, seconds)
        start, memory, down, up = time.monotonic(), [], None, None
        while client.poll() is None and time.monotonic() - start < seconds:
            memory.append((time.monotonic() - start, server.memory()))
            if down is None and time.monotonic() - start >= seconds / 2:
                down = time.monotonic() - start
                cluster.restart(DOWN_SECONDS)
                up = time.monotonic() - start
            time.sleep(1)
        done = client.communicate()[0]
        return self.tell([json.loads(line) for line in done.splitlines()], memory, rate, down, up)

    @staticmethod
    def tell(seconds, memory, rate, down, up):
        print(f"the database was down from {down:.1f} s to {up:.1f} s")
        outside = {kind: 0 for kind in KINDS}
        inside, all_ = dict(outside), dict(outside)
        last = None
        for one in seconds:
            while_down = int(down) <= one["second"] <= up + GRACE_SECONDS
            for kind in KINDS:
                (inside if while_down else outside)[kind] += one[kind]
                all_[kind] += one[kind]
            if one["refused"] or one["broken"]:
                last = one["second"]
                print(f"  second {last}: " + ", ".join(f"{one[kind]} {kind}" for kind in KINDS))
        for name, counts in (("all", all_), ("while it was down", inside), ("else", outside)):
            print(f"  {name:<18} " + ", ".join(f"{count:,} {kind}" for kind, count in counts.items()))
        asked = rate * len(seconds)
        print(f"answered right: {all_['right'] / asked:.1%} of what was to be asked; "
              f"last error in second {last}; slowest answer else "
              f"{max(one['slowest_ms'] for one in seconds if not down - 1 <= one['second'] <= up + 5)} ms")
        at = {name: min(memory, key=lambda sample: abs(sample[0] - moment))[1] for name, moment in (
            ("minute 1", 60), ("middle", down), ("end", memory[-1][0]))}
        print("memory: " + ", ".join(f"{size / 1024:.0f} MiB at {name}" for name, size in at.items())
              + f", {max(size for _, size in memory) / 1024:.0f} MiB at most")
        return not (all_["wrong"] or outside["refused"] or outside["broken"])
