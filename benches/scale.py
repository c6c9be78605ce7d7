"""The server over many bars, beside the same over few: how much slower the slowest answers are.

Run by `benches/serve.py --scale`. With 25 and with 2,500 symbols of 4,000 bars each, on SQLite and on
PostgreSQL, wrk asks for the latest bar and for one year of symbols drawn at random. The servers of a
database take turns, so that what else the machine does meets both. What is compared is the median over
the rounds of the 99th percentile; the 50th, and the processor time of a request, that of PostgreSQL's
sessions included, stand beside it, for they tell more where the machine has other work.

Judged are servers that keep no answers, and servers that keep all of them. The default cache holds every
year of the few symbols and half of the years of the many, so that it compares answers that are kept with
answers that are made: told, not judged.
"""

import datetime
import json
import os
import statistics
import tempfile

from cluster import Cluster
from serving import Server, api_server, fill, load, load_of, symbol

FEW, BARS = 25, 4_000
# Few, so that what is measured is the answer and not the queue before it.
CONNECTIONS = 2
AIM = 1.5
# How the servers keep answers, and whether the aim is held against it.
CACHES = (
    ("no cache", {"API_CACHE_MB": "0"}, True),
    ("all cached", {"API_CACHE_MB": "512"}, True),
    ("default cache", {}, False),
)

DRAWN = """
math.randomseed({seed})
request = function()
    return wrk.format("GET", string.format("/stock-data/SYN%05d{rest}", math.random(0, {last})))
end
"""


class Scale:
    def __init__(self, folder, built, many, rounds, seconds):
        self.folder, self.built, self.many = folder, built, many
        self.rounds, self.seconds = rounds, seconds
        self.held = True

    def script(self, name, symbols, rest):
        path = os.path.join(self.folder, f"{name}.lua".replace(" ", "-"))
        with open(path, "w") as file:
            file.write(DRAWN.format(seed=symbols, rest=rest, last=symbols - 1))
        return path

    def databases(self, cluster):
        """The two sizes on each database, filled."""
        for name in ("SQLite", "PostgreSQL"):
            urls = {}
            for symbols in (FEW, self.many):
                home = tempfile.mkdtemp(dir=self.folder)
                if name == "SQLite":
                    urls[symbols] = f"sqlite:{home}/cream.db"
                else:
                    urls[symbols] = cluster.fresh(f"bars{symbols}")
                print(f"{name}: loading {symbols * BARS:,} bars", flush=True)
                fill(self.built, home, urls[symbols], symbols, BARS)
                if name == "PostgreSQL":
                    # What autovacuum does some time after a load.
                    cluster.sql(f"bars{symbols}", "vacuum analyze", "checkpoint")
            os.sync()
            yield name, urls

    def measure(self, name, urls, cache, more):
        kept, settings, is_judged = cache
        servers = {symbols: api_server(self.built, self.folder, url, **settings)
                   for symbols, url in urls.items()}
        with servers[FEW], servers[self.many]:
            year = one_year(servers[FEW])
            for route, rest in (("latest", ""), ("one year", f"/history?{year}")):
                found = {symbols: [] for symbols in urls}
                for round_ in range(self.rounds + 1):
                    for symbols, server in servers.items():
                        script = self.script(f"{route}-{symbols}", symbols, rest)
                        one = load_of(lambda: load(server.base, self.seconds, CONNECTIONS, script),
                                      [server, *more])
                        # The first round fills what keeps pages and answers.
                        if round_ > 0:
                            found[symbols].append(one)
                self.tell(f"{name}, {kept}, {route}", found, is_judged)

    def tell(self, name, found, is_judged):
        def medians(value):
            few, many = (statistics.median(map(value, found[symbols])) for symbols in (FEW, self.many))
            return few, many, many / few

        p99, p50 = medians(lambda one: one[0].p99), medians(lambda one: one[0].p50)
        used = medians(lambda one: 1e6 * one[1])
        self.held &= not is_judged or p99[2] <= AIM
        spread = ", ".join(f"{one.p99:.2f}" for one, _ in found[self.many])
        print(f"  {name:<37} 99 % in {p99[0]:>6.2f} | {p99[1]:>6.2f} ms ({spread}), ratio {p99[2]:.2f}; "
              f"half in {p50[0]:.2f} | {p50[1]:.2f} ms, ratio {p50[2]:.2f}; "
              f"processor {used[0]:,.0f} | {used[1]:,.0f} us, ratio {used[2]:.2f}", flush=True)

    def run(self):
        cluster = Cluster(self.folder)
        try:
            print(f"{FEW * BARS:,} bars | {self.many * BARS:,} bars; aim: at most {AIM} times")
            for name, urls in self.databases(cluster):
                for cache in CACHES:
                    self.measure(name, urls, cache, [cluster] if name == "PostgreSQL" else [])
        finally:
            cluster.stop()
        return self.held


def one_year(server: Server):
    """The last year of the bars, as a query."""
    last = json.loads(server.get(f"/stock-data/{symbol(0)}"))["date"]
    last = datetime.date.fromisoformat(last)
    return f"start={last - datetime.timedelta(days=364)}&end={last}"
