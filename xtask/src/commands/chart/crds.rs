//! The chart of the CRDs: that it renders to what `crds/` holds and no more, and that it gets on with the chart of the operator
//! whichever comes first.

use crate::harness::{
    Builder, Client, ControlPlane, KUBERNETES_VERSION, Toolchain, User, wait_until, workspace,
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

const RELEASE: &str = "snc-crds";
const TENANT: &str = "{apiVersion: secnumcloud.dev/v1alpha1, kind: SncTenant, metadata: {name: garde}, \
                      spec: {level: Standard, namespaces: [garde]}}";

/// By name.
type Definitions = BTreeMap<String, Value>;

pub(super) fn check(toolchain: &Toolchain, client: &Client, scratch: &Path) -> Result<()> {
    let chart = workspace::root().join("charts/snc-crds").display().to_string();
    rendered(client, &chart)?;
    let misspelt = client.helm(["template", RELEASE, "--set=kep=true", &chart])?;
    ensure!(!misspelt.success() && misspelt.stderr.contains("'kep' not allowed"), "{}", misspelt.stderr);
    let plane = Builder::ephemeral("crds")?.start(toolchain)?;
    let cluster = Cluster { helm: plane.client(User::Platform)?, plane: &plane };
    cluster.crds_first(&chart)?;
    cluster.crds_later(&chart, scratch)?;
    plane.stop()
}

fn rendered(client: &Client, chart: &str) -> Result<()> {
    let version = format!("--kube-version={KUBERNETES_VERSION}");
    client.helm_ok(["lint", "--strict", &version, chart])?;
    let made = definitions(&client.helm_ok(["template", RELEASE, &version, chart])?)?;
    let mut wanted = Definitions::new();
    for path in workspace::files(&workspace::root().join("crds"), "yaml")? {
        wanted.append(&mut definitions(&fs::read_to_string(path)?)?);
    }
    for definition in wanted.values_mut() {
        definition["metadata"]["annotations"] = json!({ "helm.sh/resource-policy": "keep" });
        definition["metadata"]["labels"] = json!({
            "helm.sh/chart": format!("snc-crds-{}", env!("CARGO_PKG_VERSION")),
            "app.kubernetes.io/name": "snc-crds",
            "app.kubernetes.io/instance": RELEASE,
            "app.kubernetes.io/version": env!("CARGO_PKG_VERSION"),
            "app.kubernetes.io/managed-by": "Helm",
        });
    }
    for (name, definition) in &wanted {
        ensure!(made.get(name) == Some(definition), "{name} is not what crds/ holds, kept and labelled");
    }
    ensure!(made.len() == wanted.len(), "{:?} are rendered, crds/ holds {:?}", made.keys(), wanted.keys());
    println!("snc-crds: {} CRDs, as in crds/, kept and labelled", made.len());
    Ok(())
}

fn definitions(manifests: &str) -> Result<Definitions> {
    let mut found = Definitions::new();
    for text in super::documents(&format!("\n{manifests}")) {
        let definition: Value = serde_saphyr::from_str(text)?;
        let name = definition["metadata"]["name"].as_str().context("a CRD without a name")?.to_owned();
        found.insert(name, definition);
    }
    Ok(found)
}

struct Cluster<'a> {
    plane: &'a ControlPlane,
    helm: Client,
}

impl Cluster<'_> {
    /// `--skip-crds` leaves them to their release. Without it helm 4 applies those of `crds/` over them under the same field
    /// manager, by which their marks go, until the next upgrade; no CRD goes in any case.
    fn crds_first(&self, chart: &str) -> Result<()> {
        self.install(chart, &[])?;
        self.established()?;
        self.owned()?;
        let before = self.definitions()?;
        self.operator(&["--skip-crds"])?;
        ensure!(self.definitions()? == before, "with --skip-crds the chart of the operator changed the CRDs");
        self.operator_gone()?;
        self.operator(&[])?;
        for (name, definition) in self.definitions()? {
            ensure!(definition["spec"] == before[&name]["spec"], "{name} became another one");
            let kept = &definition["metadata"]["annotations"];
            ensure!(kept.is_null(), "helm leaves marks alone now, and the docs can say so: {kept}");
        }
        self.install(chart, &[])?;
        self.owned()?;
        self.operator_gone()?;
        self.uninstalled()?;
        println!(
            "snc-crds first: snc-operator leaves them alone with --skip-crds, and without it takes their marks"
        );
        self.helm.kubectl_ok(["delete", "crd", "--all", "--wait"]).map(drop)
    }

    fn operator_gone(&self) -> Result<()> {
        self.helm.helm_ok(["uninstall", "snc", "--namespace=snc-system", "--no-hooks"])?;
        let gone =
            ["wait", "--for=delete", "namespace/snc-canary", "namespace/snc-canary-tenant", "--timeout=60s"];
        self.helm.kubectl_ok(gone).map(drop)
    }

    /// They are nobody's release's then, and are taken over on being asked to.
    fn crds_later(&self, chart: &str, scratch: &Path) -> Result<()> {
        self.operator(&[])?;
        self.established()?;
        self.helm.apply(TENANT)?;
        let uid = self.tenant()?;
        let refused = self.helm.helm(["install", RELEASE, "--namespace=snc-system", chart])?;
        ensure!(
            !refused.success() && refused.stderr.contains("invalid ownership metadata"),
            "{}{}",
            refused.stdout,
            refused.stderr
        );
        self.install(chart, &["--take-ownership"])?;
        self.owned()?;
        self.lost(chart, scratch)?;
        self.uninstalled()?;
        ensure!(self.tenant()? == uid, "the objects are those that were there");
        self.install(chart, &["--take-ownership"])?;
        ensure!(self.tenant()? == uid, "the objects are those that were there");
        println!(
            "snc-crds later: refused, and then taken over by --take-ownership; objects outlive an upgrade and its end"
        );
        Ok(())
    }

    /// An upgrade puts right what somebody changed, and a CRD that a later chart does not have stays.
    fn lost(&self, chart: &str, scratch: &Path) -> Result<()> {
        let name = "sncwaiversets.secnumcloud.dev";
        let label = "app.kubernetes.io/name";
        self.helm.kubectl_ok(["label", "crd", name, "--overwrite", &format!("{label}=autre")])?;
        let conflict = self.helm.helm(["upgrade", RELEASE, "--namespace=snc-system", chart])?;
        ensure!(!conflict.success() && conflict.stderr.contains("conflict"), "{}", conflict.stderr);
        self.install(chart, &["--force-conflicts"])?;
        let found = self.definitions()?;
        ensure!(found[name]["metadata"]["labels"][label] == RELEASE, "{}", found[name]["metadata"]);
        let smaller = scratch.join("snc-crds");
        copy(Path::new(chart), &smaller)?;
        fs::remove_file(smaller.join("templates/sncwaiversets.yaml"))?;
        self.install(&smaller.to_string_lossy(), &[])?;
        ensure!(self.definitions()?.contains_key(name), "{name} is gone with its template");
        self.install(chart, &[])
    }

    fn install(&self, chart: &str, how: &[&str]) -> Result<()> {
        let args = ["upgrade", "--install", RELEASE, "--namespace=snc-system", "--create-namespace", chart];
        self.helm.helm_ok(args.iter().chain(how)).map(drop)
    }

    fn operator(&self, how: &[&str]) -> Result<()> {
        let chart = workspace::chart().display().to_string();
        let pods = "--set=replicas=0,webhook.replicas=0";
        let args = ["install", "snc", "--namespace=snc-system", "--create-namespace", pods, &chart];
        self.helm.helm_ok(args.iter().chain(how)).map(drop)
    }

    fn uninstalled(&self) -> Result<()> {
        let before = self.definitions()?;
        self.helm.helm_ok(["uninstall", RELEASE, "--namespace=snc-system"])?;
        ensure!(self.definitions()? == before, "the CRDs stay as they are");
        Ok(())
    }

    fn established(&self) -> Result<()> {
        let wait = ["wait", "crd", "--all", "--for=condition=Established", "--timeout=5s"];
        // kubectl gives up at once where an object has no conditions yet.
        let mut said = String::new();
        wait_until("the CRDs to be established", Duration::from_secs(30), Duration::from_millis(200), || {
            let waited = self.helm.kubectl(wait)?;
            let established = waited.success();
            said = waited.stderr;
            Ok(established.then_some(()))
        })
        .context(said)
    }

    fn owned(&self) -> Result<()> {
        for (name, definition) in self.definitions()? {
            let owner = &definition["metadata"]["annotations"]["meta.helm.sh/release-name"];
            ensure!(owner == RELEASE, "{name} is of release {owner}");
        }
        Ok(())
    }

    fn tenant(&self) -> Result<String> {
        self.helm.kubectl_ok(["get", "snctenant", "garde", "--output=jsonpath={.metadata.uid}"])
    }

    fn definitions(&self) -> Result<Definitions> {
        let list = self.plane.client(User::Admin)?.kubectl_ok(["get", "crd", "--output=json"])?;
        let mut list: Value = serde_json::from_str(&list)?;
        let items = list["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        Ok(items
            .into_iter()
            .map(|item| (item["metadata"]["name"].as_str().unwrap_or_default().to_owned(), item))
            .collect())
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
