//! What is refused at admission, to whom, and by which guard.

mod attacks;
mod canaries;
mod controls;
mod gate;
mod guards;
mod lockout;
mod rights;

use snc_e2e::suite::{self, Case, alone, shared};
use std::process::ExitCode;

const CASES: &[Case] = &[
    shared("no_pod_is_admitted_before_its_default_deny", gate::race),
    shared("a_namespace_of_an_undeclared_tenant_stays_shut", gate::unknown_tenant),
    shared("nobody_but_the_operator_changes_the_labels_of_a_governed_namespace", guards::namespace_labels),
    shared("nobody_but_the_operator_changes_or_deletes_or_forges_managed_objects", guards::managed_objects),
    shared("nobody_but_the_operator_writes_an_assessment", guards::assessments),
    shared("a_reserved_name_needs_its_tenants_label_and_the_right_to_assign_it", guards::reserved_names),
    shared("the_ratchet_holds_changed_fields_and_leaves_old_ones", guards::ratchet),
    shared("owners_get_their_rights_after_isolation_and_no_more_than_these", rights::owners),
    shared("nobody_but_the_operator_writes_what_the_operator_finds", guards::statuses),
    shared("the_audit_log_is_declared_by_the_platform_and_found_by_the_sink", guards::audit_logs),
    shared("our_webhook_configuration_is_the_operators_and_others_are_anybodys", guards::webhooks),
    shared("critical_controls_refuse_in_enforce_whatever_holds_the_pod", controls::enforced),
    shared("critical_controls_warn_in_warn_and_are_silent_in_audit_and_below_their_level", controls::advised),
    shared("critical_controls_are_asked_of_no_other_namespace", controls::elsewhere),
    shared("what_failed_before_the_mode_was_raised_is_not_frozen", controls::ratchet),
    shared("the_largest_pods_are_judged_within_the_budget", controls::large),
    alone("waivers_are_honoured_for_what_they_name_and_for_what_it_makes", controls::waivers),
    alone("policies_of_controls_are_restored_and_old_ones_removed", controls::repair),
    alone("what_fails_deletes_cleanly_with_the_operator_down", controls::clean_end),
    alone("a_pod_in_the_first_instant_is_refused_by_the_gate_and_only_by_it", gate::first_instant),
    alone("every_refusal_is_the_work_of_its_guards_binding", guards::without_bindings),
    alone("every_canary_is_refused_by_its_guard_and_let_through_without_it", canaries::without_their_guards),
    alone("nobody_but_a_scheduler_chooses_a_tenants_node", canaries::nodes),
    shared("a_list_and_what_is_on_its_way_out_are_judged_like_all_else", canaries::lists_and_leavers),
    alone("a_guard_that_was_removed_or_changed_is_restored_and_said", guards::repair),
    alone("fifty_foreign_namespaces_come_and_go_with_the_operator_down", lockout::foreign_namespaces),
    alone("a_governed_namespace_deletes_cleanly_with_the_operator_down", lockout::governed_namespace),
];

fn main() -> ExitCode {
    suite::main(CASES)
}
