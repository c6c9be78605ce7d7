//! End-to-end tests that run the two real binaries.
