-- What workers that run on their own need: since when a vendor does not know a symbol, finding
-- what is due and what is in hand, who is working, and what runs from time to time.

-- Since when the vendor says that it knows no such symbol; NULL where it knows it, or never said.
-- It means nothing of a row whose last pull was a success: an older program leaves it there.
ALTER TABLE tracked_stock ADD COLUMN unknown_since bigint;

-- What is due longest of a vendor.
DROP INDEX tracked_stock_due;
CREATE INDEX tracked_stock_due ON tracked_stock (is_active, vendor, next_pull_at);

-- What is in hand. It holds nothing else, so that it costs nothing where nothing is claimed.
CREATE INDEX tracked_stock_in_hand ON tracked_stock (lease_token) WHERE lease_token IS NOT NULL;
CREATE INDEX raw_response_in_hand ON raw_response (lease_token) WHERE lease_token IS NOT NULL;

-- Who works, or has worked, under a name that stays when it starts again.
CREATE TABLE worker (
    name        text COLLATE "C" NOT NULL PRIMARY KEY,
    host        text COLLATE "C" NOT NULL,
    pid         bigint NOT NULL,
    version     text COLLATE "C" NOT NULL,
    started_at  bigint NOT NULL,
    -- When it was heard of last.
    seen_at     bigint NOT NULL,
    -- When it said that it ends. NULL: it runs, or died.
    ended_at    bigint,
    -- How many claims it holds.
    in_hand     bigint NOT NULL,
    is_stopping boolean NOT NULL,
    CONSTRAINT worker_name CHECK (length(name) BETWEEN 1 AND 128),
    CONSTRAINT worker_host CHECK (length(host) <= 255),
    CONSTRAINT worker_pid CHECK (pid >= 0),
    CONSTRAINT worker_version CHECK (length(version) <= 64),
    CONSTRAINT worker_in_hand CHECK (in_hand >= 0),
    CONSTRAINT worker_ended CHECK (ended_at IS NULL OR in_hand = 0)
);

-- What a worker does from time to time: its last run, and how that ended.
CREATE TABLE task (
    worker          text COLLATE "C" NOT NULL,
    task            text COLLATE "C" NOT NULL,
    schedule        text COLLATE "C" NOT NULL,
    is_running      boolean NOT NULL,
    last_started_at bigint,
    -- Of the last run that ended, and so before last_started_at while another runs.
    last_ended_at   bigint,
    outcome         text COLLATE "C",
    -- What happened, for a person.
    message         text COLLATE "C",
    -- Runs in a row that did not do what they are for.
    failures        bigint NOT NULL,
    runs            bigint NOT NULL,
    next_run_at     bigint,
    PRIMARY KEY (worker, task),
    CONSTRAINT task_worker CHECK (length(worker) BETWEEN 1 AND 128),
    CONSTRAINT task_task CHECK (length(task) BETWEEN 1 AND 64),
    CONSTRAINT task_schedule CHECK (length(schedule) <= 255),
    CONSTRAINT task_started CHECK (
        last_started_at IS NOT NULL OR (NOT is_running AND last_ended_at IS NULL)),
    CONSTRAINT task_outcome CHECK (outcome IN ('done', 'failed', 'panicked')),
    CONSTRAINT task_ended CHECK ((last_ended_at IS NULL) = (outcome IS NULL)),
    CONSTRAINT task_message CHECK (length(message) <= 1000),
    CONSTRAINT task_failures CHECK (failures >= 0),
    CONSTRAINT task_runs CHECK (runs >= 0)
);
