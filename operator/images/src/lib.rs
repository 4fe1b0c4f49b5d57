//! What is known of container images: digests, scan reports, deadlines, verdicts. No client, no clock, no I/O but the
//! reading of what is handed in.

pub mod digest;
pub mod readers;
pub mod reference;
pub mod report;
pub mod severity;
