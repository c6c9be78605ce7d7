//! The pipeline over one response file, and over many at once.
