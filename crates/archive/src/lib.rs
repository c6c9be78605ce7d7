//! The archive of raw vendor responses.
