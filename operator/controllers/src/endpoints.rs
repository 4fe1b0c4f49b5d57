//! What the controller says of its health, and in numbers.

use crate::context::Context;
use snc_health::Health;
use std::fmt::Write;

impl Health for Context {
    /// Ready once everything was listed. A standby is ready, too: it could take over now.
    fn readiness(&self) -> (bool, String) {
        let inputs = self.inputs.all();
        let ready = !inputs.is_empty() && inputs.iter().all(|(_, input)| input.listed.is_some());
        let mut detail = String::new();
        for (kind, input) in inputs {
            let age = input.age().map_or("never heard of".to_owned(), |age| format!("{} s", age.as_secs()));
            let state = match (input.listed.is_some(), input.denied(), input.stale()) {
                (_, true, _) => "[-]",
                (false, ..) => "[ ]",
                (true, false, true) => "[!]",
                (true, false, false) => "[+]",
            };
            let why = if input.denied() { ", denied" } else { "" };
            let _ = writeln!(detail, "{state}{kind} {age}{why}");
        }
        let role = if self.leads() { "leader" } else { "standby" };
        let _ = writeln!(detail, "{role} {}", if ready { "ready" } else { "not ready" });
        (ready, detail)
    }

    fn numbers(&self) -> prometheus::Result<Vec<u8>> {
        let inputs: Vec<_> = self.inputs.all().into_iter().map(|(kind, input)| (kind, input.age())).collect();
        self.metrics.measure(&self.index(), &inputs, self.queue.depth());
        self.metrics.text()
    }
}

#[cfg(test)]
mod tests;
