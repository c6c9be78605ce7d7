-- Drops bars and corporate actions; they can be loaded from the archive again.

DROP TABLE corporate_action;
DROP TABLE stock_data;
