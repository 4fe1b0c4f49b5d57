//! Two evaluators of the same clusters that share no code but the input types, for tests that hold one against the
//! other or against expectations of somebody else.

// A helper of tests is a test.
#![allow(clippy::expect_used)]

pub mod cases;
pub mod engine;
pub mod naive;
