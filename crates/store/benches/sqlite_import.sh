#!/usr/bin/env bash
# What sqlite3 .import makes of 1,000,000 rows like those of load.rs, in a table keyed alike and
# without constraints. Needs sqlite3 and awk. Prints rows a second.
set -euo pipefail
rows=${1:-1000000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
awk -v rows="$rows" 'BEGIN {
    srand(7)
    for (i = 0; i < rows; i++) {
        o = int(1e9 + rand() * 499e9)
        printf "%d,1,2009-%04d,%d,%d,%d,%d,%d,%d,t,1750000000000000\n",
            int(i / 4000) + 1, i % 4000, o, o + 1e7, o - 1e7, o + 1e6, o, int(1e5 + rand() * 1e9)
    }
}' > "$dir/bars.csv"
sqlite3 "$dir/bars.db" "pragma journal_mode=wal" "create table bars (stock_id int not null,
    vendor smallint not null, date date not null, open bigint, high bigint, low bigint,
    close bigint, adj_close bigint, volume bigint, is_final boolean, as_of bigint not null,
    primary key (stock_id, vendor, date)) without rowid" > "$dir/log"
start=$(date +%s%N)
sqlite3 "$dir/bars.db" ".mode csv" ".import $dir/bars.csv bars"
end=$(date +%s%N)
echo "sqlite3 .import $(sqlite3 -version | cut -d' ' -f1): $((rows * 1000000 / ((end - start) / 1000))) rows/s"
