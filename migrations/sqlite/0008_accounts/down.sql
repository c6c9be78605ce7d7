-- Drops people, tokens and events, and what admins said of tracked stocks.

DROP TABLE audit_event;
DROP TABLE api_token;
DROP TABLE app_user;

ALTER TABLE tracked_stock DROP COLUMN untracked_at;
