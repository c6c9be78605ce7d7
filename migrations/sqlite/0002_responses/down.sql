-- Drops the record of archived responses; the archive itself stays.

DROP TABLE raw_response;
