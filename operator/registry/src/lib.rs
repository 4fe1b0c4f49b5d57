//! Asks the registries that the platform declares whether an image is signed.
//!
//! What a tenant writes chooses among declared places and nothing else: no other host is looked up or connected to, and
//! no credentials but the platform's are ever used. What an answer means is for `snc-images` to say; here it is
//! fetched, within bounds.

mod access;
mod auth;
mod cache;
mod client;
mod clock;
mod config;
mod lookup;
mod origin;
mod verifier;
mod verifiers;

#[cfg(test)]
mod tests;

pub use access::Files;
pub use clock::{Clock, Wall};
pub use config::{Credentials, Declared, Registries};
pub use snc_images::signature::{Refused, Unknown, Verdict};
pub use verifier::{NeedsDigest, Settings, Verifier};
pub use verifiers::Verifiers;
