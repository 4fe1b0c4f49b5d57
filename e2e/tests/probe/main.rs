//! What `snc-operator probe` measures, on an API server of its own.

mod measured;

use snc_e2e::suite::{self, Case, alone};
use std::process::ExitCode;

const CASES: &[Case] = &[alone("what_packets_say_of_the_network_is_said_of_namespaces", measured::packets)];

fn main() -> ExitCode {
    suite::main(CASES)
}
