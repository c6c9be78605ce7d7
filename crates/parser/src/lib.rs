//! Reads market-data vendors' responses into exact, typed price histories.
