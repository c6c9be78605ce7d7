"""What the benches share: the project's folder, programs, and a PostgreSQL of their own."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def program(name):
    found = shutil.which(name) or next(
        iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None
    )
    if not found:
        sys.exit(f"{name} is missing: install it (Debian: postgresql, sqlite3)")
    return found


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def stat(process):
    """The fields of /proc/PID/stat from the state on."""
    with open(f"/proc/{process}/stat") as file:
        return file.read().rsplit(") ", 1)[1].split()


def processor_seconds(fields):
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Cluster:
    """A PostgreSQL of its own, with default settings, on loopback."""

    def __init__(self, folder):
        self.data = os.path.join(folder, "postgres")
        os.mkdir(self.data)
        self.as_user = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            user = pwd.getpwnam("postgres")
            os.chown(self.data, user.pw_uid, user.pw_gid)
            os.chmod(folder, 0o755)
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        run([program("initdb"), "-D", self.data, "-A", "trust", "-U", "postgres"], **self.as_user)
        self.start()

    def start(self):
        options = f"-p {self.port} -k {self.data} -c listen_addresses=127.0.0.1"
        command = [program("pg_ctl"), "-D", self.data, "-o", options, "-w", "start"]
        subprocess.run(
            [*command, "-l", os.path.join(self.data, "log")],
            check=True, stdout=subprocess.DEVNULL, **self.as_user,
        )

    def used(self):
        """The processor's seconds that its sessions took by now."""
        with open(os.path.join(self.data, "postmaster.pid")) as file:
            postmaster, seconds = file.readline().strip(), 0
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                fields = stat(process)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if fields[1] == postmaster:
                seconds += processor_seconds(fields)
        return seconds

    def restart(self, seconds):
        """Ends all sessions, and is away for so long."""
        run([program("pg_ctl"), "-D", self.data, "-m", "fast", "-w", "stop"], **self.as_user)
        time.sleep(seconds)
        self.start()

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, database, *statements):
        command = [program("psql"), "-qXAt", "-v", "ON_ERROR_STOP=1", self.url(database)]
        for statement in statements:
            command += ["-c", statement]
        return run(command)

    def fresh(self, database):
        self.sql("postgres", f"drop database if exists {database} with (force)",
                 f"create database {database}", "checkpoint")
        return self.url(database)

    def stop(self):
        subprocess.run([program("pg_ctl"), "-D", self.data, "-m", "immediate", "stop"],
                       stdout=subprocess.DEVNULL, **self.as_user)
