-- Drops the view of bars for people.

DROP VIEW stock_data_readable;
