//! What tenants and platform declare, and what they are told of it.

mod assessment;
mod audit;
mod bad_input;
mod cli;
mod cluster_policies;
mod columns;
mod exceptions;
mod reports;
mod unreadable;

use snc_e2e::suite::{self, Case, alone, shared};
use std::process::ExitCode;

const CASES: &[Case] = &[
    shared("get_shows_the_columns_and_short_names_and_the_category_work", columns::listing),
    shared("explain_tells_what_each_field_of_a_flow_is_for", columns::explain),
    shared("wait_returns_for_the_good_namespace_and_not_for_one_with_a_foreign_policy", columns::waiting),
    shared("isolated_is_unknown_without_a_statement_and_true_with_one", columns::statement),
    shared("the_schema_refuses_what_it_can_judge", bad_input::schema),
    shared("the_audit_log_is_one_and_its_retention_only_grows", bad_input::audit_log),
    shared("names_are_ascii_and_texts_are_anything", bad_input::unicode),
    shared(
        "a_flow_to_a_foreign_namespace_is_refused_by_its_path_and_the_others_open",
        bad_input::foreign_namespace,
    ),
    shared("a_level_below_the_tenants_is_ignored_and_reported_by_its_path", bad_input::level_below),
    shared("five_hundred_flows_are_applied", bad_input::five_hundred_flows),
    shared("preflight_says_what_the_cluster_has_and_leaves_no_trace", cli::preflight),
    shared("audit_says_of_a_cluster_what_scan_says_of_its_manifests", audit::audit),
    shared("what_controls_say_is_told_as_it_changes", assessment::followed),
    shared("nobody_else_writes_an_assessment", assessment::guarded),
    shared("parameters_are_tailored_within_bounds_and_with_a_rationale", assessment::tailored),
    shared("reach_says_the_same_of_a_cluster_and_of_its_manifests", cli::reach),
    shared("an_exception_is_asked_for_by_one_person_and_approved_by_another", exceptions::law),
    shared("what_is_waived_is_exempt_until_it_is_withdrawn", exceptions::exempt),
    shared("an_exception_ends_and_says_what_it_is_good_for", exceptions::end),
    shared("the_waivers_in_force_are_put_back", exceptions::drift),
    shared("exceptions_are_listed_with_what_is_wrong_with_them", exceptions::told),
    shared("who_can_switch_enforcement_off_is_told_by_binding", exceptions::who),
    shared("a_webhook_that_would_lock_the_cluster_out_is_named", exceptions::lockout),
    alone("what_the_guard_of_exceptions_refuses_waives_nothing_without_it", exceptions::unguarded),
    alone("objects_that_cannot_be_read_stop_nothing_else", unreadable::garbage),
    alone(
        "a_cluster_network_policy_that_opens_a_namespace_is_named_while_it_is_there",
        cluster_policies::opening,
    ),
    alone("the_assessment_of_the_cluster_says_what_audit_says", assessment::same_as_audit),
    alone("what_may_not_be_read_is_unknown_and_helps_no_score", assessment::without_right),
    alone("controls_of_the_platform_only_ever_subtract", assessment::own_controls),
    alone("reports_for_other_tools_follow_what_is_found", reports::written),
    alone("nothing_is_written_that_says_nothing_new", assessment::quiet),
    alone("the_operator_writes_in_the_language_of_its_configuration", columns::language),
];

fn main() -> ExitCode {
    suite::main(CASES)
}
