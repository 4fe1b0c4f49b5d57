//! Two evaluators of the same clusters that share no code but the input types, for tests that hold one against the
//! other or against expectations of somebody else.

// Each test file uses some of it, and a helper of tests is a test.
#![allow(dead_code, clippy::expect_used, clippy::panic)]

pub mod cases;
pub mod engine;
pub mod naive;
