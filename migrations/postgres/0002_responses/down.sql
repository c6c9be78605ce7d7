-- Drops the record of archived responses; the archive itself stays.

DROP TABLE raw_response;
DROP SEQUENCE raw_response_id_seq;
