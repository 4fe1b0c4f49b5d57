//! What the operator does with a namespace from its claim to its end, and with itself from start to kill.

mod adoption;
mod canaries;
mod conflicts;
mod drift;
mod endpoints;
mod failover;
mod hook;
mod lease;
mod migration;
mod names;
mod retention;
mod uninstall;

use snc_e2e::suite::{self, Case, alone, shared};
use std::process::ExitCode;

const CASES: &[Case] = &[
    shared("a_deleted_name_is_left_alone_for_ten_seconds", names::recreation),
    shared("a_namespace_on_its_way_out_is_isolated_no_more", names::termination),
    shared("a_changed_or_deleted_managed_object_is_repaired", drift::objects),
    shared("lost_labels_of_a_governed_namespace_are_restored", drift::labels),
    shared("flows_change_in_place_and_removed_ones_are_deleted", drift::flows_change),
    shared("what_is_not_ours_is_never_touched", drift::foreign),
    shared("objects_that_bore_our_names_before_us_are_made_right", drift::squatters),
    shared("a_forged_record_brings_no_namespace_under_a_tenant", drift::forged_record),
    shared("a_namespace_with_pods_is_observed_then_adopted_with_its_gap", adoption::observe_then_enforce),
    shared("two_claimants_are_told_and_the_namespace_is_closed", conflicts::claimants),
    shared("an_existing_tenant_label_wins", conflicts::label_wins),
    shared("a_pod_security_label_of_somebody_else_is_not_overruled", conflicts::pod_security),
    shared("quotas_never_exceed_the_tenants_total", conflicts::quota),
    shared("baselines_in_conflict_leave_the_last_good_flows_open", conflicts::baselines),
    alone("what_was_in_force_outlives_its_declarations_until_it_is_released", retention::outlives),
    alone("a_second_operator_waits_as_standby_and_writes_nothing", lease::second),
    alone("a_leader_and_its_standby_answer_for_themselves_in_closed_sets", endpoints::answers),
    alone("a_right_that_is_missing_makes_the_answer_unknown_and_is_told", endpoints::permission),
    alone("a_killed_leader_is_replaced_within_its_lease_and_nothing_is_lost", failover::killed),
    alone("a_killed_operator_is_replaced_and_a_terminated_one_lets_go_at_once", lease::succession),
    alone("a_frozen_operator_that_was_replaced_ends_and_changes_nothing", lease::frozen),
    alone("what_the_canary_tenant_is_answered_is_what_is_said_of_admission", canaries::said),
    alone("nothing_is_written_when_nothing_changes", lease::quiet),
    alone("what_is_stored_in_an_older_version_is_rewritten_before_an_upgrade", migration::migrated),
    // Last: the second leaves nothing for others to work with.
    alone("uninstalling_removes_what_would_refuse_for_ever_and_a_reinstall_adopts", uninstall::kept),
    alone("uninstalling_everything_leaves_nothing", uninstall::everything),
];

fn main() -> ExitCode {
    suite::main(CASES)
}
