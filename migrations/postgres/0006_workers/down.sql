-- Drops what workers that run on their own need.

DROP TABLE task;
DROP TABLE worker;

DROP INDEX raw_response_in_hand;
DROP INDEX tracked_stock_in_hand;
DROP INDEX tracked_stock_due;
CREATE INDEX tracked_stock_due ON tracked_stock (is_active, next_pull_at);

ALTER TABLE tracked_stock DROP COLUMN unknown_since;
