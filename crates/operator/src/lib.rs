//! What an operator asks of a worker: import, process, digest, rebuild, status, migrate.
