//! For tests only: throwaway databases, generated vendor responses.
