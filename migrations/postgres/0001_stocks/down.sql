-- Drops instruments, series and tracking.

DROP TABLE tracked_stock;
DROP TABLE series;
DROP TABLE stock;
DROP SEQUENCE stock_id_seq;
