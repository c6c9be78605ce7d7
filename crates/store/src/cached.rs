//! Statements whose text never changes, though the query builder cannot know.

use diesel::RunQueryDsl;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// An UPDATE that sets the same columns whatever their values. It is prepared once a connection;
/// the query builder would prepare it each time, since an UPDATE may leave columns out. Or a
/// statement of a fixed text.
pub(crate) struct Cached<T>(pub(crate) T);

impl<T> QueryId for Cached<T> {
    // Known by its text.
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: Query> Query for Cached<T> {
    type SqlType = T::SqlType;
}

impl<DB: Backend, T: QueryFragment<DB>> QueryFragment<DB> for Cached<T> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<T, C> RunQueryDsl<C> for Cached<T> {}
