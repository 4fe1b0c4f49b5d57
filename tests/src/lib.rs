//! Tests of this crate are beside this file; there is nothing to link.
