-- Drops people, tokens and events.

DROP TABLE audit_event;
DROP TABLE api_token;
DROP TABLE app_user;
