//! From the chart 0.1.0, as it was packaged then, to this one, while traffic goes on.
//!
//! Its image is not kept: what runs in it is this version's, which that chart has neither the kinds nor the rights for. Both are
//! given to it, and the rights are taken away again before the upgrade.

use super::{LIMIT, Site, chart};
use anyhow::{Result, ensure};
use serde_json::json;
use snc_e2e::{
    cluster::OPERATOR_NAMESPACE,
    objects::{CLUSTER_ROLE_BINDINGS, Kind, at, text},
    wait::within,
};
use std::{path::PathBuf, time::Duration};
use xtask::harness::{User, workspace};

const OPERATOR: &str = "app.kubernetes.io/name=snc-operator";
/// What the fixture's operator has besides the rights of its chart.
const RIGHTS: &str = "fixture-0.1.0";

fn fixture() -> PathBuf {
    workspace::root().join("tests/fixtures/charts/snc-operator-0.1.0.tgz")
}

impl Site {
    fn install_fixture(&self) -> Result<()> {
        let chart = fixture().display().to_string();
        let image = self.release.values.display().to_string();
        let of = ["install", "snc", &chart, "--namespace", OPERATOR_NAMESPACE, "--values", &image];
        self.helm(&[&of[..], &["--set", "language=en"]].concat())
    }

    /// As docs/install.md says, before each upgrade.
    fn apply_crds(&self) -> Result<()> {
        let crds = workspace::root().join("crds").display().to_string();
        let applied =
            self.plane.kubectl(User::Admin, ["apply", "--server-side", "--force-conflicts", "-f", &crds])?;
        ensure!(applied.success(), "{}", applied.stderr);
        Ok(())
    }

    fn give_rights(&self) -> Result<()> {
        let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": RIGHTS},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "snc-controller", "namespace": OPERATOR_NAMESPACE}]});
        self.admin.create(CLUSTER_ROLE_BINDINGS, binding)?;
        Ok(())
    }

    /// This version's binary says what it lacks there, and ends.
    fn ends_for_want_of_kinds_and_rights(&self) -> Result<()> {
        let said = within(LIMIT, "the operator of the fixture to end", || {
            let pods =
                self.admin.list(format!("{}?labelSelector={OPERATOR}", Kind::Pod.all(OPERATOR_NAMESPACE)))?;
            ensure!(pods.len() == 1, "{} pods", pods.len());
            let status = &pods[0]["status"]["containerStatuses"][0];
            ensure!(status["restartCount"].as_u64() > Some(0), "{status}");
            let name = text(&pods[0], "/metadata/name");
            let log =
                self.plane.kubectl(User::Admin, ["logs", "-n", OPERATOR_NAMESPACE, name, "--previous"])?;
            ensure!(log.success(), "{}", log.stderr);
            Ok(log.stdout)
        })?;
        let last = said.lines().last().unwrap_or_default();
        println!("this version's operator under the chart 0.1.0: {last}");
        ensure!(last.contains("sncwaiversets"), "{said}");
        Ok(())
    }
}

pub fn with_traffic(site: &Site) -> Result<()> {
    site.install_fixture()?;
    site.ends_for_want_of_kinds_and_rights()?;
    site.apply_crds()?;
    site.give_rights()?;
    let pods = format!("{}?labelSelector={OPERATOR}", Kind::Pod.all(OPERATOR_NAMESPACE));
    site.admin.delete(&pods)?;
    site.ready(OPERATOR_NAMESPACE, OPERATOR, 1)?;
    site.make_tenants()?;
    site.settled("two tenants, by the chart 0.1.0")?;

    let began = site.start_traffic()?;
    site.admin.delete(at(CLUSTER_ROLE_BINDINGS, RIGHTS))?;
    let (new, image) = (site.release.chart.display().to_string(), site.release.values.display().to_string());
    let values = chart::values(site)?;
    let of = ["upgrade", "snc", &new, "--namespace", OPERATOR_NAMESPACE, "--reset-then-reuse-values"];
    let mut args = [&of[..], &["--values", &image, "--wait", "--timeout", "4m"]].concat();
    args.extend(values.iter().flat_map(|value| ["--set", value]));
    site.helm(&args)?;
    site.whole()?;
    site.helm_test_passes()?;
    let arrived = site.arrived(began)?;
    println!(
        "upgraded with traffic: {} packets of the allowed flow arrived, nothing for at most {:?}; of the denied one 0",
        arrived.times.len(),
        arrived.longest_gap()
    );
    ensure!(arrived.longest_gap() < Duration::from_secs(2), "{:?}", arrived.longest_gap());
    site.settled("upgraded from 0.1.0")?;
    site.arrived(began)?;
    site.stop_traffic()
}
