//! What the webhook says of its health, and in numbers.

use super::Server;
use snc_health::Health;
use std::fmt::Write;

impl Health for Server {
    /// Ready once everything was listed, and as long as clients that go by the published bundle trust what is served.
    fn readiness(&self) -> (bool, String) {
        let mut detail = String::new();
        for (kind, age) in self.mind.ages() {
            let (mark, age) = age
                .map_or(("[ ]", "never heard of".to_owned()), |age| ("[+]", format!("{} s", age.as_secs())));
            let _ = writeln!(detail, "{mark}{kind} {age}");
        }
        let doubt = self.certificate.doubt();
        let _ = match &doubt {
            None => writeln!(detail, "[+]certificate trusted by the bundle"),
            Some(why) => writeln!(detail, "[ ]certificate: {why}"),
        };
        let leaving = self.leaving.is_cancelled();
        if leaving {
            detail.push_str("[ ]leaving\n");
        }
        let ready = self.mind.is_synced() && doubt.is_none() && !leaving;
        let _ = writeln!(detail, "webhook {}", if ready { "ready" } else { "not ready" });
        (ready, detail)
    }

    fn numbers(&self) -> prometheus::Result<Vec<u8>> {
        self.metrics.ages(&self.mind.ages());
        self.metrics.text()
    }
}
