use super::{Broken, Raised, Rules, digest};
use crate::attribution::Partition;
use crate::canonical::Hash;
use crate::event::Event;

const RULE: &str = "audit-id-reused";

/// Two events of one Audit-ID and one stage that are not the same: none of them may hide the other. `second` is the one
/// that came later, and the partition is its own. None where they are no such pair.
pub fn audit_id_reused(
    (first, first_hash): (&Event<'_>, Hash),
    (second, second_hash): (&Event<'_>, Hash),
    partition: &Partition,
) -> Result<Option<Raised>, Broken> {
    let pair = first.audit_id == second.audit_id && first.stage_word() == second.stage_word();
    if !pair || first_hash == second_hash {
        return Ok(None);
    }
    let Some(rule) = Rules::all()?.get(RULE) else { return Ok(None) };
    let raised = Raised::of(rule, rule.severity, second, partition);
    // One raising for a pair, whichever of the two comes again.
    let (low, high) = (first_hash.min(second_hash), first_hash.max(second_hash));
    Ok(Some(Raised { request: digest(&[b"pair", &low.0, &high.0]), ..raised }))
}
