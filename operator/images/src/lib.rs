//! What is known of container images: scan reports, deadlines, verdicts. No client, no clock, no I/O but the reading of what
//! is handed in.

pub mod ledger;
pub mod library;
pub mod readers;
pub mod report;
pub mod signature;
pub mod verdict;
