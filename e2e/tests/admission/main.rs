//! What is refused at admission, to whom, and by which guard.

mod attacks;
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
    alone("a_pod_in_the_first_instant_is_refused_by_the_gate_and_only_by_it", gate::first_instant),
    alone("every_refusal_is_the_work_of_its_guards_binding", guards::without_bindings),
    alone("a_guard_that_was_removed_or_changed_is_restored_and_said", guards::repair),
    alone("fifty_foreign_namespaces_come_and_go_with_the_operator_down", lockout::foreign_namespaces),
    alone("a_governed_namespace_deletes_cleanly_with_the_operator_down", lockout::governed_namespace),
];

fn main() -> ExitCode {
    suite::main(CASES)
}
