//! What the webhook says, as the API server and its users hear it, and what happens without it.

mod balancer;
mod bypass;
mod canaries;
mod down;
mod emergency;
mod images;
mod journal;
mod own;
mod replicas;
mod reserved;
mod scene;
mod signed;
mod verdicts;

use snc_e2e::suite::{self, Case, alone};
use std::process::ExitCode;

const CASES: &[Case] = &[
    alone("every_fault_of_a_pod_is_named_at_once", verdicts::all_faults),
    alone("warn_warns_and_audit_takes_note", verdicts::modes),
    alone("what_was_wrong_is_not_held_against_an_update", verdicts::ratchet),
    alone("what_concerns_another_tenant_is_refused", verdicts::across),
    alone("what_the_platform_keeps_for_another_tenant_is_refused", reserved::to_another),
    alone("what_scans_found_decides_about_images", images::judged),
    alone("what_no_declared_key_signed_is_refused_and_told_of", signed::judged),
    alone("namespaces_of_nobody_are_never_asked_about", verdicts::platform),
    alone("a_certificate_is_renewed_under_load_without_a_failed_request", down::renewal),
    alone("the_audit_log_has_what_was_refused_warned_of_noted_and_waived", journal::annotations),
    alone("the_operator_issues_publishes_and_rotates_and_nothing_fails_meanwhile", own::rotation),
    alone("the_bypass_group_passes_refusals_of_workloads_and_every_use_is_seen", bypass::group),
    alone("what_the_canary_tenant_tries_of_the_webhook_is_refused_by_it_and_by_nobody_else", canaries::said),
    alone("the_line_that_preflight_prints_opens_what_a_dead_webhook_shuts", emergency::line),
    alone("three_replicas_come_and_go_and_what_is_lost_is_what_was_under_way", replicas::come_and_go),
    alone("without_any_replica_what_is_enforced_fails_closed_and_nothing_else_does", down::killed),
];

fn main() -> ExitCode {
    suite::main(CASES)
}
