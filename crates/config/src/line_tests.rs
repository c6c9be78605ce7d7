//! Tests of log lines.
