//! `helm test`: passes on an installation that works, and says what is wrong of one that does not.

use super::{
    LIMIT, Site,
    chart::{CONTROLLERS, WEBHOOKS},
};
use anyhow::{Result, ensure};
use snc_core::names::{GUARD_GATE, OPERATOR_DEPLOYMENT, WEBHOOK_SERVICE};
use snc_e2e::{
    cluster::OPERATOR_NAMESPACE,
    objects::{GUARD_BINDINGS, Kind, at},
    wait::within,
};
use std::time::Instant;
use xtask::harness::User;

const PARTS: [&str; 6] = ["lease", "CRDs", "guards", GUARD_GATE, "configuration of the webhook", "admission"];
const NAME: &str = "snc-check";

impl Site {
    /// Passes, with every part in order; and leaves nothing behind.
    pub fn helm_test_passes(&self) -> Result<()> {
        let started = Instant::now();
        let output = self.plane.helm(User::Platform, ["test", "snc", "--namespace", OPERATOR_NAMESPACE])?;
        let told = format!("{}{}{}", output.stdout, output.stderr, self.log_of_check()?);
        ensure!(output.success(), "{told}");
        for part in PARTS {
            ensure!(told.contains(&format!("ok      {part}: ")), "nothing of {part}:\n{told}");
        }
        println!("helm test passes in {:.1} s", started.elapsed().as_secs_f64());
        for kind in ["clusterrole", "clusterrolebinding"] {
            let left = self.plane.kubectl(User::Admin, ["get", kind, NAME])?;
            ensure!(!left.success(), "{}", left.stdout);
        }
        Ok(())
    }

    fn log_of_check(&self) -> Result<String> {
        Ok(self.plane.kubectl(User::Admin, ["logs", "-n", OPERATOR_NAMESPACE, "job/snc-check"])?.stdout)
    }

    fn scale(&self, deployment: &str, selector: &str, replicas: usize) -> Result<()> {
        let (deployment, replicas_arg) =
            (format!("deployment/{deployment}"), format!("--replicas={replicas}"));
        let scaled = self
            .plane
            .kubectl(User::Admin, ["scale", "-n", OPERATOR_NAMESPACE, &deployment, &replicas_arg])?;
        ensure!(scaled.success(), "{}", scaled.stderr);
        if replicas > 0 {
            return self.ready(OPERATOR_NAMESPACE, selector, replicas).map(drop);
        }
        within(LIMIT, &format!("{deployment} to have no pod"), || {
            let pods =
                self.admin.list(format!("{}?labelSelector={selector}", Kind::Pod.all(OPERATOR_NAMESPACE)))?;
            ensure!(pods.is_empty(), "{} pods", pods.len());
            Ok(())
        })
    }
}

/// Nobody leads, nobody answers as the webhook and the gate has no binding: each is said, and what is in order as well. Once
/// that is mended it passes.
pub fn says_what_is_wrong(site: &Site) -> Result<()> {
    site.scale(OPERATOR_DEPLOYMENT, CONTROLLERS, 0)?;
    site.scale(WEBHOOK_SERVICE, WEBHOOKS, 0)?;
    site.admin.delete(at(GUARD_BINDINGS, GUARD_GATE))?;
    let output = site.plane.helm(User::Platform, ["test", "snc", "--namespace", OPERATOR_NAMESPACE])?;
    let told = site.log_of_check()?;
    println!("{told}");
    ensure!(!output.success(), "helm test passes:\n{}{told}", output.stdout);
    for part in ["lease", "guards", GUARD_GATE, "admission"] {
        ensure!(told.contains(&format!("FAILED  {part}: ")), "{part} is to be wrong:\n{told}");
    }
    for part in ["CRDs", "configuration of the webhook"] {
        ensure!(told.contains(&format!("ok      {part}: ")), "{part} is to be right:\n{told}");
    }
    ensure!(told.contains("webhook-pod: "), "{told}");
    site.scale(WEBHOOK_SERVICE, WEBHOOKS, 3)?;
    site.scale(OPERATOR_DEPLOYMENT, CONTROLLERS, 2)?;
    site.helm_test_passes()
}
