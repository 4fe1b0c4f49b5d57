//! What is known of container images: scan reports, deadlines, verdicts. No client, no clock, no I/O but the reading of what
//! is handed in.

pub mod ledger;
pub mod library;
pub mod readers;
pub mod report;
pub mod verdict;

/// What images are named by.
pub mod digest {
    pub use snc_core::image::Digest;
}

/// How images are named.
pub mod reference {
    pub use snc_core::image::Reference;
}
