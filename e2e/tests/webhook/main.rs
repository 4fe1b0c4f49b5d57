//! What the webhook says, as the API server and its users hear it, and what happens without it.

mod down;
mod own;
mod scene;
mod verdicts;

use snc_e2e::suite::{self, Case, alone};
use std::process::ExitCode;

const CASES: &[Case] = &[
    alone("every_fault_of_a_pod_is_named_at_once", verdicts::all_faults),
    alone("warn_warns_and_audit_takes_note", verdicts::modes),
    alone("what_was_wrong_is_not_held_against_an_update", verdicts::ratchet),
    alone("what_concerns_another_tenant_is_refused", verdicts::across),
    alone("namespaces_of_nobody_are_never_asked_about", verdicts::platform),
    alone("a_certificate_is_renewed_under_load_without_a_failed_request", down::renewal),
    alone("the_operator_issues_publishes_and_rotates_and_nothing_fails_meanwhile", own::rotation),
    alone("without_any_replica_what_is_enforced_fails_closed_and_nothing_else_does", down::killed),
];

fn main() -> ExitCode {
    suite::main(CASES)
}
