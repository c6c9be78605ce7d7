//! Loads a price history into the store, exactly and idempotently.
