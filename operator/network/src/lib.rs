//! NetworkPolicy semantics: the policies that a namespace is planned to have, and what is known to hold there.

pub mod effective;
pub mod planned;
pub mod reach;
mod split;
