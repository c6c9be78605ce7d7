//! Typed settings from the environment, and logging.
