//! What is known of container images: digests, scan reports, deadlines, verdicts. No client, no clock, no I/O.

pub mod digest;
pub mod reference;
pub mod signature;
