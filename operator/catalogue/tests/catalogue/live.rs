//! What changes is judged as if it were judged afresh.

mod afresh;
mod made;
mod objects;
mod same;
mod size;
mod unknown;
mod waived;
