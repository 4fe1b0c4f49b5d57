//! Public charts as a tenant would install them, where everything is enforced: each refusal is explained in a file, and
//! what is not wrong is not refused.

mod demo;
mod explained;
mod rendered;
mod scene;
mod verdicts;

use snc_e2e::suite::{self, Case, alone};
use std::process::ExitCode;

const CASES: &[Case] = &[
    alone("the_shop_of_the_demo_is_refused_nothing", demo::shop),
    alone("each_refusal_of_a_public_chart_is_explained_and_nothing_else_is_refused", verdicts::all),
];

fn main() -> ExitCode {
    suite::main(CASES)
}
