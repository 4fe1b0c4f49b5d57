//! Scans of images, imported by the CLI: what they found decides about new pods, and what runs is flagged and left alone.

use crate::scene::{asked, good, with_webhook};
use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use snc_core::names::{GUARD_STATUS, LABEL_IMAGES, LABEL_TENANT};
use snc_e2e::api::Answered;
use snc_e2e::cluster::{Cluster, OPERATOR_NAMESPACE};
use snc_e2e::definitions;
use snc_e2e::objects::{
    BASELINES, CLUSTER_ROLE_BINDINGS, Kind, NAMESPACES, TENANTS, at, baseline, label, namespace,
    new_namespace,
};
use snc_e2e::wait::{eventually, within};
use std::time::Duration;
use xtask::harness::User;

const PLACE: &str = "imagerie";
const EXCEPTIONS: &str = "/apis/secnumcloud.dev/v1alpha1/sncexceptions";
const APPROVER: &str = "valerie";
/// Assessments are not written more often than every twenty seconds.
const PATIENCE: Duration = Duration::from_secs(60);

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

/// As every other control of level `Standard` wants it.
pub fn pod(name: &str, image: &str) -> Value {
    let mut pod = good(name);
    pod["spec"]["containers"][0]["image"] = json!(image);
    pod["spec"]["containers"][0]["resources"]["limits"]["ephemeral-storage"] = json!("1Mi");
    pod["spec"]["containers"][0]["resources"]["requests"]["ephemeral-storage"] = json!("1Mi");
    pod["spec"]["serviceAccountName"] = json!("default");
    pod
}

fn pinned(name: &str, of: char) -> Value {
    pod(name, &format!("registry.invalid/app@{}", digest(of)))
}

/// A report of Trivy on an image, with these findings.
fn trivy(of: char, findings: &[(&str, &str)]) -> Value {
    let found: Vec<Value> = findings
        .iter()
        .map(|(id, severity)| {
            json!({"VulnerabilityID": id, "PkgName": "openssl", "InstalledVersion": "3.0.1",
                "FixedVersion": "3.0.2", "Severity": severity})
        })
        .collect();
    json!({"SchemaVersion": 2, "CreatedAt": Timestamp::now().to_string(), "ArtifactName": "registry.invalid/app:1",
        "ArtifactType": "container_image",
        "Metadata": {"OS": {"Family": "debian", "Name": "12"}, "RepoDigests": [format!("registry.invalid/app@{}", digest(of))]},
        "Results": [{"Target": "app", "Vulnerabilities": found}]})
}

pub fn import(
    cluster: &Cluster,
    user: User,
    report: &Value,
    namespace: &str,
    more: &[&str],
) -> Result<Value> {
    let file = tempfile::NamedTempFile::with_suffix(".json")?;
    serde_json::to_writer(&file, report)?;
    let file = file.path().display().to_string();
    let mut words = vec!["image", "import", &file, "-n", namespace, "-o", "json"];
    words.extend(more);
    let output = cluster.kubectl_snc(user, &words)?;
    ensure!(output.code == Some(0), "{output:?}");
    serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))
}

fn ledger(of: char) -> String {
    let prefix = of.to_string().repeat(2);
    Kind::SncImageLedger.one(OPERATOR_NAMESPACE, &format!("snc-first-seen-{prefix}"))
}

/// The operator writes down when it saw a finding first.
fn written_down(cluster: &Cluster, of: char, id: &str) -> Result<String> {
    within(PATIENCE, "the date of the finding", || {
        let found = cluster.admin.get(ledger(of))?;
        let first = &found["spec"]["images"][digest(of)]["first"][format!("{id} openssl")];
        Ok(first.as_str().with_context(|| found["spec"].to_string())?.to_owned())
    })
}

/// As if days had gone by: the operator itself is the only one who may write it.
fn aged(cluster: &Cluster, of: char, id: &str, days: i64) -> Result<()> {
    written_down(cluster, of, id)?;
    let then = (Timestamp::now() - SignedDuration::from_hours(24 * days)).to_string();
    let mut found = cluster.admin.get(ledger(of))?;
    found["spec"]["images"][digest(of)]["first"][format!("{id} openssl")] = json!(then);
    cluster.admin.replace(ledger(of), found.clone()).refused_by(GUARD_STATUS)?;
    cluster.operator.replace(ledger(of), found)?;
    Ok(())
}

fn governed(cluster: &Cluster) -> Result<()> {
    let spec = json!({"tenantSelector": {"matchLabels": {"images": "Enforce"}},
        "modes": {"images": "Enforce"},
        "parameters": [{"control": "image-registry", "name": "registries", "value": ["registry.invalid"],
            "rationale": "le registre des essais"}]});
    cluster.platform.create(BASELINES, baseline("images-enforce", spec))?;
    let tenant = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
        "metadata": {"name": PLACE, "labels": {"images": "Enforce"}},
        "spec": {"level": "Standard", "namespaces": [PLACE], "owners": [{"kind": "User", "name": "alice"}]}});
    cluster.platform.create(TENANTS, tenant)?;
    cluster.platform.create(NAMESPACES, new_namespace(PLACE, json!({LABEL_TENANT: PLACE})))?;
    eventually("the mode of images", || {
        let found = cluster.admin.get(namespace(PLACE))?;
        ensure!(label(&found, LABEL_IMAGES) == Some("Enforce"), "{}", found["metadata"]);
        cluster.admin.get(Kind::ServiceAccount.one(PLACE, "default")).map(drop).map_err(Into::into)
    })
}

pub fn judged(cluster: &Cluster) -> Result<()> {
    governed(cluster)?;
    // Before the webhook looks what is served.
    definitions::install(&cluster.admin, &["aquasecurity.github.io/VulnerabilityReport"].into())?;
    let result = with_webhook(cluster, "webhook-images", |_, _| {
        asked(cluster)?;
        refused_until_scanned(cluster)?;
        overdue(cluster)?;
        of_the_tenant(cluster)?;
        statements(cluster)?;
        of_trivy_operator(cluster)?;
        flagged(cluster)
    });
    cluster.platform.delete(at(TENANTS, PLACE))?;
    result
}

fn tried() -> String {
    format!("{}?dryRun=All", Kind::Pod.all(PLACE))
}

fn admitted(cluster: &Cluster, pod: &Value) -> Result<()> {
    eventually("the image to be admitted", || Ok(cluster.admin.create(tried(), pod.clone()).map(drop)?))
}

fn refused(cluster: &Cluster, pod: &Value, texts: &[&str]) -> Result<()> {
    within(PATIENCE, "the image to be refused", || {
        cluster.admin.create(tried(), pod.clone()).refused_with(texts).map(drop)
    })
}

fn refused_until_scanned(cluster: &Cluster) -> Result<()> {
    refused(cluster, &pod("a", "registry.invalid/app:1"), &["image-digest", "image-scanned"])?;
    refused(cluster, &pod("a", &format!("ailleurs.invalid/app@{}", digest('1'))), &["image-registry"])?;
    let clean = pinned("a", '1');
    refused(cluster, &clean, &["image-scanned", "sha256:1111"])?;
    let first = import(cluster, User::Platform, &trivy('1', &[]), OPERATOR_NAMESPACE, &[])?;
    ensure!(first[0]["written"] == "created", "{first}");
    admitted(cluster, &clean)?;
    // The same report once more is nothing new, and a template is judged as its pods are.
    let report = trivy('2', &[("CVE-2026-9", "LOW")]);
    for expected in ["created", "unchanged"] {
        let again = import(cluster, User::Platform, &report, OPERATOR_NAMESPACE, &[])?;
        ensure!(again[0]["written"] == expected, "{again}");
    }
    let mut both = clean.clone();
    both["spec"]["initContainers"] = json!([pinned("x", '3')["spec"]["containers"][0]]);
    both["spec"]["initContainers"][0]["name"] = json!("init");
    both["spec"]["initContainers"][0].as_object_mut().context("a container")?.remove("readinessProbe");
    refused(cluster, &both, &["image-scanned", "initContainers", "sha256:3333"])
}

fn overdue(cluster: &Cluster) -> Result<()> {
    let report = trivy('4', &[("CVE-2026-1", "CRITICAL")]);
    import(cluster, User::Platform, &report, OPERATOR_NAMESPACE, &[])?;
    let pod = pinned("retard", '4');
    admitted(cluster, &pod)?;
    // One that is there stays there.
    cluster.admin.create(Kind::Pod.all(PLACE), pinned("tourne", '4'))?;
    aged(cluster, '4', "CVE-2026-1", 4)?;
    refused(cluster, &pod, &["image-overdue", "CVE-2026-1 openssl 3.0.1", "containers[\"main\"].image"])?;
    // A report made again does not set the clock back.
    import(cluster, User::Platform, &trivy('4', &[("CVE-2026-1", "CRITICAL")]), OPERATOR_NAMESPACE, &[])?;
    refused(cluster, &pod, &["image-overdue"])?;
    waived(cluster, &pod)
}

/// For as long as it says, and no longer.
fn waived(cluster: &Cluster, pod: &Value) -> Result<()> {
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "e2e-valerie"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "snc-approver"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": APPROVER}],
    });
    cluster.admin.create(CLUSTER_ROLE_BINDINGS, binding)?;
    let approver = cluster.admin.impersonating(APPROVER);
    eventually("the approver's rights", || Ok(approver.list(EXCEPTIONS)?))?;
    let ends = Timestamp::now() + SignedDuration::from_secs(25);
    let exception = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncException", "metadata": {"name": "image-en-retard"},
        "spec": {
            "controls": ["image-overdue"],
            "subjects": [{"kind": "Pod", "namespace": PLACE, "name": pod["metadata"]["name"]}],
            "reason": "correctif de l'éditeur attendu", "ticket": "SEC-8",
            "compensatingMeasure": "filtrage en amont du service",
            "expiresOn": ends.to_string(), "requestedBy": "platform-admin",
        },
    });
    cluster.platform.create(EXCEPTIONS, exception)?;
    let status = format!("{}/status", at(EXCEPTIONS, "image-en-retard"));
    approver.merge(status, json!({"status": {"approvedBy": APPROVER}}))?;
    admitted(cluster, pod)?;
    ensure!(Timestamp::now() < ends, "admitted only after the waiver's end");
    refused(cluster, pod, &["image-overdue"])?;
    ensure!(Timestamp::now() >= ends, "refused while it was waived");
    cluster.platform.delete(at(EXCEPTIONS, "image-en-retard"))?;
    Ok(())
}

/// Its word accuses, and proves nothing.
fn of_the_tenant(cluster: &Cluster) -> Result<()> {
    let report = trivy('5', &[]);
    import(cluster, User::Admin, &report, PLACE, &[])?;
    refused(cluster, &pinned("a", '5'), &["image-scanned", "sha256:5555", "tenant"])?;
    cluster.alice.create(Kind::SncImageScan.all(OPERATOR_NAMESPACE), json!({"apiVersion": "secnumcloud.dev/v1alpha1",
        "kind": "SncImageScan", "metadata": {"name": format!("{}-trivy", digest('5').replace(':', "-"))}, "spec": {}}))
        .refused_with(&["is forbidden: User \"alice\""])?;
    Ok(())
}

fn statements(cluster: &Cluster) -> Result<()> {
    let pod = pinned("vex", '6');
    import(cluster, User::Platform, &trivy('6', &[("CVE-2026-2", "CRITICAL")]), OPERATOR_NAMESPACE, &[])?;
    aged(cluster, '6', "CVE-2026-2", 10)?;
    refused(cluster, &pod, &["image-overdue", "CVE-2026-2"])?;
    let vex = |justification: &str| {
        let mut statement = json!({"vulnerability": {"name": "CVE-2026-2"}, "products": [{"@id": "pkg:deb/debian/openssl"}],
            "status": "not_affected"});
        if !justification.is_empty() {
            statement["justification"] = json!(justification);
        }
        json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "Plateforme", "version": 1,
            "timestamp": "2026-11-20T08:00:00Z", "statements": [statement]})
    };
    let of = digest('6');
    import(cluster, User::Platform, &vex(""), OPERATOR_NAMESPACE, &["--digest", &of])?;
    refused(cluster, &pod, &["image-overdue"])?;
    import(
        cluster,
        User::Platform,
        &vex("vulnerable_code_not_present"),
        OPERATOR_NAMESPACE,
        &["--digest", &of],
    )?;
    admitted(cluster, &pod)
}

/// What Trivy Operator writes lies where a tenant may: it proves something once the platform vouches for it.
fn of_trivy_operator(cluster: &Cluster) -> Result<()> {
    let report = json!({"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReport",
        "metadata": {"name": "replicaset-app-main", "namespace": PLACE},
        "report": {
            "updateTimestamp": Timestamp::now().to_string(), "os": {"family": "debian", "name": "12"},
            "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "0.66.0"},
            "registry": {"server": "registry.invalid"}, "artifact": {"repository": "app", "tag": "1", "digest": digest('8')},
            "summary": {"criticalCount": 0, "highCount": 0, "mediumCount": 0, "lowCount": 0, "unknownCount": 0},
            "vulnerabilities": []}});
    let reports = format!("/apis/aquasecurity.github.io/v1alpha1/namespaces/{PLACE}/vulnerabilityreports");
    cluster.admin.create(&reports, report)?;
    let pod = pinned("operateur", '8');
    refused(cluster, &pod, &["image-scanned", "sha256:8888", "tenant may have written"])?;
    let baseline = at(BASELINES, "images-enforce");
    let mut parameters = cluster.admin.get(&baseline)?["spec"]["parameters"].clone();
    for control in ["image-scanned", "image-overdue"] {
        let vouched = json!({"control": control, "name": "trustedReports", "value": true,
            "rationale": "les tenants n'ont pas le droit d'en écrire"});
        parameters.as_array_mut().context("parameters")?.push(vouched);
    }
    cluster.platform.merge(&baseline, json!({"spec": {"parameters": parameters}}))?;
    admitted(cluster, &pod)?;
    cluster.admin.delete(format!("{reports}/replicaset-app-main"))?;
    refused(cluster, &pod, &["image-scanned", "never scanned"])
}

/// What runs is told of, under each runtime's way to name it, and goes on running.
fn flagged(cluster: &Cluster) -> Result<()> {
    let path = Kind::Pod.one(PLACE, "tourne");
    let before = cluster.admin.get(&path)?["metadata"]["uid"].clone();
    let forms = [
        format!("docker-pullable://registry.invalid/app@{}", digest('4')),
        digest('4').trim_start_matches("sha256:").to_owned(),
        format!("registry.invalid/app@{}", digest('4')),
    ];
    for form in forms {
        let status = json!({"status": {"phase": "Running", "containerStatuses": [{"name": "main", "image": "x",
            "imageID": form, "ready": true, "restartCount": 0}]}});
        cluster.admin.merge(format!("{path}/status"), status)?;
        within(PATIENCE, "the verdict on what runs", || {
            let output =
                cluster.kubectl_snc(User::Platform, &["image", "verdict", "-n", PLACE, "-o", "json"])?;
            let lines: Value = serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))?;
            ensure!(output.code == Some(1) && lines[0]["state"] == "Fail", "{output:?}");
            ensure!(lines[0]["workload"] == "Pod/tourne", "{lines}");
            Ok(())
        })?;
    }
    within(PATIENCE, "the assessment of the tenant", || {
        let found = cluster.admin.get(Kind::SncAssessment.one(PLACE, "snc-assessment"))?;
        let controls = found["status"]["controls"].as_array().context("no controls")?;
        let own = controls.iter().find(|one| one["id"] == "image-overdue").context("no image-overdue")?;
        ensure!(own["fail"].as_i64() >= Some(1), "{own}");
        Ok(())
    })?;
    ensure!(cluster.admin.get(&path)?["metadata"]["uid"] == before, "the pod is not the same any more");
    Ok(())
}
